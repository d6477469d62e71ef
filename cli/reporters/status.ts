import type { StreamStatus } from "../../components/gate/stream-status.ts";
import type { ClusterStatus, ServerStatus } from "../../components/process/observe.ts";
import type { BusServer, BusState } from "../bus-state.ts";
import type { Palette } from "./palette.ts";
import { renderTable } from "./table.ts";

/** Something wrong and what to do about it. */
export interface StatusProblem {
  readonly what: string;
  readonly remedy: string;
}

/** A bus as it is, and what is wrong with it. */
export interface BusStatus {
  readonly stack: string;
  readonly cluster: ClusterStatus;
  readonly problems: readonly StatusProblem[];
}

/** What is wrong: servers the state knows and nobody finds, servers that are down or silent, a cluster that is not ready, replicas that are behind, streams that are gone. */
export function findProblems(stack: string, bus: Pick<BusState, "servers" | "streams">, cluster: ClusterStatus): readonly StatusProblem[] {
  const up = `natsbus up --stack ${stack}`;
  const wanted = bus.servers;
  if (wanted.length === 0 && cluster.servers.length === 0)
    return [{ what: `stack ${stack} is not up`, remedy: `bring it up with \`${up}\`` }];
  const found = new Set(cluster.servers.map((server) => server.name));
  const lost = wanted.filter((server) => !found.has(server.name));
  const down = cluster.servers.filter((server) => !server.alive);
  const silent = cluster.servers.filter((server) => server.alive && server.version === undefined);
  const rest = down.length === 0 && silent.length === 0 ? [cluster.blocked, cluster.behind].filter((text) => text !== undefined) : [];
  // Only servers that all answer and agree can say that a stream is not there.
  const isWhole = lost.length + down.length + silent.length + rest.length === 0;
  const present = new Set(cluster.streams.map((stream) => stream.name));
  return [
    ...lost.map((server) => ({
      what: `the folder of ${server.name} is gone (${server.directory})`,
      remedy: `make it again with \`${up}\``,
    })),
    ...down.map((server) => ({
      what: `${server.name} is down`,
      remedy: `start it with \`${up}\`; why it ended stands in the log in ${server.folder}`,
    })),
    ...silent.map((server) => ({
      what: `${server.name} runs (pid ${server.pid}) and its monitor ${server.monitorUrl} does not answer`,
      remedy: `look into the log in ${server.folder}`,
    })),
    ...(isWhole ? bus.streams.filter((stream) => !present.has(stream.name)) : []).map(({ name }) => ({
      what: `stream ${name} is gone`,
      remedy: `make it again, empty, with \`${up} --refresh\``,
    })),
    ...rest.map((what) => ({ what, remedy: `look again in a moment; if it stays so, look into the servers' logs, then \`${up}\`` })),
  ];
}

const HEAD = ["SERVER", "PID", "UP SINCE", "CLIENT", "MONITOR", "ROUTE", "VERSION", "META", "STREAMS", "CONSUMERS", "CONNECTIONS"];

const STREAM_HEAD = ["STREAM", "ACCOUNT", "MESSAGES", "BYTES", "CONSUMERS", "LEADER", "REPLICAS"];

/** A table of the servers and one of the streams, then what is wrong and what to do, or that all is well. `wanted` tells the route ports. */
export function renderStatus(status: BusStatus, wanted: readonly BusServer[], palette: Palette): string {
  const { cluster, problems } = status;
  const routes = new Map(wanted.map((server) => [server.name, String(server.ports.route)]));
  const rows = cluster.servers.map((server) => serverCells(server, { route: routes.get(server.name) ?? "-", leader: cluster.metaLeader }));
  const verdict = renderVerdict(problems, "All servers are up; every stream and consumer replica is current.\n", palette);
  const tables = [...(rows.length === 0 ? [] : [renderTable(HEAD, rows, palette)]), ...renderStreams(cluster.streams, palette)];
  return [...tables, verdict].join("\n");
}

/** A table of the streams; nothing when there are none. */
export function renderStreams(streams: readonly StreamStatus[], palette: Palette): readonly string[] {
  return streams.length === 0 ? [] : [renderTable(STREAM_HEAD, streams.map(streamCells), palette)];
}

/** What is wrong and what to do, a problem after the other. @param fine words when nothing is */
export function renderVerdict(problems: readonly StatusProblem[], fine: string, palette: Palette): string {
  if (problems.length === 0) return palette.create(fine);
  return problems.map(({ what, remedy }) => `${palette.error("wrong:")} ${what}\n       ${remedy}\n`).join("");
}

/** Port of a URL, `-` when it names none. */
function portOf(url: string): string {
  return /:(\d+)\/?$/.exec(url)?.[1] ?? "-";
}

function serverCells(server: ServerStatus, about: { readonly route: string; readonly leader: string | undefined }): readonly string[] {
  const shown = (count: number | undefined): string => (count === undefined ? "-" : String(count));
  const meta = about.leader === undefined || server.version === undefined ? "-" : server.name === about.leader ? "leader" : "follower";
  return [
    server.name,
    server.alive ? shown(server.pid) : "down",
    server.startedAt?.replace("T", " ").replace(/\.\d+/, "") ?? "-",
    ...[portOf(server.clientUrl), portOf(server.monitorUrl), about.route],
    server.version ?? "-",
    meta,
    ...[server.streams, server.consumers, server.connections].map(shown),
  ];
}

function streamCells(stream: StreamStatus): readonly string[] {
  const counts = [stream.messages, stream.bytes, stream.consumers].map(String);
  return [stream.name, stream.account, ...counts, stream.leader ?? "none", `${stream.current}/${stream.replicas}`];
}
