/** Burn-rate alerts over minutes and over days. */
import { describe, expect, test } from "vitest";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "../../unit/observability/example-bus.ts";
import { STEP } from "./baseline.ts";
import { hasTool, type Scenario, testRules } from "./promtool.ts";
import { AVAILABILITY, BURNS, publishes } from "./slo-cases.ts";

const available = hasTool("promtool");
if (!available) process.stderr.write("SKIPPED: burn rates are not tested, promtool is missing (Debian package prometheus)\n");

const GROUPS = planRules(EXAMPLE_BUS, resolveMonitoringOptions(EVERY_OPTION)).filter(({ name }) => name.includes("-slo"));
const MINUTE = 60;

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
