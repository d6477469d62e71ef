import type { Palette } from "./palette.ts";
import { renderTable } from "./table.ts";

/** One server as it is. */
export interface ServerStatus {
  readonly name: string;
  /** `up`: runs and answers. `silent`: its process runs and its monitor does not answer. `down`: no process. */
  readonly state: "up" | "silent" | "down";
  readonly pid?: number;
  /** When it was started, RFC 3339. */
  readonly since?: string;
  readonly ports: { readonly client: number; readonly monitor: number; readonly route: number };
  readonly version?: string;
  readonly isMetaLeader: boolean;
  /** Whether it is up to date with the meta leader; undefined when nobody can tell. */
  readonly current?: boolean;
  /** Replicas it holds. */
  readonly streams?: number;
  readonly consumers?: number;
  readonly connections?: number;
  /** Folder with its configuration, data and log. */
  readonly directory: string;
}

/** The replicas of one stream. */
export interface StreamStatus {
  readonly name: string;
  readonly account: string;
  readonly leader?: string;
  /** Replicas wanted. */
  readonly replicas: number;
  /** Replicas that are current. */
  readonly current: number;
  readonly consumers: number;
  readonly messages?: number;
}

/** Something wrong and what to do about it. */
export interface StatusProblem {
  readonly what: string;
  readonly remedy: string;
}

/** A bus as it is. */
export interface BusStatus {
  readonly stack: string;
  readonly metaLeader?: string;
  readonly servers: readonly ServerStatus[];
  readonly streams: readonly StreamStatus[];
  readonly problems: readonly StatusProblem[];
}

/** What is wrong with servers and streams, the worst first. */
export function findProblems(status: Omit<BusStatus, "problems">): readonly StatusProblem[] {
  const { servers, streams, stack, metaLeader } = status;
  const up = `natsbus up --stack ${stack}`;
  const down = servers.filter((server) => server.state === "down");
  const silent = servers.filter((server) => server.state === "silent");
  const behind = servers.filter((server) => server.state === "up" && server.current === false);
  const lacking = streams.filter((stream) => stream.current < stream.replicas);
  return [
    ...(down.length === 0
      ? []
      : [
          {
            what: `${names(down)} ${down.length === 1 ? "is" : "are"} down`,
            remedy: `start ${down.length === 1 ? "it" : "them"} with \`${up}\`; why it ended stands in ${logOf(down)}`,
          },
        ]),
    ...silent.map((server) => ({
      what: `${server.name} runs (pid ${server.pid}) and does not answer`,
      remedy: `look into ${logOf([server])}, then \`${up}\``,
    })),
    ...(servers.length > down.length + silent.length && metaLeader === undefined
      ? [{ what: "the cluster has no meta leader", remedy: `more than half of the servers must run: \`${up}\`` }]
      : []),
    ...behind.map((server) => ({
      what: `${server.name} is behind the meta leader`,
      remedy: `wait a moment and look again; if it stays so, look into ${logOf([server])}`,
    })),
    ...(lacking.length === 0
      ? []
      : [
          {
            what: `${lacking.map((stream) => `${stream.name} (${stream.current} of ${stream.replicas})`).join(", ")}: not all replicas are current`,
            remedy: down.length > 0 ? `start the servers that are down: \`${up}\`` : "wait a moment and look again",
          },
        ]),
  ];
}

function names(servers: readonly ServerStatus[]): string {
  return servers.map((server) => server.name).join(", ");
}

function logOf(servers: readonly ServerStatus[]): string {
  return `${servers[0]?.directory ?? "."}/nats.log`;
}

const HEAD = ["SERVER", "PID", "UP SINCE", "CLIENT", "MONITOR", "ROUTE", "VERSION", "META", "STREAMS", "CONSUMERS", "CONNECTIONS"];

/** Tables of servers and streams, then what is wrong and what to do, or that all is well. */
export function renderStatus(status: BusStatus, palette: Palette): string {
  const servers = renderTable(HEAD, status.servers.map(serverCells), palette);
  const streams = renderTable(
    ["STREAM", "ACCOUNT", "LEADER", "REPLICAS CURRENT", "CONSUMERS", "MESSAGES"],
    status.streams.map(streamCells),
    palette,
  );
  const problems = status.problems.map(({ what, remedy }) => `${palette.error("wrong:")} ${what}\n       ${remedy}\n`);
  const verdict = problems.length === 0 ? "All servers are up and every replica is current.\n" : problems.join("");
  return [servers, ...(status.streams.length === 0 ? [] : [streams]), verdict].join("\n");
}

function serverCells(server: ServerStatus): readonly string[] {
  const { client, monitor, route } = server.ports;
  const meta = server.isMetaLeader ? "leader" : server.current === undefined ? "-" : server.current ? "current" : "behind";
  return [
    server.name,
    server.state === "down" ? "down" : `${server.pid ?? "-"}${server.state === "silent" ? " (silent)" : ""}`,
    server.since?.replace("T", " ").replace(/\.\d+/, "") ?? "-",
    ...[client, monitor, route].map(String),
    server.version ?? "-",
    meta,
    ...[server.streams, server.consumers, server.connections].map((count) => (count === undefined ? "-" : String(count))),
  ];
}

function streamCells(stream: StreamStatus): readonly string[] {
  const { name, account, leader = "-", replicas, current, consumers, messages } = stream;
  return [name, account, leader, `${current} of ${replicas}`, String(consumers), messages === undefined ? "-" : String(messages)];
}
