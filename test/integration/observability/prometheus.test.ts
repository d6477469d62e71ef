/** The written Prometheus configuration and rules, judged by promtool for many buses. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BusFacts } from "../../../observability/facts.ts";
import { type RenderMonitoringOptions, renderMonitoringFiles } from "../../../observability/writers/files.ts";
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
