/**
 * Measures what a user waits for, against the floor of the same machine in the same run: `npm run bench:up -- [--rounds 3] [--many 1000] [--json]`.
 * The floor is three nats-servers started by hand, and four R3 file streams made by raw requests. Nothing here is a test: figures go into docs/performance.md.
 */
import { cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { startCluster } from "../support/cluster.ts";
import { createProject, type Project } from "../support/project.ts";
import { type ManyFigures, measureMany } from "./many.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    many: { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);

interface Round {
  readonly floorServers: number;
  readonly floorStreams: number;
  readonly help: number;
  readonly firstUp: number;
  readonly noOpUp: number;
  readonly preview: number;
  readonly ephemeral: number;
  readonly destroy: number;
  readonly phases: string;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

async function floor(): Promise<{ servers: number; streams: number }> {
  let cluster: Awaited<ReturnType<typeof startCluster>> | undefined;
  const servers = await timed(async () => {
    cluster = await startCluster();
  });
  await using started = cluster as Awaited<ReturnType<typeof startCluster>>;
  const connection = await openConnection({ servers: started.nodes.map((node) => node.url) });
  const streams = await timed(() => Promise.all(["A", "B", "C", "D"].map((name) => createCurrent(connection, name))));
  await closeConnections();
  return { servers, streams };
}

async function createCurrent(connection: Awaited<ReturnType<typeof openConnection>>, name: string): Promise<void> {
  const config = { name, subjects: [`${name}.>`], num_replicas: 3, storage: "file" };
  await connection.request(`$JS.API.STREAM.CREATE.${name}`, JSON.stringify(config), { timeout: 10_000 });
  for (;;) {
    const answer = await connection.request(`$JS.API.STREAM.INFO.${name}`, "", { timeout: 10_000 });
    const { cluster } = answer.json<{ cluster?: { replicas?: { current: boolean }[] } }>();
    if (cluster?.replicas?.length === 2 && cluster.replicas.every(({ current }) => current)) return;
  }
}

async function run(project: Project, ...args: string[]): Promise<number> {
  return await timed(async () => {
    const ended = await project.natsbus(args);
    if (ended.code !== 0) throw new Error(`natsbus ${args.join(" ")}: ${ended.stderr}`);
  });
}

async function oneRound(project: Project): Promise<Round> {
  const { servers, streams } = await floor();
  const help = await run(project, "--help");
  let phases = "";
  const firstUp = await timed(async () => {
    const ended = await project.natsbus(["up", "--stack", "dev", "--yes"]);
    if (ended.code !== 0) throw new Error(ended.stderr);
    phases = /^Time: (.*)$/m.exec(ended.stdout + ended.stderr)?.[1] ?? "";
  });
  const noOpUp = await run(project, "up", "--stack", "dev", "--yes");
  const preview = await run(project, "preview", "--stack", "dev");
  const destroy = await run(project, "destroy", "--stack", "dev", "--yes");
  const began = Date.now();
  const ephemeral = await project.natsbus(["ephemeral", "--", process.execPath, "-e", "process.stdout.write(String(Date.now()))"]);
  if (ephemeral.code !== 0) throw new Error(ephemeral.stderr);
  return {
    floorServers: servers,
    floorStreams: streams,
    help,
    firstUp,
    noOpUp,
    preview,
    destroy,
    ephemeral: (Number(ephemeral.stdout) - began) / 1000,
    phases,
  };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** What the Pulumi CLI 3.260 needed for 1,000 dynamic resources on a 2-core machine, in seconds. */
const CLI_SECONDS = { create: 153, noOp: 20, destroy: 120 };

function report(all: readonly Round[], many: ManyFigures | undefined): void {
  const of = (key: Exclude<keyof Round, "phases">) => median(all.map((round) => round[key]));
  const floorAll = of("floorServers") + of("floorStreams");
  const row = (name: string, seconds: number, base?: number) =>
    console.log(
      `${name.padEnd(44)} ${seconds.toFixed(2).padStart(8)} s${base === undefined ? "" : `   ${(seconds / base).toFixed(1)} x floor`}`,
    );
  console.log(`${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}, median of ${all.length}\n`);
  row("floor: three servers to a meta leader", of("floorServers"));
  row("floor: four R3 file streams current", of("floorStreams"));
  row("first up", of("firstUp"), floorAll);
  row("up without changes", of("noOpUp"));
  row("preview without changes", of("preview"));
  row("ephemeral until the command starts", of("ephemeral"), floorAll);
  row("destroy", of("destroy"));
  row("--help", of("help"));
  console.log(`\nfirst up by phase: ${all.map((round) => round.phases).join("\n                   ")}`);
  if (many === undefined) return;
  console.log(
    `\n${many.count} dynamic resources (the Pulumi CLI needed ${CLI_SECONDS.create} s, ${CLI_SECONDS.noOp} s, ${CLI_SECONDS.destroy} s for 1000):`,
  );
  for (const [name, seconds] of Object.entries(CLI_SECONDS)) {
    const ours = many[name as keyof typeof CLI_SECONDS];
    console.log(`  ${name.padEnd(10)} ${ours.toFixed(1).padStart(6)} s   CLI / ours ${(seconds / ours).toFixed(1)}`);
  }
}

await using project = await createProject();
const all: Round[] = [];
for (let round = 0; round < rounds; round += 1) all.push(await oneRound(project));
const count = Number(values.many);
const many = count > 0 ? await measureMany(count) : undefined;
if (values.json) console.log(JSON.stringify({ rounds: all, many }));
else report(all, many);
