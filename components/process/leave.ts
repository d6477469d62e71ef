/** Servers of this machine that go for good while the others stay. */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { NodeSpec } from "../../core/topology.ts";
import { metaMembers } from "../gate/blockers.ts";
import { notedMonitor } from "./cluster-node.ts";
import type { ClusterInputs } from "./cluster-spec.ts";
import type { MonitorAddress } from "./monitor.ts";
import { readNote } from "./node-note.ts";
import { observeNodes } from "./readiness.ts";
import { removeNodes } from "./remove.ts";
import { findServer } from "./server-record.ts";
import { retireServer } from "./supervise.ts";

const RETIRE_MS = 60_000;

/**
 * Ends servers that have left the cluster, in lame duck mode so that their clients go elsewhere, and removes what natsbus made for them.
 * @param folders folders of their nodes
 * @throws ERR_SERVER_STOP
 */
export async function endLeftNodes(folders: readonly string[]): Promise<void> {
  const paths = folders.map((folder) => resolve(folder));
  await Promise.all(
    paths.map(async (folder) => {
      const server = await findServer(folder);
      if (server !== undefined) await retireServer(server, folder, RETIRE_MS);
    }),
  );
  await removeNodes(paths);
}

/** Whether the servers that `news` does without are no members of the cluster any more, and do not run: what is there decides, not what is written down. */
export async function haveLeft(olds: ClusterInputs, news: ClusterInputs): Promise<boolean> {
  const leaving = olds.nodes.slice(news.nodes.length);
  if (leaving.length === 0 || news.nodes.length === 0) return false;
  const running = await Promise.all(leaving.map(({ directory }) => findServer(resolve(directory))));
  if (running.some((server) => server !== undefined)) return false;
  const staying = await monitorsOf(olds.nodes.slice(0, news.nodes.length));
  const members = metaMembers(await observeNodes(staying, false));
  return isDeepStrictEqual(members.toSorted(), staying.map(({ name }) => name).sort());
}

/** Where the servers of these nodes say how they are. */
export function monitorsOf(nodes: readonly NodeSpec[]): Promise<{ readonly name: string; readonly monitor: MonitorAddress }[]> {
  return Promise.all(nodes.map(async (node) => ({ name: node.name, monitor: await monitorOf(node) })));
}

/** As the node's note says; without one it does not answer. */
async function monitorOf({ directory, monitorUrl }: NodeSpec): Promise<MonitorAddress> {
  const folder = resolve(directory);
  const note = await readNote(folder);
  return note === undefined ? { url: monitorUrl } : notedMonitor(folder, note);
}
