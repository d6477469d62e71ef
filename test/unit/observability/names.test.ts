/** Every metric and label that a rule or board names exists: in the recorded scrapes, in the probe's contract, or as a record of the rules. */
import { describe, expect, test } from "vitest";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { labelMatchers, metricNames } from "../../../observability/promql.ts";
import { metricRelabeling } from "../../../observability/relabeling.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { isAlert } from "../../../observability/rules/rule.ts";
import { PROBE_METRICS } from "../../../observability/scrape-contract.ts";
import { boardJson } from "../../../observability/writers/grafana.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "./example-bus.ts";
import { recorded, relabel } from "./scrapes.ts";

const options = resolveMonitoringOptions(EVERY_OPTION);
const rules = planRules(EXAMPLE_BUS, options).flatMap((group) => group.rules);
const boards = planBoards(EXAMPLE_BUS, options);
const json = boards.map(boardJson);

const ruleTexts = rules.map(({ expr }) => expr);
const panelTexts = boards.flatMap(({ rows }) =>
  rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr))),
);
const annotationTexts = json.flatMap(({ annotations }) => annotations?.list?.flatMap(({ expr }) => expr ?? []) ?? []);
const variableTexts = json.flatMap(({ templating }) =>
  (templating?.list ?? []).flatMap(({ query }) =>
    typeof query === "string" && query.startsWith("label_values(") ? [query.slice("label_values(".length, query.lastIndexOf(","))] : [],
  ),
);
const texts = [...ruleTexts, ...panelTexts, ...annotationTexts, ...variableTexts];

/** Labels by metric, as stored after relabelling, at any of the recorded moments. */
const stored = new Map<string, Set<string>>();
for (const sample of (["healthy", "one-down", "quorum-lost"] as const).flatMap(recorded)) {
  const kept = relabel(sample, metricRelabeling(EXAMPLE_BUS, "all"));
  if (kept === undefined) continue;
  const labels = stored.get(kept.name) ?? new Set();
  for (const label of Object.keys(kept.labels)) labels.add(label);
  stored.set(kept.name, labels);
}
// Empty labels are no labels to Prometheus, but matching them is meaningful.
stored.get("nats_server_total_streams")?.add("meta_leader");

const target = ["nats_cluster", "job", "instance"];
for (const { name, type, labels } of PROBE_METRICS) {
  if (type !== "histogram") stored.set(name, new Set([...target, ...labels]));
  else
    for (const [suffix, more] of [
      ["bucket", ["le"]],
      ["sum", []],
      ["count", []],
    ] as const)
      stored.set(`${name}_${suffix}`, new Set([...target, ...labels, ...more]));
}
// Prometheus's own, and what other well-known exporters give.
stored.set("ALERTS", new Set(["nats_cluster", "alertname", "alertstate", "severity", "service"]));
for (const metric of ["kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"])
  stored.set(metric, new Set(["namespace", "persistentvolumeclaim"]));

const records = new Map(rules.flatMap((rule) => (isAlert(rule) ? [] : [[rule.record, rule] as const])));

describe("names", () => {
  test("of metrics exist", () => {
    const unknown = texts.flatMap(metricNames).filter((name) => !stored.has(name) && !records.has(name));
    expect([...new Set(unknown)]).toEqual([]);
  });

  test("of labels exist on their metric", () => {
    const unknown = texts
      .flatMap(labelMatchers)
      .filter(({ metric, label }) => stored.has(metric) && stored.get(metric)?.has(label) === false);
    expect(unknown).toEqual([]);
  });

  test("of grouping labels exist somewhere", () => {
    const all = new Set([...stored.values()].flatMap((labels) => [...labels]).concat("team"));
    const grouped = texts.flatMap((text) =>
      [...text.matchAll(/\b(?:by|on|group_left)\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(",").map((label) => label.trim())),
    );
    expect([...new Set(grouped)].filter((label) => label !== "" && !all.has(label))).toEqual([]);
  });

  test("of the probe are all used, so that it serves nothing in vain", () => {
    const used = new Set(texts.flatMap(metricNames).map((name) => name.replace(/_(bucket|sum|count)$/, "")));
    const idle = PROBE_METRICS.map(({ name }) => name).filter((name) => !used.has(name));
    expect(idle).toEqual([]);
  });

  test("of records are all read by some alert or panel", () => {
    const used = new Set(texts.flatMap(metricNames));
    expect([...records.keys()].filter((name) => !used.has(name))).toEqual([]);
  });
});

test("boards show the records that alerts compare, not figures of their own", () => {
  const alertRecords = new Set(
    rules
      .filter(isAlert)
      .flatMap(({ expr }) => metricNames(expr))
      .filter((name) => records.has(name)),
  );
  const shown = new Set(panelTexts.flatMap(metricNames));
  // These say what should be, or join a label; they are no figures.
  const declarations = /:(bool|info)$|^nats_(consumer:ack_floor_seq|slo:publish_(errors|slow):ratio_rate(30m|2h))/;
  expect([...alertRecords].filter((name) => !shown.has(name) && !declarations.test(name))).toEqual([]);
});
