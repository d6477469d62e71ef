/** A running Prometheus with the written files, scraping the recorded bus: no rule fails, and no panel is empty without a reason. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { renderMonitoringFiles } from "../../../observability/writers/files.ts";
import { findFreePorts } from "../../support/free-ports.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "../../unit/observability/example-bus.ts";
import { seriesText } from "../../unit/observability/scrapes.ts";
import { healthyBus, type TestSeries } from "./baseline.ts";
import { hasTool, temporaryFolder } from "./promtool.ts";
import { startService } from "./service.ts";

const available = hasTool("prometheus");
if (!available) process.stderr.write("SKIPPED: rules and panels are not run, prometheus is missing (Debian package prometheus)\n");

const SERVERS = ["bus-1", "bus-2", "bus-3"];
const TARGET_LABELS = new Set(["nats_cluster", "job", "instance"]);

/** The healthy bus as pages to scrape, growing as its series do: one page a server, and one of the probe and the kubelet. */
async function servePages(): Promise<AsyncDisposable & { readonly address: string }> {
  const started = Date.now();
  const series = healthyBus().filter(({ name }) => name !== "up");
  const isOf = (one: TestSeries, page: string): boolean =>
    one.labels["job"] === "nats" ? `${one.labels["instance"]}`.startsWith(`${page}:`) : page === "probe";
  const server = createServer((request, response) => {
    const page = request.url?.slice(1) ?? "";
    const seconds = Math.floor((Date.now() - started) / 1000);
    response.end(
      series
        .filter((one) => isOf(one, page))
        .map((one) => `${plainText(one)} ${valueAt(one, seconds)}\n`)
        .join(""),
    );
  });
  const port = await findFreePorts(1);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function plainText({ name, labels }: TestSeries): string {
  return seriesText({ name, labels: Object.fromEntries(Object.entries(labels).filter(([label]) => !TARGET_LABELS.has(label))) });
}

/** `first+step x…` after so many seconds, one step a second. */
function valueAt({ name, values }: TestSeries, seconds: number): number {
  const [first = "0", step = "0"] = values.split("x")[0]?.split("+") ?? [];
  // Tests that play through hours begin in 1970; this one runs now.
  const epoch = name === "natsbus_certificate_not_after_seconds" ? Math.floor(Date.now() / 1000) : 0;
  return epoch + Number(first) + Number(step) * seconds;
}

interface Answer<T> {
  readonly status: string;
  readonly data: T;
}

async function ask<T>(url: string): Promise<T> {
  const answer = (await (await fetch(url)).json()) as Answer<T>;
  expect(answer.status, url).toBe("success");
  return answer.data;
}

interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
}

describe.skipIf(!available)("a running Prometheus", () => {
  test("evaluates every rule, and answers every panel's query", async () => {
    await using pages = await servePages();
    using folder = temporaryFolder();
    const options = {
      ...EVERY_OPTION,
      evaluationSeconds: 1,
      scrape: {
        scrapeSeconds: 2,
        exporters: SERVERS.map((name) => ({ address: pages.address, path: `/${name}`, name })),
        probes: [{ address: pages.address, path: "/probe" }],
      },
    };
    for (const { path, content } of renderMonitoringFiles(EXAMPLE_BUS, options))
      folder.write(path, content.replaceAll("interval: 300s", "interval: 1s"));
    const flags = [`--config.file=${folder.path}/prometheus/prometheus.yml`, `--storage.tsdb.path=${folder.path}/data`];
    await using prometheus = await startService("prometheus", flags);
    const rules = async (): Promise<RuleState[]> => {
      const { groups } = await ask<{ groups: { rules: RuleState[] }[] }>(`${prometheus.url}/api/v1/rules`);
      return groups.flatMap((group) => group.rules);
    };

    for (let attempt = 0; attempt < 60 && (await rules()).some(({ health }) => health === "unknown"); attempt += 1) await sleep(500);
    // A rate needs two samples, and a record of a rate one round more.
    await sleep(8000);
    // On a busy machine a scrape may miss its second: what is pending then must go away again, and nothing may fire.
    const speaking = (states: readonly RuleState[], ...which: readonly string[]): string[] =>
      states.filter(({ state = "" }) => which.includes(state)).map(({ name }) => name);
    for (let attempt = 0; attempt < 40 && speaking(await rules(), "pending").length > 0; attempt += 1) await sleep(500);
    const states = await rules();
    expect(states.filter(({ health }) => health !== "ok")).toEqual([]);
    expect(speaking(states, "firing", "pending")).toEqual(["NatsWatchdog"]);

    const boards = planBoards(EXAMPLE_BUS, resolveMonitoringOptions(options));
    const panels = boards.flatMap(({ rows }) => rows.flatMap((row) => row.panels));
    const emptyPanels = async (): Promise<string[]> => {
      const empty: string[] = [];
      for (const { key, queries, mayBeEmpty } of panels) {
        for (const { expr } of queries) {
          const query = expr
            .replaceAll("$nats_cluster", "bus")
            .replaceAll("$__rate_interval", "10s")
            .replaceAll(/\$(account|stream|consumer)/g, ".*");
          const { result } = await ask<{ result: unknown[] }>(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`);
          if (result.length === 0 && mayBeEmpty === undefined) empty.push(`${key}: ${query}`);
        }
      }
      return empty;
    };
    // On a busy machine two samples may take a while.
    await expect.poll(emptyPanels, { timeout: 60_000, interval: 2_000 }).toEqual([]);
  });
});
