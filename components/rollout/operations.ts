/** The `Rollout` resource: grows volumes, has servers take their configuration over, and restarts those that need it one at a time. */
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { ConnectionSpec } from "../../core/connection.ts";
import { BusError } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { reporting } from "../../core/reporting.ts";
import { isUnknown } from "../../core/unknown.ts";
import { restartOneByOne } from "../gate/rolling.ts";
import { describeServers, observeServers, reloadServers } from "../gate/system.ts";
import { waitGate } from "../gate/wait.ts";
import { kubernetesSet, type SetPort } from "./cluster-api.ts";
import { growClaims } from "./growth.ts";
import type { RolloutInputs, RolloutOutputs, RolloutResults, SetView } from "./model.ts";
import { brokenPods, describeRollout, podTrouble, stalePods } from "./plan.ts";

const DEFAULT_TIMEOUT_MS = 600_000;
/** A changed Secret reaches a pod within a minute or two when nothing hurries it. */
const DELIVERY_MS = 180_000;
const POLL_MS = 500;
const GATE_PAUSE_MS = 500;

/** What a create or an update gives back to Pulumi. */
interface RolloutWritten {
  /** Resource id: namespace and set. */
  readonly id: string;
  /** The whole state. */
  readonly outs: RolloutOutputs;
}

/**
 * Brings every server to what is declared: volumes first, then what a running server can take over, then restarts behind the gate.
 * @param olds what was wanted before; absent: nothing
 * @throws ERR_ROLLOUT, ERR_CLUSTER_NOT_READY with what blocks; servers that were not restarted yet go on as they are, and the next run goes on from there
 */
export async function createRollout(inputs: RolloutInputs, olds?: RolloutInputs): Promise<RolloutWritten> {
  const port = await kubernetesSet(inputs);
  await waitSet(port, inputs);
  await growClaims(port, inputs, timeoutOf(inputs));
  await replaceBroken(port, inputs);
  await waitReady(port, inputs, false);
  const refused = [...(await reloadServersOf(port, inputs)), ...unverifiable(olds, inputs)];
  const view = await observeSet(port, inputs);
  await restartServers(port, inputs, [...new Set([...stalePods(view, inputs.servers), ...refused])]);
  return { id: `${inputs.namespace}/${inputs.set}`, outs: { ...inputs, ...(await readResults(port, inputs)) } };
}

/** As {@link createRollout}, for servers that run. */
export async function updateRollout(olds: RolloutInputs, inputs: RolloutInputs): Promise<{ readonly outs: RolloutOutputs }> {
  return { outs: (await createRollout(inputs, olds)).outs };
}

/** The set as it is; servers that run something else are drift. @returns an empty id when there is no set */
export async function readRollout(id: string, outputs: RolloutOutputs): Promise<{ readonly id: string; readonly props: RolloutOutputs }> {
  const port = await kubernetesSet(outputs);
  const view = await port.observe();
  return view === undefined ? { id: "", props: outputs } : { id, props: { ...outputs, ...(await readResults(port, outputs)) } };
}

/** Whether something has to be done, and through progress lines what it costs. Looks at the cluster: a pod of an older template is a change although no input is. */
export async function diffRollout(outputs: RolloutOutputs, inputs: RolloutInputs): Promise<{ readonly changes: boolean }> {
  if (isUnknown(inputs)) return { changes: true };
  // A cluster that does not answer, or cannot be found, is no reason to refuse a preview.
  const view = await kubernetesSet(inputs)
    .then((port) => port.observe())
    .catch(() => undefined);
  for (const line of describeRollout(outputs, inputs, view)) progress(line);
  const stale = view === undefined ? [] : stalePods(view, outputs.servers);
  if (stale.length > 0) progress(`${stale.join(", ")} still runs an older template`);
  return { changes: stale.length > 0 || !isDeepStrictEqual(inputsOf(outputs), inputsOf(inputs)) };
}

/** Operations of the `Rollout` resource, as its provider calls them. */
export const rollout = reporting({
  diff: diffRollout,
  create: createRollout,
  read: readRollout,
  update: updateRollout,
});

/** The part of the state that was input. */
function inputsOf({ access, namespace, set, servers, version, connection, settings, digests, claim, timeoutMs }: RolloutInputs): unknown {
  return JSON.parse(JSON.stringify({ access, namespace, set, servers, version, connection, settings, digests, claim, timeoutMs }));
}

function timeoutOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: RolloutInputs): number {
  return timeoutMs;
}

async function observeSet(port: SetPort, { namespace, set }: RolloutInputs): Promise<SetView> {
  const view = await port.observe();
  if (view === undefined) throw stopped(`there is no StatefulSet ${set} in namespace ${namespace}`, "apply the objects first");
  return view;
}

/** Waits until the controller has seen the last change, so that its revision can be believed, and every server has a pod. */
async function waitSet(port: SetPort, inputs: RolloutInputs): Promise<void> {
  await untilTrue(inputs, async () => {
    const view = await observeSet(port, inputs);
    if (!view.settled) return "the StatefulSet's controller has not seen the last change yet";
    const absent = inputs.servers.find((name) => !view.pods.some((pod) => pod.name === name));
    return absent === undefined ? undefined : `${absent} has no pod yet`;
  });
}

/** Pods that cannot start with an older template would block the gate for ever. */
async function replaceBroken(port: SetPort, inputs: RolloutInputs): Promise<void> {
  const view = await observeSet(port, inputs);
  for (const name of brokenPods(view, inputs.servers)) {
    progress(
      `${podTrouble(
        view.pods.find((pod) => pod.name === name),
        name,
      )}; it serves nobody and is made anew`,
    );
    await port.deletePod(name, view.pods.find((pod) => pod.name === name)?.uid ?? "");
  }
}

/** Servers whose configuration changed and whose digest depends on their pod, so that a reload could not be told from a refused one. */
function unverifiable(olds: RolloutInputs | undefined, { servers, digests, settings, connection }: RolloutInputs): string[] {
  if (olds === undefined) return [];
  return servers.filter((name) => {
    const isKnown = connection !== undefined && digests[name] !== "";
    return !isKnown && olds.settings[name] !== undefined && !isDeepStrictEqual(plain(olds.settings[name]), plain(settings[name]));
  });
}

/** As it stands in the state, where a value of a class is a plain block. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Has every server whose pod is current read its configuration. @returns those that need a restart */
async function reloadServersOf(port: SetPort, inputs: RolloutInputs): Promise<string[]> {
  const { connection, digests } = inputs;
  if (connection === undefined) return [];
  const view = await observeSet(port, inputs);
  const stale = new Set(stalePods(view, inputs.servers));
  const reported = await describeServers(connection, inputs.servers);
  const behind = inputs.servers.filter(
    (name) => !stale.has(name) && digests[name] !== "" && reported.get(name)?.data?.config_digest !== digests[name],
  );
  if (behind.length === 0) return [];
  progress(`reload of ${behind.join(", ")}, as soon as the new configuration has arrived there`);
  await Promise.all(behind.map((name) => port.refreshPod(name)));
  const wanted = Object.fromEntries(behind.map((name) => [name, digests[name] ?? ""]));
  const refused = await reloadServers({ connection, digests: wanted, timeoutMs: DELIVERY_MS });
  for (const { name, reason } of refused) progress(`${name} needs a restart: ${reason}`);
  return refused.map(({ name }) => name);
}

async function restartServers(port: SetPort, inputs: RolloutInputs, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await restartOneByOne({
    names,
    waitCurrent: async () => {
      progress("waiting until every server, stream and consumer is current");
      const leader = await waitReady(port, inputs, true);
      await obeyRequests(port, inputs);
      return leader;
    },
    restart: (name, left) => replacePod(port, inputs, name, left),
  });
}

async function replacePod(port: SetPort, inputs: RolloutInputs, name: string, left: number): Promise<void> {
  const before = (await observeSet(port, inputs)).pods.find((pod) => pod.name === name);
  progress(`${name}: restart (${left} to go)`);
  if (before !== undefined) await port.deletePod(name, before.uid);
  await untilTrue(inputs, async () => {
    const pod = (await observeSet(port, inputs)).pods.find((candidate) => candidate.name === name);
    const isNew = pod !== undefined && pod.uid !== before?.uid;
    return isNew && pod.ready && !pod.leaving
      ? undefined
      : podTrouble(isNew ? pod : pod === undefined ? undefined : { ...pod, leaving: true }, name);
  });
}

/** Waits while somebody has paused the rollout, and stops when it is aborted. */
async function obeyRequests(port: SetPort, inputs: RolloutInputs): Promise<void> {
  for (let told = false; ; told = true) {
    const { request } = await observeSet(port, inputs);
    if (request === undefined) return;
    if (request === "aborted") {
      await port.request(undefined);
      throw stopped("the rollout was aborted", "run up again to go on; servers that were not restarted yet run as before");
    }
    if (!told) progress("the rollout is paused; natsbus rollout resume goes on, natsbus rollout abort stops it");
    await delay(POLL_MS * 2);
  }
}

/** Waits for the gate. Without a system account user the readiness of the pods is all that can be asked for. */
async function waitReady(port: SetPort, inputs: RolloutInputs, assets: boolean): Promise<string> {
  const { connection, servers } = inputs;
  if (connection === undefined) return waitPods(port, inputs);
  return waitGate({
    observe: (all) => observeServers(connection, servers, all),
    assets,
    timeoutMs: timeoutOf(inputs),
    longestPauseMs: GATE_PAUSE_MS,
    onBlocked: (blocker) => progress(`blocked: ${blocker}`),
    remedy: `look at the pods of namespace ${inputs.namespace} (kubectl logs) and run the command again; what already runs is kept`,
  });
}

async function waitPods(port: SetPort, inputs: RolloutInputs): Promise<string> {
  await untilTrue(inputs, async () => {
    const { pods } = await observeSet(port, inputs);
    const name = inputs.servers.find((server) => !pods.some((pod) => pod.name === server && pod.ready && !pod.leaving));
    return name === undefined
      ? undefined
      : podTrouble(
          pods.find((pod) => pod.name === name),
          name,
        );
  });
  return "";
}

/** Waits until nothing blocks any more, and says what does. */
async function untilTrue(inputs: RolloutInputs, blockerOf: () => Promise<string | undefined>): Promise<void> {
  const until = performance.now() + timeoutOf(inputs);
  for (let told: string | undefined; ; ) {
    const blocker = await blockerOf();
    if (blocker === undefined) return;
    if (performance.now() >= until)
      throw stopped(
        `${blocker}, after ${timeoutOf(inputs)} ms`,
        "mend it and run up again; servers that were not restarted yet run as before",
      );
    if (blocker !== told) progress(blocker);
    told = blocker;
    await delay(POLL_MS);
  }
}

async function readResults(port: SetPort, inputs: RolloutInputs): Promise<RolloutResults> {
  const { revision } = await observeSet(port, inputs);
  const varz = inputs.connection === undefined ? new Map() : await describeOr(inputs.connection, inputs.servers);
  const reported = inputs.servers.map((name) => [name, varz.get(name)?.data?.config_digest ?? ""] as const);
  const serverVersion = inputs.servers.map((name) => varz.get(name)?.data?.version).find((version) => version !== undefined) ?? "";
  return { revision, reported: Object.fromEntries(reported), serverVersion };
}

function describeOr(connection: ConnectionSpec, servers: readonly string[]) {
  return describeServers(connection, servers).catch(() => new Map() as Awaited<ReturnType<typeof describeServers>>);
}

function stopped(message: string, remedy: string): BusError {
  return new BusError("ERR_ROLLOUT", message, { remedy });
}
