/** The `Monitoring` resource: write the files, then bring every process to what they say. Create, update and adoption after a crash are one flow. */
import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { BusError } from "../../../core/errors.ts";
import { progress } from "../../../core/progress.ts";
import { reporting } from "../../../core/reporting.ts";
import { isUnknown } from "../../../core/unknown.ts";
import { writeFiles } from "../node-folder.ts";
import { type Refusal, refusal } from "../refusals.ts";
import { readMonitoringNote, writeMonitoringNote } from "./note.ts";
import { describeAction, lastArgument, planAction, planFiles, planWatchers, type Watcher, type WatcherAction } from "./plan.ts";
import { type MonitoringInputs, type MonitoringOutputs, watcherUrls } from "./spec.ts";
import { endWatcher, findPortTrouble, observeWatcher, reloadWatcher, startWatcher, waitWatcher } from "./watchers.ts";

/** What a create gives back to Pulumi. */
export interface MonitoringWritten {
  /** Resource id: the cluster name. */
  readonly id: string;
  /** The whole state. */
  readonly outs: MonitoringOutputs;
}

/**
 * Writes every file and starts, reloads or restarts what has to be. Processes that an earlier run started are found and kept.
 * @throws ERR_RUNTIME_FOLDER, ERR_PORT_IN_USE, ERR_MONITORING_START, ERR_SERVER_STOP
 */
export async function createMonitoring(inputs: MonitoringInputs): Promise<MonitoringWritten> {
  const root = resolve(inputs.directory);
  await claim(root, inputs);
  const steps = await planSteps(inputs);
  await writeFiles(root, planFiles(inputs));
  for (const step of steps) await carryOut(step);
  await Promise.all(steps.filter(({ action }) => action !== "missing").map(({ watcher }) => waitWatcher(watcher)));
  return { id: inputs.facts.cluster, outs: await outputsOf(inputs) };
}

/** As {@link createMonitoring}, for one that exists. */
export async function updateMonitoring(inputs: MonitoringInputs): Promise<{ readonly outs: MonitoringOutputs }> {
  return { outs: (await createMonitoring(inputs)).outs };
}

/** The processes as they are: those that do not run are drift. @returns an empty id when the folder is gone */
export async function readMonitoring(
  id: string,
  outputs: MonitoringOutputs,
): Promise<{ readonly id: string; readonly props: MonitoringOutputs }> {
  const note = await readMonitoringNote(resolve(outputs.directory));
  return note === undefined ? { id: "", props: outputs } : { id, props: await outputsOf(outputs) };
}

/** Whether something has to be done, and through progress lines what. */
export async function diffMonitoring(outputs: MonitoringOutputs, inputs: MonitoringInputs): Promise<{ readonly changes: boolean }> {
  if (isUnknown(inputs)) return { changes: true };
  const steps = await planSteps(inputs);
  for (const line of steps.flatMap(({ watcher, action }) => describeAction(watcher, action) ?? [])) progress(line);
  const isQuiet = steps.every(({ action }) => action === "none" || action === "missing");
  return { changes: !isQuiet || !isDeepStrictEqual(inputsOf(outputs), inputsOf(inputs)) };
}

/** Refuses ports that other processes hold, so that a preview shows it. */
export async function checkMonitoring(_olds: unknown, news: MonitoringInputs): Promise<{ inputs: MonitoringInputs; failures: Refusal[] }> {
  if (isUnknown([news.directory, news.ports, news.facts])) return { inputs: news, failures: [] };
  // Whom the probe watches and what the canary connects with may not be known yet; neither has a say in the ports.
  const probe = { servers: [], pollMs: 0, exporter: true, latencySeconds: 0 };
  const troubles = await Promise.all(planWatchers({ ...news, probe }, process.execPath).map(findPortTrouble));
  const failures = troubles.flatMap((text) =>
    text === undefined ? [] : [refusal("ERR_PORT_IN_USE", `${text}; end that process, or set another port under natsbus:monitoring ports`)],
  );
  return { inputs: news, failures };
}

/** Ends every process and removes the folder with what Prometheus has collected. What is gone already is fine. */
export async function deleteMonitoring(outputs: MonitoringOutputs): Promise<void> {
  await removeMonitoring(resolve(outputs.directory));
}

/**
 * As {@link deleteMonitoring}, for a folder alone, for instance after a run that was killed. A folder natsbus did not make is left alone.
 * @param root absolute path
 * @throws ERR_SERVER_STOP
 */
export async function removeMonitoring(root: string): Promise<void> {
  if ((await readMonitoringNote(root)) === undefined) return;
  for (const name of ["prometheus", "probe", "alertmanager"] as const)
    await endWatcher({ folder: join(root, name), args: [lastArgument(root, name)] });
  await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  await rmdir(dirname(root)).catch(() => undefined);
}

/** Operations of the `Monitoring` resource, as its provider calls them. */
export const monitoring = reporting({
  check: checkMonitoring,
  diff: diffMonitoring,
  create: createMonitoring,
  read: readMonitoring,
  update: updateMonitoring,
  delete: deleteMonitoring,
});

interface Step {
  readonly watcher: Watcher;
  readonly program: string;
  readonly action: WatcherAction;
}

async function planSteps(inputs: MonitoringInputs): Promise<Step[]> {
  const root = resolve(inputs.directory);
  return Promise.all(
    planWatchers(inputs, process.execPath).map(async (watcher) => {
      const state = await observeWatcher(watcher, root);
      return { watcher, program: state.program ?? "", action: planAction(watcher, state) };
    }),
  );
}

async function carryOut({ watcher, program, action }: Step): Promise<void> {
  const line = describeAction(watcher, action);
  if (line !== undefined) progress(line);
  if (action === "restart") await endWatcher(watcher);
  if (action === "start" || action === "restart") await startWatcher(watcher, program);
  if (action === "reload") await reloadWatcher(watcher);
}

async function claim(root: string, { facts, ports }: MonitoringInputs): Promise<void> {
  const present = await readMonitoringNote(root);
  await mkdir(root, { recursive: true, mode: 0o700 });
  if (present === undefined && (await readdir(root)).length > 0)
    throw new BusError("ERR_RUNTIME_FOLDER", `${root} is not empty and natsbus did not make it`, {
      path: "process.directory",
      remedy: "choose another folder under natsbus:process, or move its content away",
    });
  await writeMonitoringNote(root, { cluster: facts.cluster, urls: watcherUrls(ports) });
}

async function outputsOf(inputs: MonitoringInputs): Promise<MonitoringOutputs> {
  const root = resolve(inputs.directory);
  const watchers = planWatchers(inputs, process.execPath);
  const states = await Promise.all(watchers.map((watcher) => observeWatcher(watcher, root)));
  const running = watchers.filter((_, index) => states[index]?.args !== undefined).map(({ name }) => name);
  return { ...inputs, urls: watcherUrls(inputs.ports), running };
}

/** The part of the state that was input, without what Pulumi itself adds. */
function inputsOf({ directory, facts, choices, probe, access, ports }: MonitoringInputs): unknown {
  return JSON.parse(JSON.stringify({ directory, facts, choices, probe, access, ports }));
}
