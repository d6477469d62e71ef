import type { ClusterStatus, ServerStatus } from "../../components/process/observe.ts";
import type { BusServer } from "../bus-state.ts";
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

/** What is wrong: servers the state knows and nobody finds, servers that are down or silent, a cluster that is not ready, replicas that are behind. */
export function findProblems(stack: string, wanted: readonly BusServer[], cluster: ClusterStatus): readonly StatusProblem[] {
  const up = `natsbus up --stack ${stack}`;
  if (wanted.length === 0 && cluster.servers.length === 0)
    return [{ what: `stack ${stack} is not up`, remedy: `bring it up with \`${up}\`` }];
  const found = new Set(cluster.servers.map((server) => server.name));
  const lost = wanted.filter((server) => !found.has(server.name));
  const down = cluster.servers.filter((server) => !server.alive);
  const silent = cluster.servers.filter((server) => server.alive && server.version === undefined);
  const rest = down.length === 0 && silent.length === 0 ? [cluster.blocked, cluster.behind].filter((text) => text !== undefined) : [];
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
    ...rest.map((what) => ({ what, remedy: `look again in a moment; if it stays so, look into the servers' logs, then \`${up}\`` })),
  ];
}

const HEAD = ["SERVER", "PID", "UP SINCE", "CLIENT", "MONITOR", "ROUTE", "VERSION", "META", "STREAMS", "CONSUMERS", "CONNECTIONS"];

/** A table of the servers, then what is wrong and what to do, or that all is well. `wanted` tells the route ports. */
export function renderStatus(status: BusStatus, wanted: readonly BusServer[], palette: Palette): string {
  const { cluster, problems } = status;
  const routes = new Map(wanted.map((server) => [server.name, String(server.ports.route)]));
  const rows = cluster.servers.map((server) => serverCells(server, { route: routes.get(server.name) ?? "-", leader: cluster.metaLeader }));
  const list = problems.map(({ what, remedy }) => `${palette.error("wrong:")} ${what}\n       ${remedy}\n`);
  const verdict =
    problems.length === 0 ? palette.create("All servers are up; every stream and consumer replica is current.\n") : list.join("");
  return [...(rows.length === 0 ? [] : [renderTable(HEAD, rows, palette)]), verdict].join("\n");
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
