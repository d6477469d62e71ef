/** How the servers of this machine are, for `natsbus status`. Needs no state and no credentials: the folders say what to ask, and the monitors answer. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { NodeView } from "../gate/blockers.ts";
import { type ClusterVerdict, judgeViews } from "../gate/judge.ts";
import type { Jsz, Varz } from "../gate/server-pages.ts";
import { collectStreams, type StreamStatus } from "../gate/stream-status.ts";
import { askMonitor, type MonitorAddress } from "./monitor.ts";
import { listNodeFolders, type NodeNote } from "./node-note.ts";
import { observeNodes } from "./readiness.ts";
import { findServer } from "./server-record.ts";

/** One server as it is. */
export interface ServerStatus {
  /** Server name. */
  readonly name: string;
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Client URL. */
  readonly clientUrl: string;
  /** Monitor URL. */
  readonly monitorUrl: string;
  /** Process id; absent: it does not run. */
  readonly pid?: number;
  /** Whether its process runs. */
  readonly alive: boolean;
  /** When it started, RFC 3339; absent: it does not answer. */
  readonly startedAt?: string;
  /** nats-server version; absent: it does not answer. */
  readonly version?: string;
  /** Client connections now; absent: it does not answer. */
  readonly connections?: number;
  /** Stream replicas it holds; absent: it does not answer. */
  readonly streams?: number;
  /** Consumer replicas it holds; absent: it does not answer. */
  readonly consumers?: number;
  /** Messages it stores; absent: it does not answer. */
  readonly messages?: number;
  /** Bytes it stores; absent: it does not answer. */
  readonly bytes?: number;
}

/** A whole cluster as it is. */
export interface ClusterStatus extends ClusterVerdict {
  /** Cluster name; absent: there is no cluster in this folder. */
  readonly cluster?: string;
  /** Every server natsbus made here. */
  readonly servers: readonly ServerStatus[];
  /** Every stream the servers hold, by account and name. */
  readonly streams: readonly StreamStatus[];
}

/**
 * Looks at every server below a stack's runtime folder. Never waits for anything to become ready.
 * @param directory runtime folder, for instance `.natsbus/dev`; relative to the working directory
 */
export async function observeCluster(directory: string): Promise<ClusterStatus> {
  const found = await listNodeFolders(resolve(directory));
  const first = found[0];
  if (first === undefined) return { servers: [], streams: [] };
  const nodes = await Promise.all(found.map(async ({ folder, note }) => ({ name: note.name, monitor: await addressOf(folder, note) })));
  const [views, servers] = await Promise.all([
    observeNodes(nodes, true),
    Promise.all(found.map(({ folder, note }, index) => observeServer(folder, note, nodes[index]?.monitor ?? { url: note.monitorUrl }))),
  ]);
  const looked = servers.map((server, index) => withAssets(server, views[index]));
  // What another program says on the port of a server that does not run is not about this cluster.
  const own = views.filter((_, index) => looked[index]?.version !== undefined);
  return { cluster: first.note.cluster, servers: looked, streams: collectStreams(own), ...judgeViews(views) };
}

async function observeServer(folder: string, note: NodeNote, monitor: MonitorAddress): Promise<ServerStatus> {
  const [server, varz] = await Promise.all([findServer(folder), askMonitor<Varz>(monitor, "/varz")]);
  const { name, clientUrl, monitorUrl } = note;
  const process = server === undefined ? { alive: false } : { alive: true, pid: server.pid };
  // Another program may answer on the port of a server that does not run.
  const answers = varz !== undefined && varz.server_name === name && server !== undefined;
  const seen = answers ? { startedAt: varz.start, version: varz.version, connections: varz.connections } : {};
  return { name, folder, clientUrl, monitorUrl, ...process, ...seen };
}

function withAssets(server: ServerStatus, view: NodeView | undefined): ServerStatus {
  if (view?.jsz === undefined || server.version === undefined) return server;
  const { streams = 0, consumers = 0, messages = 0, bytes = 0 }: Jsz = view.jsz;
  return { ...server, streams, consumers, messages, bytes };
}

async function addressOf(folder: string, note: NodeNote): Promise<MonitorAddress> {
  const ca = note.monitorCa === undefined ? "" : await readFile(join(folder, note.monitorCa), "utf8").catch(() => "");
  return { url: note.monitorUrl, ...(ca === "" ? {} : { ca }) };
}
