/** The written Prometheus configuration and rules, judged by promtool for many buses. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import type { BusFacts } from "../../../observability/facts.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { type RenderMonitoringOptions, renderMonitoringFiles } from "../../../observability/writers/files.ts";
import { renderYaml } from "../../../observability/writers/yaml.ts";
import { anyBus, anyOptions } from "../../unit/observability/arbitrary-bus.ts";
import { EVERY_OPTION, EXAMPLE_BUS, SMALLEST_BUS } from "../../unit/observability/example-bus.ts";
import { hasTool, run, temporaryFolder } from "./promtool.ts";

const available = hasTool("promtool");
if (!available) process.stderr.write("SKIPPED: written files are not checked, promtool is missing (Debian package prometheus)\n");

function check(facts: BusFacts, options: RenderMonitoringOptions): { readonly ok: boolean; readonly output: string } {
  using folder = temporaryFolder();
  for (const { path, content } of renderMonitoringFiles(facts, options)) folder.write(path, content);
  // Checks the rules and the target files the configuration names, too.
  return run("promtool", "check", "config", `${folder.path}/prometheus/prometheus.yml`);
}

describe.skipIf(!available)("promtool accepts", () => {
  test.each<[string, BusFacts, RenderMonitoringOptions]>([
    [
      "everything at once",
      EXAMPLE_BUS,
      {
        ...EVERY_OPTION,
        scrape: {
          exporters: [{ address: "127.0.0.1:7777" }],
          probes: [{ address: "127.0.0.1:7778", path: "/probe" }],
          alertmanagers: ["127.0.0.1:9093"],
          consumers: "declared",
        },
      },
    ],
    ["the least there can be", SMALLEST_BUS, { probe: false }],
    ["disks watched by node_exporter", EXAMPLE_BUS, { volumes: { kind: "node", mountpoint: "/var/lib/nats" } }],
  ])("%s", (_what, facts, options) => {
    const { ok, output } = check(facts, options);
    expect(ok, output).toBe(true);
    expect(output).toMatch(/SUCCESS: \d+ rules found/);
  });

  test("every query of the boards", () => {
    using folder = temporaryFolder();
    const boards = planBoards(EXAMPLE_BUS, resolveMonitoringOptions(EVERY_OPTION));
    const queries = boards.flatMap(({ rows }) =>
      rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr))),
    );
    const rules = queries.map((expr, index) => ({ record: `query:${index}:check`, expr: expr.replaceAll("$__rate_interval", "5m") }));
    const { ok, output } = run(
      "promtool",
      "check",
      "rules",
      folder.write("queries.yml", renderYaml({ groups: [{ name: "queries", rules }] })),
    );
    expect(ok, output).toBe(true);
  });

  test("any bus, whatever its names", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, fc.constantFrom("all" as const, "declared" as const), (facts, options, consumers) => {
        const { ok, output } = check(facts, { ...options, scrape: { consumers } });
        expect(ok, output).toBe(true);
      }),
      { numRuns: 12 },
    );
  });
});
