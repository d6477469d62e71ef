/** Every alert, played through by promtool: it fires when it should, in the minute it should, in the company it should, and not otherwise. */
import { describe, expect, test } from "vitest";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { metricNames } from "../../../observability/promql.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { type AlertRule, isAlert, type RuleGroup } from "../../../observability/rules/rule.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "../../unit/observability/example-bus.ts";
import { BEGIN, healthyBus, STEP } from "./baseline.ts";
import { hasTool, type Scenario, summariesOf, testRules } from "./promtool.ts";
import type { RuleCase } from "./rule-cases.ts";
import { TABLES } from "./rule-tables.ts";

const available = hasTool("promtool");
if (!available) process.stderr.write("SKIPPED: rules are not tested, promtool is missing (Debian package prometheus)\n");

const groups = planRules(EXAMPLE_BUS, resolveMonitoringOptions(EVERY_OPTION));
const alerts = groups.flatMap(({ rules }) => rules.filter(isAlert));
// Burn rates look back over days; they have their own file and their own, coarser, series.
const withoutSlo = groups.filter(({ name }) => !name.includes("-slo"));
const SETTLED = 10 * 60;

describe.skipIf(!available)("alerts", () => {
  test("stay silent on a healthy bus, but for the heartbeat", () => {
    const expectations = [300, BEGIN, BEGIN + 3600].map((at) => ({ at, firing: [] }));
    const { ok, output } = testRules(withoutSlo, [{ name: "healthy", series: healthyBus(), expectations }]);
    expect(ok, output).toBe(true);
  });

  test.each(TABLES)("of $area fire in time and in the right company", ({ cases, company }) => {
    const { ok, output } = testRules(company ? withoutSlo : rulesBehind(cases), cases.map(firing));
    expect(ok, output).toBe(true);
  });

  test.each(TABLES)("of $area stay silent when it only looks alike", ({ cases }) => {
    const { ok, output } = testRules(rulesBehind(cases), cases.map(silent));
    expect(ok, output).toBe(true);
  });

  test.each(TABLES)("of $area say in one line what happens where", ({ cases }) => {
    const said = summariesOf(
      rulesBehind(cases),
      cases.map((one) => ({ ...firing(one), alert: one.alert.split("/")[0] ?? "" })),
    );
    expect(said.length).toBeGreaterThanOrEqual(cases.length);
    // A label that the result does not have would leave a hole.
    for (const text of said) expect(text).toMatch(/^(?!.*( {2}|\{\{|<no value>|\(\)| ,| $)).*\d/);
  });

  test("but the heartbeat, which never stops, even when nothing is scraped", () => {
    const moments = [0, BEGIN, BEGIN + 3600].map((at) => ({
      name: `after ${at} s`,
      series: [],
      alert: "NatsWatchdog",
      expectations: [{ at }],
    }));
    expect(summariesOf(withoutSlo, moments)).toEqual(moments.map(() => "Alerting for bus bus works (heartbeat 1)"));
  });
});

function identity({ alert, labels }: AlertRule): string {
  return `${alert}/${labels["severity"]}`;
}

/** The alerts of some cases with the records they read, directly or not. */
function rulesBehind(cases: readonly RuleCase[]): RuleGroup[] {
  const wanted = new Set(cases.map(({ alert }) => alert));
  const members = withoutSlo.flatMap(({ rules }) => rules).filter((rule) => !isAlert(rule) || wanted.has(identity(rule)));
  const read = new Set(members.filter(isAlert).flatMap(({ expr }) => metricNames(expr)));
  for (const rule of members.filter((member) => !isAlert(member)).reverse()) {
    if (!isAlert(rule) && read.has(rule.record)) for (const name of metricNames(rule.expr)) read.add(name);
  }
  return [{ name: "chosen", intervalSeconds: STEP, rules: members.filter((rule) => isAlert(rule) || read.has(rule.record)) }];
}

function firesAt({ alert, delay = 0 }: RuleCase): number {
  return BEGIN + delay + pendingOf(alert);
}

function pendingOf(alert: string): number {
  return secondsOf(alerts.find((rule) => identity(rule) === alert)?.for);
}

function firing(one: RuleCase): Scenario {
  const lastSilence = (one.window === true ? BEGIN + pendingOf(one.alert) : firesAt(one)) - STEP;
  return {
    name: `${one.alert} fires`,
    series: one.fault(healthyBus()),
    expectations: [
      { at: lastSilence, silent: one.alert },
      { at: firesAt(one), firing: [one.alert, ...(one.also ?? [])].sort() },
    ],
  };
}

function silent(one: RuleCase): Scenario {
  return {
    name: `${one.alert} stays silent`,
    series: one.near(healthyBus()),
    expectations: [{ at: firesAt(one) + SETTLED, silent: one.alert }],
  };
}

function secondsOf(duration: string | undefined): number {
  const factor = { s: 1, m: 60, h: 3600, d: 86_400 }[duration?.at(-1) ?? "s"] ?? 1;
  return Number.parseFloat(duration ?? "0") * factor;
}
