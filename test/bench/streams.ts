/**
 * Measures many streams against the floor of the same machine in the same run, which is raw requests, 32 in flight, by the same client library:
 * `npm run bench:streams -- [--counts 100,1000,4000] [--replicas 1,3] [--single 1000] [--natscli 20] [--json]`.
 * What is ours is the whole command, from its start to its end; "start" is the same command for a set without streams. Figures go into docs/performance.md.
 */
import { cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { sideBySide } from "../../streams/side-by-side.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { measureMany } from "./many.ts";
import { measureNatscli } from "./natscli.ts";
import { createStreamsProject, type StreamsProject } from "./streams-project.ts";

const { values } = parseArgs({
  options: {
    counts: { type: "string", default: "100,1000,4000" },
    replicas: { type: "string", default: "1,3" },
    single: { type: "string", default: "1000" },
    natscli: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});

/** Seconds of one way of doing it. */
interface Seconds {
  readonly create: number;
  readonly noOp: number;
  readonly change: number;
  readonly refresh: number;
  readonly destroy: number;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

type Connection = Awaited<ReturnType<typeof openConnection>>;

async function ask(connection: Connection, subject: string, body: object = {}): Promise<Record<string, unknown>> {
  const answer = (await connection.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 30_000 })).json<
    Record<string, unknown>
  >();
  if (answer["error"] !== undefined) throw new Error(`${subject}: ${JSON.stringify(answer["error"])}`);
  return answer;
}

async function listAll(connection: Connection): Promise<{ cluster?: { leader?: string; replicas?: { current: boolean }[] } }[]> {
  const first = await ask(connection, "STREAM.LIST", { offset: 0 });
  const offsets = Array.from({ length: Math.max(0, Math.ceil(Number(first["total"]) / 256) - 1) }, (_, index) => (index + 1) * 256);
  const pages = [first];
  await sideBySide(offsets, async (offset) => void pages.push(await ask(connection, "STREAM.LIST", { offset })));
  return pages.flatMap((page) => (page["streams"] ?? []) as object[]);
}

/** The least that any tool has to send. For replicated streams it also lists until all replicas are current. */
async function measureFloor(connection: Connection, count: number, replicas: number): Promise<Seconds> {
  const names = Array.from({ length: count }, (_, index) => `FLOOR_${index}`);
  const config = (name: string) => ({ name, subjects: [`${name}.>`], num_replicas: replicas, max_age: 604_800e9, max_bytes: 1_048_576 });
  const isBehind = (stream: Awaited<ReturnType<typeof listAll>>[number]) =>
    stream.cluster?.leader === undefined || (stream.cluster.replicas ?? []).filter(({ current }) => current).length < replicas - 1;
  const create = await timed(async () => {
    await sideBySide(names, async (name) => void (await ask(connection, `STREAM.CREATE.${name}`, config(name))));
    while (replicas > 1 && (await listAll(connection)).some(isBehind));
  });
  const change = await timed(() => ask(connection, "STREAM.UPDATE.FLOOR_0", { ...config("FLOOR_0"), max_age: 86_400e9 }));
  const refresh = await timed(() => listAll(connection));
  const destroy = await timed(() => sideBySide(names, async (name) => void (await ask(connection, `STREAM.DELETE.${name}`))));
  return { create, noOp: 0, change, refresh, destroy };
}

interface Ours extends Seconds {
  /** Peak resident memory of all processes of the command that created, in MiB. */
  readonly memoryMiB: number;
  /** Bytes of the state file. */
  readonly stateBytes: number;
}

async function measureOurs(project: StreamsProject, settings: Record<string, string>): Promise<Ours> {
  const made = await project.run("up", settings);
  const stateBytes = project.stateBytes();
  const noOp = await project.run("up", settings);
  const change = await project.run("up", { ...settings, CHANGED: "1" });
  const refresh = await project.run("refresh", settings);
  const destroy = await project.run("destroy", settings);
  const seconds = { create: made.seconds, noOp: noOp.seconds, change: change.seconds, refresh: refresh.seconds, destroy: destroy.seconds };
  return { ...seconds, memoryMiB: made.memoryMiB, stateBytes };
}

interface Row {
  readonly count: number;
  readonly replicas: number;
  readonly floor: Seconds;
  readonly ours: Ours;
  readonly start: Ours;
}

// Servers clean up for a while after thousands of deletions, and are slower meanwhile; so whoever is measured first has it easier.
const REST_MS = 4_000;

function meanOf(a: Seconds, b: Seconds): Seconds {
  const mean = (verb: keyof Seconds) => (a[verb] + b[verb]) / 2;
  return { create: mean("create"), noOp: mean("noOp"), change: mean("change"), refresh: mean("refresh"), destroy: mean("destroy") };
}

async function measureSet(
  cluster: TestCluster,
  start: Ours,
  [count, replicas]: readonly [number, number],
  more: Record<string, string> = {},
): Promise<Row> {
  const connection = await openConnection({ servers: cluster.urls });
  const before = await measureFloor(connection, count, replicas);
  await delay(REST_MS);
  await using project = createStreamsProject();
  const ours = await measureOurs(project, { SERVERS: cluster.urls.join(","), COUNT: String(count), REPLICAS: String(replicas), ...more });
  await delay(REST_MS);
  const after = await measureFloor(connection, count, replicas);
  return { count, replicas, floor: meanOf(before, after), ours, start };
}

/** A floor of single requests is too small to be a measure. */
const LEAST_FLOOR_S = 0.05;
const VERBS = ["create", "noOp", "change", "refresh", "destroy"] as const;

function reportRow({ count, replicas, floor, ours, start }: Row): void {
  console.log(`\n${count} streams, file, R${replicas}, as one StreamSet      seconds    start    floor   (ours - start) / floor`);
  for (const verb of VERBS) {
    const ratio = floor[verb] < LEAST_FLOOR_S ? "" : ((ours[verb] - start[verb]) / floor[verb]).toFixed(2);
    const figures = [ours[verb], start[verb], floor[verb]].map((seconds) => seconds.toFixed(2).padStart(8));
    console.log(`  ${verb.padEnd(42)} ${figures.join(" ")}   ${ratio}`);
  }
  const memory = ((ours.memoryMiB - start.memoryMiB) * 1024) / count;
  console.log(
    `  state ${Math.round((ours.stateBytes - start.stateBytes) / count)} B a stream, memory ${memory.toFixed(0)} KiB a stream at its peak`,
  );
}

const counts = values.counts
  .split(",")
  .map(Number)
  .filter((count) => count > 0);
const single = Number(values.single);
console.log(`${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}`);
const all: Row[] = [];
await using cluster = await startCluster({ jetstreamText: "max_mem: 256MB, max_file: 40GB" });
await using empty = createStreamsProject();
const start = await measureOurs(empty, { SERVERS: cluster.urls.join(","), COUNT: "0" });
for (const replicas of values.replicas.split(",").map(Number)) {
  for (const count of counts) {
    const row = await measureSet(cluster, start, [count, replicas]);
    all.push(row);
    if (!values.json) reportRow(row);
  }
}
if (single > 0) {
  const empties = await measureMany(single);
  const { floor, ours } = await measureSet(cluster, start, [single, 1], { SHAPE: "single" });
  console.log(`\n${single} single Stream resources, R1   seconds   empty resources   raw requests   of empty   of empty and raw`);
  for (const verb of ["create", "noOp", "destroy"] as const) {
    const figures = [ours[verb].toFixed(2).padStart(8), empties[verb].toFixed(2).padStart(12), floor[verb].toFixed(2).padStart(12)];
    const ratios = [ours[verb] / empties[verb], ours[verb] / (empties[verb] + floor[verb])].map((ratio) => ratio.toFixed(2));
    console.log(`  ${verb.padEnd(32)} ${figures.join(" ")}   ${ratios.join("   ")}`);
  }
  console.log(
    `  change ${ours.change.toFixed(2)} s, refresh ${ours.refresh.toFixed(2)} s, state ${Math.round(ours.stateBytes / single)} B a stream`,
  );
}
const natscli = await measureNatscli(cluster.urls[0] ?? "", Number(values.natscli));
console.log(
  typeof natscli === "string" ? `\nnatscli: skipped, ${natscli}` : `\nnatscli, one call a stream (ms): ${JSON.stringify(natscli)}`,
);
if (values.json) console.log(JSON.stringify(all));
await closeConnections();
