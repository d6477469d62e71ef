/** No alert without a case that makes it fire and one that must leave it silent; promtool plays them in the integration tests. */
import { expect, test } from "vitest";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { alertCatalog, planRules } from "../../../observability/rules/plan.ts";
import { isAlert } from "../../../observability/rules/rule.ts";
import { healthyBus } from "../../integration/observability/baseline.ts";
import { TABLES } from "../../integration/observability/rule-tables.ts";
import { BURNS } from "../../integration/observability/slo-cases.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "./example-bus.ts";

const planned = planRules(EXAMPLE_BUS, resolveMonitoringOptions(EVERY_OPTION)).flatMap(({ rules }) => rules.filter(isAlert));
const identities = planned.map(({ alert, labels }) => [alert, labels["severity"], labels["window"]].filter(Boolean).join("/"));
const cases = TABLES.flatMap((table) => table.cases);

test("every alert has its case, and every case its alert", () => {
  const covered = [...cases.map(({ alert }) => alert), ...BURNS.map(({ alert }) => alert), "NatsWatchdog/none"];
  expect(covered.toSorted()).toEqual([...new Set(identities)].sort());
});

test("the bus of the cases makes every alert there is", () => {
  expect([...new Set(planned.map(({ alert }) => alert))].sort()).toEqual([...new Set(alertCatalog().map(({ alert }) => alert))].sort());
});

test("what fires and what only looks alike differ from each other, and from a healthy bus", () => {
  const healthy = JSON.stringify(healthyBus());
  for (const { alert, fault, near } of cases) {
    const both = [fault, near].map((change) => JSON.stringify(change(healthyBus())));
    expect(new Set([healthy, ...both]).size, alert).toBe(3);
  }
  for (const { alert, fast, slower } of BURNS) expect(fast, alert).not.toEqual(slower);
});
