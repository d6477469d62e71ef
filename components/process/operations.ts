/** The `Cluster` resource: observe, plan, carry out, return what runs. Create, update and adoption after a crash are one flow. */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { BusError, type ErrorCode, isBusError } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { reporting } from "../../core/reporting.ts";
import { isUnknown } from "../../core/unknown.ts";
import { findBinary } from "./binary.ts";
import { type ClusterNode, launchOf, observeNode, planClusterNodes } from "./cluster-node.ts";
import type { ClusterInputs, ClusterOutputs, ClusterResults } from "./cluster-spec.ts";
import { haveLeft } from "./leave.ts";
import { refuseOtherMode } from "./mode-change.ts";
import { describeSteps, type NodeStep, planSteps } from "./plan.ts";
import { findTakenPort } from "./port-owner.ts";
import { type Refusal, refusal, refuseChange } from "./refusals.ts";
import { removeNodes } from "./remove.ts";
import { askVarz, reloadNodes, restartNodes, settleNodes, startNodes, waitCluster } from "./rollout.ts";
import { findStray } from "./server-record.ts";

/** What a create or an update gives back to Pulumi. */
export interface ClusterWritten {
  /** Resource id: the cluster name. */
  readonly id: string;
  /** The whole state. */
  readonly outs: ClusterOutputs;
}

/**
 * Brings every server to what `inputs` say: starts what does not run, reloads or restarts what changed, leaves the rest alone.
 * Servers that an earlier run started and did not get to write down are found and kept.
 * @throws ERR_PORT_IN_USE, ERR_RUNTIME_FOLDER, ERR_SERVER_BINARY, ERR_SERVER_CONFIG, ERR_SERVER_START with nothing changed. Once servers were touched, any error carries the state
 *   (`id`, `properties`, `reasons`), so that the resource is known to Pulumi, and a destroy finds it
 */
export async function createCluster(inputs: ClusterInputs): Promise<ClusterWritten> {
  try {
    return await ensureCluster(inputs);
  } catch (error) {
    if (!isCode(error, "ERR_SERVER_START")) throw error;
    // It may have been killed, or have been about to end when it was looked at; what really cannot run fails again in no time.
    progress("a server ended; it is started once more");
    return await ensureCluster(inputs);
  }
}

async function ensureCluster(inputs: ClusterInputs): Promise<ClusterWritten> {
  const nodes = planClusterNodes(inputs);
  // Fetching may take long: it runs beside the looking.
  const binary = findBinary({ version: inputs.version, configured: inputs.binary });
  binary.catch(() => undefined);
  const { steps, isNew } = await planFor(nodes);
  for (const line of describeSteps(steps)) progress(line);
  const started = pick(nodes, steps, "start");
  const program = started.length > 0 || steps.some((step) => step.action === "restart") ? await binary : { path: "", version: "" };
  await startNodes(started, program);
  try {
    progress("waiting for the meta leader");
    await waitCluster(nodes);
    if (started.length > 0 && !isNew) await waitAssets(nodes);
    const refused = await reloadNodes(pick(nodes, steps, "reload"));
    const restarts = [...pick(nodes, steps, "restart").map((node) => node.name), ...refused];
    if (restarts.length > 0) await restartNodes(nodes, restarts, program.path === "" ? await binary : program);
    return { id: inputs.settings.cluster.name, outs: { ...inputs, ...(await readResults(nodes, await settleNodes(nodes))) } };
  } catch (error) {
    if (started.length === 0 && isCode(error, "ERR_SERVER_CONFIG")) throw error;
    if (isNew && isCode(error, "ERR_SERVER_START")) {
      // Nothing of it ever worked, so there is nothing to keep.
      await removeNodes(nodes.map((node) => node.folder));
      throw error;
    }
    throw keepState(error, inputs, await readResults(nodes, {}));
  }
}

/** As {@link createCluster}, for a cluster that exists. */
export async function updateCluster(inputs: ClusterInputs): Promise<{ readonly outs: ClusterOutputs }> {
  return { outs: (await createCluster(inputs)).outs };
}

/** The servers as they are: those that do not run are drift. @returns an empty id when nothing of the cluster is left */
export async function readCluster(id: string, outputs: ClusterOutputs): Promise<{ readonly id: string; readonly props: ClusterOutputs }> {
  const nodes = planClusterNodes(outputs);
  const states = await Promise.all(nodes.map(observeNode));
  if (states.every((state) => !state.running && state.applied === undefined)) return { id: "", props: outputs };
  const digests = await Promise.all(
    nodes.map(
      async (node): Promise<[string, string]> => [node.name, (await askVarz(node))?.config_digest ?? outputs.digests[node.name] ?? ""],
    ),
  );
  const running = nodes.filter((_, index) => states[index]?.running === true).map((node) => node.name);
  return { id, props: { ...outputs, running, digests: Object.fromEntries(digests) } };
}

/**
 * Whether something has to be done, and through progress lines what it costs. Looks at the servers: one that died since the last run is a change although no input is.
 */
export async function diffCluster(outputs: ClusterOutputs, inputs: ClusterInputs): Promise<{ readonly changes: boolean }> {
  if (isUnknown(inputs)) return { changes: true };
  const { steps } = await planFor(planClusterNodes(inputs));
  for (const line of describeSteps(steps)) progress(line);
  return { changes: steps.some((step) => step.action !== "none") || !isDeepStrictEqual(inputsOf(outputs), inputsOf(inputs)) };
}

/**
 * Refuses what would lose data, and ports that other processes hold, so that a preview shows it.
 * @param olds inputs of the last run, empty on the first
 */
export async function checkCluster(
  olds: Partial<ClusterInputs>,
  news: ClusterInputs,
): Promise<{ inputs: ClusterInputs; failures: Refusal[] }> {
  if (isUnknown([news.nodes, news.settings, news.version])) return { inputs: news, failures: [] };
  const refused = olds.nodes === undefined ? [] : await refuseAll(olds as ClusterInputs, news);
  return { inputs: news, failures: refused.length > 0 ? refused : await refusePorts(news) };
}

/**
 * Ends every server at once and removes everything natsbus made for them, JetStream data included. What is gone already is fine.
 * @throws ERR_SERVER_STOP, ERR_RUNTIME_FOLDER
 */
export async function deleteCluster(outputs: ClusterOutputs): Promise<void> {
  progress(`stopping ${outputs.nodes.length} servers`);
  await removeNodes(outputs.nodes.map((node) => resolve(node.directory)));
}

/** Operations of the `Cluster` resource, as its provider calls them. */
export const cluster = reporting({
  check: checkCluster,
  diff: diffCluster,
  create: createCluster,
  read: readCluster,
  update: updateCluster,
  delete: deleteCluster,
});

async function refuseAll(olds: ClusterInputs, news: ClusterInputs): Promise<Refusal[]> {
  const [left, otherMode] = await Promise.all([haveLeft(olds, news), refuseOtherMode(olds, news)]);
  return [...refuseChange(olds, news, left), ...otherMode];
}

async function refusePorts(inputs: ClusterInputs): Promise<Refusal[]> {
  const nodes = planClusterNodes(
    isUnknown(inputs) ? { ...inputs, identity: { kind: "none" }, certificates: {}, keys: {}, authority: "" } : inputs,
  );
  const refused = await Promise.all(
    nodes.map(async (node) => {
      // A server whose folder was removed under it gives its ports back when the node is started.
      if ((await observeNode(node)).running || (await findStray(node.folder)) !== undefined) return [];
      const taken = await findTakenPort(launchOf(node, { path: "", version: "" }));
      return taken === undefined
        ? []
        : [refusal("ERR_PORT_IN_USE", `server ${taken}; end that process, or set other ports under natsbus:process in the stack file`)];
    }),
  );
  return refused.flat();
}

/** The part of the state that was input, without what Pulumi itself adds. */
function inputsOf(from: ClusterInputs): unknown {
  const { version, binary, nodes, settings, identity, authority, certificates, keys } = from;
  return JSON.parse(JSON.stringify({ version, binary, nodes, settings, identity, authority, certificates, keys }));
}

async function planFor(nodes: readonly ClusterNode[]): Promise<{ readonly steps: NodeStep[]; readonly isNew: boolean }> {
  const states = await Promise.all(nodes.map(observeNode));
  return { steps: planSteps(nodes, states), isNew: states.every((state) => !state.running && state.applied === undefined) };
}

/** Servers that come back over existing data need a while until every stream has a leader again. One that stays ill is said, but must not keep the user from mending it. */
async function waitAssets(nodes: readonly ClusterNode[]): Promise<void> {
  progress("waiting until every stream and consumer is current");
  try {
    await waitCluster(nodes, { assets: true });
  } catch (error) {
    if (!isCode(error, "ERR_CLUSTER_NOT_READY")) throw error;
    progress(String(error));
  }
}

function pick(nodes: readonly ClusterNode[], steps: readonly NodeStep[], action: NodeStep["action"]): ClusterNode[] {
  return nodes.filter((_, index) => steps[index]?.action === action);
}

async function readResults(nodes: readonly ClusterNode[], digests: Readonly<Record<string, string>>): Promise<ClusterResults> {
  const answers = await Promise.all(nodes.map(askVarz));
  return {
    urls: nodes.map((node) => node.config.node.clientUrl),
    monitorUrls: nodes.map((node) => node.config.node.monitorUrl),
    digests,
    running: nodes.filter((_, index) => answers[index] !== undefined).map((node) => node.name),
    serverVersion: answers.find((answer) => answer !== undefined)?.version ?? "",
  };
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return isBusError(error) && error.code === code;
}

/** Servers run by now: the error carries the state, so that Pulumi knows the resource although it is not ready. */
function keepState(error: unknown, inputs: ClusterInputs, results: ClusterResults): Error {
  const failure = error instanceof Error ? error : new BusError("ERR_INTERNAL", String(error));
  const state = { id: inputs.settings.cluster.name, properties: { ...inputs, ...results }, reasons: [failure.message] };
  return Object.assign(failure, state);
}
