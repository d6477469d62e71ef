/** Puts the tables together: the rule groups of one bus. */

import { locatePanel } from "../dashboards/panels.ts";
import type { BusFacts } from "../facts.ts";
import type { AlertSpec, RecordingSpec } from "../model.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";
import { scopeTo } from "../promql.ts";
import { CLIENT_ALERTS } from "./client-alerts.ts";
import { CLUSTER_ALERTS, MONITORING_ALERTS } from "./cluster-alerts.ts";
import { hasTeams } from "./conditions.ts";
import { CONSUMER_ALERTS } from "./consumer-alerts.ts";
import { expectedRecords } from "./expected.ts";
import { STREAM } from "./labels.ts";
import { CONSUMER_RECORDS, SERVER_RECORDS, STREAM_RECORDS } from "./records.ts";
import type { AlertRule, RecordingRule, RuleGroup } from "./rule.ts";
import { RESOURCE_ALERTS, SERVER_ALERTS } from "./server-alerts.ts";
import { SLO_ALERTS, SLO_RECORDS, SLO_SLOW_RECORDS } from "./slo.ts";
import { ORIGIN_ALERTS, STREAM_ALERTS } from "./stream-alerts.ts";

/** Seconds between evaluations of what moves over days. */
const SLOW_SECONDS = 300;

/** Constants in one group; a bus with a thousand consumers has thousands, and a group must fit into an object of the operator. */
const LARGEST_GROUP = 500;

/** All rules that apply to the bus. Records that read each other share a group, where they are computed in order. */
export function planRules(facts: BusFacts, options: ResolvedMonitoringOptions): RuleGroup[] {
  const context: Context = { facts, options };
  const group = (name: string, specs: readonly (RecordingSpec | AlertSpec)[], intervalSeconds = options.evaluationSeconds): RuleGroup => ({
    name: `natsbus-${facts.cluster}-${name}`,
    intervalSeconds,
    rules: specs
      .filter((spec) => spec.applies?.(facts, options) ?? true)
      .map((spec) => ("alert" in spec ? alertRule(spec, context) : recordingRule(spec, context))),
  });
  const groups = [
    ...chunks(expectedRecords(facts), LARGEST_GROUP).map((specs, index) => group(`expected-${index + 1}`, specs)),
    group("records", [...SERVER_RECORDS, ...STREAM_RECORDS, ...CONSUMER_RECORDS]),
    group("slo-records", SLO_RECORDS),
    group("slo-records-slow", SLO_SLOW_RECORDS, SLOW_SECONDS),
    group("monitoring", MONITORING_ALERTS),
    group("cluster", CLUSTER_ALERTS),
    group("servers", [...SERVER_ALERTS, ...RESOURCE_ALERTS]),
    group("clients", CLIENT_ALERTS),
    group("streams", [...STREAM_ALERTS, ...ORIGIN_ALERTS]),
    group("consumers", CONSUMER_ALERTS),
    group("slo", SLO_ALERTS),
  ];
  return groups.filter(({ rules }) => rules.length > 0);
}

/** Every alert there is, whether it applies to a bus or not: what the runbooks must cover. */
export function alertCatalog(): readonly AlertSpec[] {
  return [
    ...MONITORING_ALERTS,
    ...CLUSTER_ALERTS,
    ...SERVER_ALERTS,
    ...RESOURCE_ALERTS,
    ...CLIENT_ALERTS,
    ...STREAM_ALERTS,
    ...ORIGIN_ALERTS,
    ...CONSUMER_ALERTS,
    ...SLO_ALERTS,
  ];
}

// While a team changes, the old and the new label may both be there for a round; two would be an error.
const ONE_TEAM = `topk by (${STREAM}) (1, nats_stream:team:info)`;

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}

interface Context {
  readonly facts: BusFacts;
  readonly options: ResolvedMonitoringOptions;
}

function expression(spec: RecordingSpec | AlertSpec, { facts, options }: Context): string {
  const text = typeof spec.expr === "string" ? spec.expr : spec.expr(facts, options);
  return scopeTo(facts.cluster, text);
}

function recordingRule(spec: RecordingSpec, context: Context): RecordingRule {
  const expr = expression(spec, context);
  // A constant has no labels to inherit, so the bus must be named.
  const bus = expr.startsWith("vector(") ? { nats_cluster: context.facts.cluster } : {};
  return { record: spec.record, expr, labels: { ...bus, ...spec.labels } };
}

function alertRule(spec: AlertSpec, context: Context): AlertRule {
  const { facts, options } = context;
  const expr = expression(spec, context);
  const joinsTeam = spec.ofStream === true && hasTeams(facts);
  return {
    alert: spec.alert,
    expr: joinsTeam ? `(${expr}) * on (${STREAM}) group_left (team) ${scopeTo(facts.cluster, ONE_TEAM)}` : expr,
    for: spec.for,
    labels: { severity: spec.severity, service: "nats", nats_cluster: facts.cluster, ...spec.labels, ...options.alertLabels },
    annotations: {
      summary: spec.summary,
      description: spec.description,
      runbook_url: `${options.runbookUrl}#${spec.alert.toLowerCase()}`,
      dashboard_url: panelUrl(spec, context),
    },
  };
}

function panelUrl(spec: AlertSpec, { facts, options }: Context): string {
  const { board, id } = locatePanel(spec.panel);
  const stream =
    spec.ofStream === true ? "&var-account={{ $labels.account_name | urlquery }}&var-stream={{ $labels.stream_name | urlquery }}" : "";
  const bus = encodeURIComponent(facts.cluster);
  return `${options.grafanaUrl}/d/${options.boardUidPrefix}-${board}?var-nats_cluster=${bus}${stream}&viewPanel=${id}`;
}
