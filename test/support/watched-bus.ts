/** A real bus under real watch: three servers with traffic, the probe, Prometheus with all rules sped up, Alertmanager, and a webhook that catches what is told. */
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { BusFacts } from "../../observability/facts.ts";
import { monitoringFiles, type RenderedFile } from "../../observability/writers/files.ts";
import { type Probe, startProbe } from "../../probe/probe.ts";
import { hasTool, temporaryFolder } from "../integration/observability/promtool.ts";
import { type Service, startService } from "../integration/observability/service.ts";
import { type ClusterOptions, startCluster, type TestCluster } from "./cluster.ts";
import { findFreePorts } from "./free-ports.ts";

const ALERTMANAGER = ["prometheus-alertmanager", "alertmanager"].find(hasTool);

/** What is missing on this machine for a watched bus; empty when nothing is. */
export const MISSING = [
  ...(hasTool("prometheus") ? [] : ["prometheus"]),
  ...(ALERTMANAGER === undefined ? ["prometheus-alertmanager"] : []),
];

/** How many times faster than written the rules' waiting times and windows pass. */
const SPEED = 30;
/** What no waiting time falls below, in seconds: an election takes as long as ever, and is no fault. */
const SHORTEST_WAIT = 12;
/** What no window falls below, in seconds: it needs several samples. */
const SHORTEST_WINDOW = 10;
/** Time after the last expected alert in which nothing else may fire, in milliseconds; the longest waits of the rules are over by then. */
const CALM_MS = 15_000;
const POLL_MS = 500;

/** The watched bus. */
export interface WatchedBus extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
  readonly probe: Probe;
  readonly prometheus: Service;
  readonly facts: BusFacts;
  /** Alerts that fire now, `name/severity`, the heartbeat left out. */
  readonly firing: () => Promise<string[]>;
  /** Waits until exactly these alerts have fired, and some more for others to show up. @returns everything that fired meanwhile */
  readonly fires: (expected: readonly string[], timeoutMs: number) => Promise<string[]>;
  /** Waits until nothing fires, and the people who were told have been told so. */
  readonly clears: (timeoutMs: number) => Promise<void>;
  /** What people were told since the last call of {@link WatchedBus.clears}, `name/severity`. */
  readonly told: () => string[];
  /** Rules that could not be evaluated. */
  readonly failedRules: () => Promise<string[]>;
}

/** What a watched bus is made from. */
export interface WatchedBusOptions {
  readonly facts: BusFacts;
  readonly cluster?: ClusterOptions;
  /** Authorities that clients trust, PEM; the servers then ask for TLS.
   * @default - no TLS */
  readonly ca?: string;
  /** Makes the declared streams. */
  readonly declare: (manager: JetStreamManager) => Promise<void>;
}

/** Starts everything, and waits until the bus is watched and quiet. */
export async function startWatchedBus(options: WatchedBusOptions): Promise<WatchedBus> {
  const stack = new AsyncDisposableStack();
  try {
    const cluster = stack.use(await startCluster(options.cluster ?? {}));
    const { ca } = options;
    const tls = ca === undefined ? {} : { tls: { ca } };
    const connection = await connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 200, ...tls });
    stack.defer(() => connection.close());
    const manager = await jetstreamManager(connection);
    await options.declare(manager);
    const prometheusPort = await findFreePorts(1);
    const folder = stack.use(temporaryFolder());
    const caFile = ca === undefined ? undefined : folder.write("ca.pem", ca);
    const notes = await noteConfigurations(cluster, folder);
    const probe = stack.use(await watch(cluster, options.facts, { prometheusPort, caFile, notes }));
    const catcher = stack.use(await catchWebhooks());
    const alertmanagerPort = await findFreePorts(1);
    for (const file of speedUp(renderFiles(options.facts, { probe, cluster, catcher: catcher.url, alertmanagerPort })))
      folder.write(file.path, file.content);
    stack.use(
      await startService(
        ALERTMANAGER ?? "",
        [`--config.file=${folder.path}/alertmanager/alertmanager.yml`, `--storage.path=${folder.path}/am`, "--cluster.listen-address="],
        alertmanagerPort,
      ),
    );
    const flags = [`--config.file=${folder.path}/prometheus/prometheus.yml`, `--storage.tsdb.path=${folder.path}/data`];
    const prometheus = stack.use(await startService("prometheus", flags, prometheusPort));
    const alerts = alertReader(prometheus, catcher);
    const owned = stack.move();
    const bus = { cluster, connection, manager, client: jetstream(connection), probe, prometheus, facts: options.facts, ...alerts };
    await quiet(bus, 60_000);
    return { ...bus, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Notes down what each server was started with, as provisioning does. @returns file by server */
async function noteConfigurations(cluster: TestCluster, folder: ReturnType<typeof temporaryFolder>): Promise<ReadonlyMap<string, string>> {
  const notes = cluster.nodes.map(async ({ name, monitorUrl }) => {
    const { config_digest: digest } = (await (await fetch(`${monitorUrl}/varz`)).json()) as { config_digest: string };
    return [name, folder.write(`notes/${name}.json`, JSON.stringify({ digest }))] as const;
  });
  return new Map(await Promise.all(notes));
}

interface Watching {
  readonly prometheusPort: number;
  readonly caFile: string | undefined;
  readonly notes: ReadonlyMap<string, string>;
}

function watch(cluster: TestCluster, facts: BusFacts, { prometheusPort, caFile, notes }: Watching): Promise<Probe> {
  return startProbe({
    facts,
    listen: { host: "127.0.0.1", port: 0 },
    servers: cluster.nodes.map(({ name, url, monitorUrl }) => {
      const noteFile = notes.get(name);
      return { name, clientUrl: url, monitorUrl, ...(noteFile === undefined ? {} : { noteFile }) };
    }),
    pollMs: 500,
    prometheusUrl: `http://127.0.0.1:${prometheusPort}`,
    exporter: true,
    latencySeconds: 1,
    canary: { subject: "canary", intervalMs: 250, timeoutMs: 3_000, ...(caFile === undefined ? {} : { caFile }) },
  });
}

interface Wiring {
  readonly probe: Probe;
  readonly cluster: TestCluster;
  readonly catcher: string;
  readonly alertmanagerPort: number;
}

function renderFiles(facts: BusFacts, { probe, cluster, catcher, alertmanagerPort }: Wiring) {
  const address = new URL(probe.url).host;
  const receivers = ["pager", "channel"].map((name) => ({ name, webhook: { url: `${catcher}/${name}` } }));
  return monitoringFiles(facts, {
    // In windows of seconds an election would look like hours of failure. How budgets burn is proven with promtool, which has the time.
    slo: { availability: 0.9, latencySeconds: 1, latencyShare: 0.1 },
    thresholds: { originLag: 100, cpu: 1 },
    evaluationSeconds: 1,
    alerting: { receivers, critical: "pager", warning: "channel", info: "channel" },
    scrape: {
      scrapeSeconds: 1,
      exporters: cluster.nodes.map(({ name }) => ({ name, address, path: `/servers/${name}/metrics` })),
      probes: [{ address }],
      alertmanagers: [`127.0.0.1:${alertmanagerPort}`],
    },
  });
}

/** Waits and windows pass faster, in the same order; what is compared stays. */
function speedUp(files: readonly RenderedFile[]): RenderedFile[] {
  return files.map(({ path, content }) => {
    if (path === "prometheus/rules.yml") return { path, content: fasterRules(content) };
    if (path !== "alertmanager/alertmanager.yml") return { path, content };
    return { path, content: content.replaceAll(/(group_wait|group_interval): \w+/g, "$1: 4s") };
  });
}

function fasterRules(text: string): string {
  return text
    .replaceAll(
      /(\bfor: )(\d+)([smhd])/g,
      (_all, key: string, count: string, unit: string) => `${key}${SHORTEST_WAIT + faster(count, unit)}s`,
    )
    .replaceAll(/\[(\d+)([smhd])\]/g, (_all, count: string, unit: string) => `[${Math.max(SHORTEST_WINDOW, faster(count, unit))}s]`)
    .replaceAll("interval: 300s", "interval: 2s");
}

function faster(count: string, unit: string): number {
  return Math.round((Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? 1)) / SPEED);
}

interface Catcher extends AsyncDisposable {
  readonly url: string;
  /** State by `name/severity`, as last told. */
  readonly told: Map<string, "firing" | "resolved">;
}

async function catchWebhooks(): Promise<Catcher> {
  const told = new Map<string, "firing" | "resolved">();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { alerts } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
        alerts: { status: "firing" | "resolved"; labels: Record<string, string> }[];
      };
      const byName = new Map<string, "firing" | "resolved">();
      // Several series of one alert: it is over when all are.
      for (const { status, labels } of alerts) if (byName.get(nameOf(labels)) !== "firing") byName.set(nameOf(labels), status);
      // That an alert of before is over is no news of it.
      for (const [name, status] of byName) if (status === "firing" || told.has(name)) told.set(name, status);
      response.end();
    });
  });
  const port = await findFreePorts(1);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    told,
    [Symbol.asyncDispose]: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function nameOf(labels: Record<string, string>): string {
  return `${labels["alertname"]}/${labels["severity"]}`;
}

function alertReader(prometheus: Service, catcher: Catcher): Pick<WatchedBus, "firing" | "fires" | "clears" | "told" | "failedRules"> {
  const firing = async (): Promise<string[]> => {
    const { alerts } = await ask<{ alerts: { state: string; labels: Record<string, string> }[] }>(`${prometheus.url}/api/v1/alerts`);
    const names = alerts
      .filter(({ state, labels }) => state === "firing" && labels["severity"] !== "none")
      .map(({ labels }) => nameOf(labels));
    return [...new Set(names)].sort();
  };
  return {
    firing,
    told: () => [...catcher.told.keys()].sort(),
    async fires(expected, timeoutMs) {
      const seen = new Set<string>();
      const until = performance.now() + timeoutMs;
      let calm = 0;
      while (performance.now() < until && calm < CALM_MS) {
        for (const name of await firing()) seen.add(name);
        calm = expected.every((name) => seen.has(name)) ? calm + POLL_MS : 0;
        await delay(POLL_MS);
      }
      return [...seen].sort();
    },
    async clears(timeoutMs) {
      const until = performance.now() + timeoutMs;
      const open = (): string[] => [...catcher.told].filter(([, state]) => state === "firing").map(([name]) => name);
      for (;;) {
        const still = await firing();
        if (still.length === 0 && open().length === 0) break;
        if (performance.now() > until)
          throw new Error(`does not clear: firing ${still.join(", ")}; told and not taken back ${open().join(", ")}`);
        await delay(POLL_MS);
      }
      catcher.told.clear();
    },
    async failedRules() {
      const { groups } = await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
        `${prometheus.url}/api/v1/rules`,
      );
      return groups.flatMap(({ rules }) =>
        rules.filter(({ health }) => health === "err").map(({ name, lastError }) => `${name}: ${lastError}`),
      );
    },
  };
}

async function quiet(bus: Pick<WatchedBus, "clears" | "firing">, timeoutMs: number): Promise<void> {
  // Rates need a few samples before anything is known.
  await delay(12_000);
  await bus.clears(timeoutMs);
}

async function ask<T>(url: string): Promise<T> {
  return ((await (await fetch(url)).json()) as { data: T }).data;
}
