/** How a cluster that natsbus did not make is, for `natsbus status`. */
import { openConnection } from "../../connection/pool.ts";
import { discoverServers } from "../../connection/system-account.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../../core/connection.ts";
import { openStreamPort } from "../../streams/nats-port.ts";
import type { StreamInfo } from "../../streams/port.ts";
import { type ClusterVerdict, judgeViews } from "../gate/judge.ts";
import type { Varz } from "../gate/server-pages.ts";
import { collectStreams, type StreamStatus } from "../gate/stream-status.ts";
import { observeServers } from "../gate/system.ts";
import type { Ways } from "./look.ts";

/** One server as it is. */
export interface ExistingServer {
  /** Server name. */
  readonly name: string;
  /** nats-server version; absent: it does not answer. */
  readonly version?: string;
  /** When it started, RFC 3339; absent: not known. */
  readonly startedAt?: string;
  /** Client connections now; absent: not known. */
  readonly connections?: number;
  /** Stream replicas it holds; absent: not known. */
  readonly streams?: number;
}

/** A whole cluster as it is. */
export interface ExistingStatus extends ClusterVerdict {
  /** Cluster name; empty for a lone server. */
  readonly cluster: string;
  /** Every server that is known; without a system account user the one that answers. */
  readonly servers: readonly ExistingServer[];
  /** Streams by account and name: all of them with a system account user, else those of the login. */
  readonly streams: readonly StreamStatus[];
}

interface ClusterVarz extends Varz {
  readonly cluster?: { readonly name?: string };
}

/**
 * @param known names of servers that were seen before
 * @throws ERR_CONNECT_REFUSED and its siblings, ERR_JETSTREAM_OFF
 */
export async function observeExisting(
  { connection, system }: Required<Pick<Ways, "connection">> & Ways,
  known: readonly string[],
): Promise<ExistingStatus> {
  return system === undefined ? observeAsUser(connection) : observeAsSystem(system, known);
}

async function observeAsUser(connection: ConnectionSpec): Promise<ExistingStatus> {
  const { info } = await openConnection(connection);
  const { streams } = await (await openStreamPort(connection)).listStreams();
  const server = { name: info?.server_name ?? "", version: info?.version ?? "" };
  return { cluster: info?.cluster ?? "", servers: [server], streams: streams.map(streamStatus).sort(byName) };
}

async function observeAsSystem(system: ConnectionSpec, known: readonly string[]): Promise<ExistingStatus> {
  const { info } = await openConnection(system);
  const question = { page: "VARZ", atLeast: Math.max(1, known.length), timeoutMs: system.timeoutMs ?? DEFAULT_TIMEOUT_MS } as const;
  const answers = await discoverServers<ClusterVarz>(system, question);
  const cluster = info?.cluster ?? "";
  // Servers of other clusters, and leaf nodes, have meta groups of their own.
  const own = [...answers.values()].filter(({ data }) => (data?.cluster?.name ?? "") === cluster).map(({ name }) => name);
  const views = await observeServers(system, own.sort(), true);
  const held = new Map(views.map(({ name, jsz }) => [name, jsz?.streams] as const));
  const names = [...new Set([...known, ...answers.keys()])].sort();
  const servers = names.map((name) => serverOf(name, answers.get(name)?.data, held.get(name)));
  return { cluster, servers, streams: collectStreams(views), ...judgeViews(views) };
}

function serverOf(name: string, varz: ClusterVarz | undefined, streams: number | undefined): ExistingServer {
  if (varz === undefined) return { name };
  const { version, start, connections } = varz;
  return { name, version, startedAt: start, connections, ...(streams === undefined ? {} : { streams }) };
}

function streamStatus({ config, messages, bytes, consumers, peers }: StreamInfo): StreamStatus {
  const { leader, replicas, clustered } = peers;
  return {
    name: String(config["name"]),
    account: "",
    subjects: (config["subjects"] ?? []) as readonly string[],
    ...{ messages, bytes, consumers },
    ...(leader === undefined ? {} : { leader }),
    replicas: Number(config["num_replicas"] ?? 1),
    current: clustered && leader === undefined ? 0 : 1 + replicas.filter(({ current }) => current).length,
  };
}

function byName(a: StreamStatus, b: StreamStatus): number {
  return a.name < b.name ? -1 : 1;
}
