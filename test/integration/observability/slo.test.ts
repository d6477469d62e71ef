/** Burn-rate alerts over minutes and over days. */
import { describe, expect, test } from "vitest";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "../../unit/observability/example-bus.ts";
import { growing, STEP, steady, type TestSeries } from "./baseline.ts";
import { hasTool, type Scenario, testRules } from "./promtool.ts";

const available = hasTool("promtool");
if (!available) process.stderr.write("SKIPPED: burn rates are not tested, promtool is missing (Debian package prometheus)\n");

const GROUPS = planRules(EXAMPLE_BUS, resolveMonitoringOptions(EVERY_OPTION)).filter(({ name }) => name.includes("-slo"));
const MINUTE = 60;

/** Ten thousand publishes a sample, of which some fail and some are slow. */
function publishes({ failing = 0, slow = 0, rate = 10_000 }: { failing?: number; slow?: number; rate?: number }): TestSeries[] {
  const labels = { nats_cluster: "bus", job: "natsbus-probe", server_id: "bus-1" };
  const one = (name: string, more: Record<string, string>, share: number): TestSeries => ({
    name,
    labels: { ...labels, ...more },
    values: share === 0 ? steady(0) : growing(0, Number((share * rate).toFixed(6))),
  });
  return [
    one("nats_client_publish_total", { result: "ok" }, 1 - failing),
    one("nats_client_publish_total", { result: "error" }, failing),
    one("nats_client_publish_duration_seconds_bucket", { le: "0.05" }, 1 - slow),
    one("nats_client_publish_duration_seconds_count", {}, 1),
  ];
}

interface Burn {
  readonly what: string;
  readonly alert: string;
  readonly minutes: number;
  readonly fast: TestSeries[];
  readonly slower: TestSeries[];
}

const AVAILABILITY = "NatsSloAvailabilityBurn";
const LATENCY = "NatsSloLatencyBurn";
const burn = (what: string, alert: string, minutes: number, [fast, slower]: [TestSeries[], TestSeries[]]): Burn => ({
  what,
  alert,
  minutes,
  fast,
  slower,
});

// The first rate exists after two samples, so each alert comes half a minute after its waiting time.
const BURNS: readonly Burn[] = [
  burn("one publish in a hundred fails", `${AVAILABILITY}/critical/1h`, 2, [publishes({ failing: 0.01 }), publishes({ failing: 0.007 })]),
  burn("one in two hundred fails", `${AVAILABILITY}/critical/6h`, 15, [publishes({ failing: 0.005 }), publishes({ failing: 0.0029 })]),
  burn("one in five hundred fails", `${AVAILABILITY}/warning/1d`, 60, [publishes({ failing: 0.002 }), publishes({ failing: 0.0014 })]),
  burn("one in a thousand fails", `${AVAILABILITY}/warning/3d`, 180, [publishes({ failing: 0.001 }), publishes({ failing: 0.0004 })]),
  burn("a fifth is slow", `${LATENCY}/critical/1h`, 2, [publishes({ slow: 0.2 }), publishes({ slow: 0.14 })]),
  burn("a tenth is slow", `${LATENCY}/critical/6h`, 15, [publishes({ slow: 0.1 }), publishes({ slow: 0.05 })]),
  burn("four in a hundred are slow", `${LATENCY}/warning/1d`, 60, [publishes({ slow: 0.04 }), publishes({ slow: 0.025 })]),
  burn("two in a hundred are slow", `${LATENCY}/warning/3d`, 180, [publishes({ slow: 0.02 }), publishes({ slow: 0.005 })]),
];

describe.skipIf(!available)("the error budget", () => {
  test.each(BURNS)("$alert when $what, and not at a slower pace", ({ what, alert, minutes, fast, slower }) => {
    const fires = minutes * MINUTE + STEP;
    const scenarios: Scenario[] = [
      {
        name: what,
        series: fast,
        expectations: [
          { at: fires - STEP, silent: alert },
          { at: fires, firing: [alert] },
        ],
      },
      { name: `${what}, nearly`, series: slower, expectations: [{ at: fires + 5 * MINUTE, silent: alert }] },
    ];
    const { ok, output } = testRules(GROUPS, scenarios);
    expect(ok, output).toBe(true);
  });

  test("a handful of failures on a bus that nobody uses proves nothing", () => {
    const series = publishes({ failing: 1, rate: 0.1 });
    const { ok, output } = testRules(GROUPS, [{ name: "unused", series, expectations: [{ at: 30 * MINUTE, firing: [] }] }]);
    expect(ok, output).toBe(true);
  });

  test("the alert of an outage ends soon after it", () => {
    const outage = publishes({ failing: 1 }).map((one) => {
      if (one.labels["result"] === "error") return { ...one, values: "0+10000x10 100000+0x$ALL" };
      if (one.labels["result"] === "ok") return { ...one, values: "0+0x10 0+10000x$ALL" };
      return one;
    });
    const expectations = [
      { at: 4 * MINUTE, firing: [`${AVAILABILITY}/critical/1h`] },
      { at: 12 * MINUTE, silent: `${AVAILABILITY}/critical/1h` },
    ];
    const { ok, output } = testRules(GROUPS, [{ name: "outage", series: outage, expectations }]);
    expect(ok, output).toBe(true);
  });
});
