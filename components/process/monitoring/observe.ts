/** What watches a bus, for `natsbus status`. Needs no state: the folder says whom to ask. */
import { join, resolve } from "node:path";
import { MONITORING_FOLDER, type MonitoringNote, readMonitoringNote } from "./note.ts";
import { lastArgument } from "./plan.ts";
import type { WatcherName } from "./spec.ts";
import { isRunning } from "./watchers.ts";

/** What watches a bus. */
export interface MonitoringStatus extends MonitoringNote {
  /** Processes that run. */
  readonly running: readonly WatcherName[];
}

const NAMES = ["probe", "prometheus", "alertmanager"] as const;

/** Looks at what watches a stack; `undefined` when nothing was set up.
 * @param directory runtime folder of the stack */
export async function observeMonitoring(directory: string): Promise<MonitoringStatus | undefined> {
  const root = join(resolve(directory), MONITORING_FOLDER);
  const note = await readMonitoringNote(root);
  if (note === undefined) return undefined;
  const alive = await Promise.all(NAMES.map((name) => isRunning({ folder: join(root, name), args: [lastArgument(root, name)] })));
  return { ...note, running: NAMES.filter((_, index) => alive[index]) };
}
