/** What the probe costs at 100 streams, and how many series 1,000 consumers make. `npm run bench:probe` */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { PROBE_NODE_FLAGS } from "../../components/process/monitoring/plan.ts";
import type { ProbeConfig } from "../../observability/probe-config.ts";
import { metricRelabeling } from "../../observability/relabeling.ts";
import { sideBySide } from "../../streams/side-by-side.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { findFreePorts } from "../support/free-ports.ts";
import { parseSamples, relabel } from "../unit/observability/scrapes.ts";

const STREAMS = 100;
const CONSUMERS = 1_000;
const SCRAPE_EVERY_MS = 5_000;
const MEASURE_MS = 40_000;
const TICKS_PER_SECOND = 100;
const FACTS = { cluster: "bench", servers: 3, tls: false, streams: [] };

/** A running probe process. */
interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
}

async function startProbe(cluster: TestCluster): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "natsbus-bench-probe-"));
  const port = await findFreePorts(1);
  const config: ProbeConfig = {
    facts: FACTS,
    listen: { host: "127.0.0.1", port },
    servers: cluster.nodes.map(({ name, url, monitorUrl }) => ({ name, clientUrl: url, monitorUrl })),
    pollMs: 5_000,
    exporter: true,
    latencySeconds: 0.05,
    canary: { subject: "canary", intervalMs: 1_000, timeoutMs: 5_000 },
  };
  await writeFile(join(folder, "probe.json"), JSON.stringify(config));
  const args = [...PROBE_NODE_FLAGS, resolve("probe/main.ts"), join(folder, "probe.json")];
  const env = { ...process.env, MALLOC_ARENA_MAX: "1", NODE_COMPILE_CACHE: join(tmpdir(), "natsbus-bench-compile") };
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env });
  await once(child.stdout, "data");
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** User and system time of a process so far, in seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Memory of a process in MB: everything it maps, what of that is anonymous (the rest is pages of the program file, which processes share), and its fair share of all. */
interface Memory {
  readonly resident: number;
  readonly anonymous: number;
  readonly share: number;
}

function memory(pid: number): Memory {
  const text = ["status", "smaps_rollup"].map((file) => readFileSync(`/proc/${pid}/${file}`, "latin1")).join("");
  const mb = (name: string): number => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 102.4) / 10;
  return { resident: mb("VmRSS"), anonymous: mb("RssAnon"), share: mb("Pss") };
}

async function scrape(url: string): Promise<{ readonly ms: number; readonly text: string }> {
  const started = performance.now();
  const text = await (await fetch(url)).text();
  return { ms: performance.now() - started, text };
}

async function measure({ pid, url }: Running, cluster: TestCluster) {
  const pages = [`${url}/metrics`, ...cluster.nodes.map(({ name }) => `${url}/servers/${name}/metrics`)];
  const times: number[] = [];
  const before = cpuSeconds(pid);
  const started = performance.now();
  let largest = memory(pid);
  while (performance.now() - started < MEASURE_MS) {
    for (const page of pages) times.push((await scrape(page)).ms);
    const now = memory(pid);
    if (now.resident > largest.resident) largest = now;
    await delay(SCRAPE_EVERY_MS);
  }
  const cpu = (100 * (cpuSeconds(pid) - before)) / ((performance.now() - started) / 1000);
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0).toFixed(1);
  return { cpu: `${cpu.toFixed(2)} % of a core`, memoryMB: largest, scrapeMs: { median: at(0.5), p99: at(0.99) } };
}

/** Series of one server before and after relabelling, by the first word of their names. */
async function countSeries({ url }: Running, cluster: TestCluster) {
  const { text } = await scrape(`${url}/servers/${cluster.nodes[0]?.name}/metrics`);
  const samples = parseSamples(text);
  const kept = samples.flatMap((sample) => relabel(sample, metricRelabeling(FACTS, "all")) ?? []);
  const of = (prefix: string): number => kept.filter(({ name }) => name.startsWith(prefix)).length;
  const bytes = JSON.stringify(kept.map(({ name, labels }) => [name, labels])).length;
  const raw = JSON.stringify(samples.map(({ name, labels }) => [name, labels])).length;
  return {
    ...{ scraped: samples.length, stored: kept.length, server: of("nats_varz") + of("nats_healthz") + of("nats_server_") },
    ...{ accounts: of("nats_account_") + of("nats_accstatz_"), streams: of("nats_stream_"), consumers: of("nats_consumer_") },
    labelTextSaved: `${Math.round(100 * (1 - bytes / raw))} %`,
    pageMB: (text.length / 1e6).toFixed(2),
  };
}

async function declare(manager: JetStreamManager): Promise<void> {
  await manager.streams.add({ name: "CANARY", subjects: ["canary.>"], num_replicas: 3, max_msgs: 1000 });
  await sideBySide(
    Array.from({ length: STREAMS - 1 }, (_, index) => `S${index}`),
    async (name) => {
      await manager.streams.add({ name, subjects: [`s.${name}`], num_replicas: 3 });
    },
  );
}

await using cluster = await startCluster();
const connection = await connect({ servers: cluster.urls, timeout: 30_000 });
const manager = await jetstreamManager(connection, { timeout: 60_000 });
await declare(manager);
const report: Record<string, unknown> = {};
{
  // The first start compiles, and leaves what it compiled to the next ones.
  await using _warm = await startProbe(cluster);
  await delay(3_000);
}
{
  await using probe = await startProbe(cluster);
  await delay(10_000);
  report["100 streams with three copies"] = { ...(await measure(probe, cluster)), series: await countSeries(probe, cluster) };
}
await sideBySide(
  Array.from({ length: CONSUMERS }, (_, index) => index),
  async (index) => {
    await manager.consumers.add(`S${index % (STREAMS - 1)}`, { durable_name: `c${index}`, ack_policy: "explicit" });
  },
);
{
  await using probe = await startProbe(cluster);
  await delay(10_000);
  report["and 1,000 consumers with three copies"] = { ...(await measure(probe, cluster)), series: await countSeries(probe, cluster) };
}
await connection.close();
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
