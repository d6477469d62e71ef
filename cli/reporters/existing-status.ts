import type { ExistingServer, ExistingStatus } from "../../components/existing/observe.ts";
import type { BusState } from "../bus-state.ts";
import type { Palette } from "./palette.ts";
import { renderStreams, renderVerdict, type StatusProblem } from "./status.ts";
import { renderTable } from "./table.ts";

const HEAD = ["SERVER", "UP SINCE", "VERSION", "META", "STREAMS", "CONNECTIONS"];

/** What is wrong with a cluster that natsbus did not make: servers that are silent, a cluster that is not ready, streams of the stack that are gone. */
export function findExistingProblems(stack: string, bus: Pick<BusState, "streams">, status: ExistingStatus): readonly StatusProblem[] {
  const silent = status.servers.filter(({ version }) => version === undefined);
  const present = new Set(status.streams.map(({ name }) => name));
  const rest = [status.blocked, status.behind].filter((text) => text !== undefined);
  const isWhole = silent.length + rest.length === 0;
  return [
    ...silent.map(({ name }) => ({
      what: `${name} does not answer`,
      remedy: `start it where it runs; if it was taken out, note that with \`natsbus refresh --stack ${stack}\``,
    })),
    ...(isWhole ? bus.streams.filter(({ name }) => !present.has(name)) : []).map(({ name }) => ({
      what: `stream ${name} is gone`,
      remedy: `make it again, empty, with \`natsbus up --stack ${stack} --refresh\``,
    })),
    ...rest.map((what) => ({ what, remedy: "look again in a moment; if it stays so, look into the servers' logs" })),
  ];
}

/** A table of the servers and one of the streams, then what is wrong and what to do, or that all is well. */
export function renderExisting(status: ExistingStatus, problems: readonly StatusProblem[], palette: Palette): string {
  const rows = status.servers.map((server) => serverCells(server, status.metaLeader));
  const fine = "Every server that is seen answers; every stream and consumer replica is current.\n";
  return [renderTable(HEAD, rows, palette), ...renderStreams(status.streams, palette), renderVerdict(problems, fine, palette)].join("\n");
}

function serverCells({ name, version, startedAt, connections, streams }: ExistingServer, leader: string | undefined): readonly string[] {
  const shown = (count: number | undefined): string => (count === undefined ? "-" : String(count));
  const meta = leader === undefined || version === undefined ? "-" : name === leader ? "leader" : "follower";
  return [name, startedAt?.replace("T", " ").replace(/\.\d+/, "") ?? "-", version ?? "silent", meta, shown(streams), shown(connections)];
}
