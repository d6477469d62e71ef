/** The same monitoring as objects of the Prometheus Operator, plain and without any client library. */
import { type Board, planBoards } from "../dashboards/plan.ts";
import type { BusFacts } from "../facts.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";
import { type ConsumerSelection, metricRelabeling } from "../relabeling.ts";
import { planAlerting } from "../routes.ts";
import type { AlertRouting } from "../routing-options.ts";
import { planRules } from "../rules/plan.ts";
import type { RuleGroup } from "../rules/rule.ts";
import { EXPORTER_JOB, PROBE_JOB } from "../scrape-contract.ts";
import { alertmanagerConfigSpec } from "./alerting.ts";
import { boardJson } from "./grafana.ts";
import { ruleGroupsConfig } from "./rule-groups.ts";

// The operator writes each PrometheusRule into one key of a ConfigMap and refuses more than 512 KiB; YAML is longer than what is measured here.
const LARGEST_RULE_FILE = 250_000;

/** A Kubernetes object. */
export interface Manifest {
  /** Group and version. */
  readonly apiVersion: string;
  /** Kind. */
  readonly kind: string;
  /** Name, namespace and labels. */
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Wanted state, of kinds that have one. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Content of a ConfigMap. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Where the objects go and how the operator finds them. */
export interface OperatorOptions {
  /** Namespace of the bus and of all objects. */
  readonly namespace: string;
  /** Labels of the servers' pods. */
  readonly podLabels: Readonly<Record<string, string>>;
  /** Labels of the probe's pods.
   * @default - no PodMonitor for a probe */
  readonly probeLabels?: Readonly<Record<string, string>>;
  /** Labels that the operator's selectors ask for, for instance `{ release: "monitoring" }` with kube-prometheus-stack.
   * @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** Name of the exporters' and probes' port in the pods.
   * @default "prom-metrics" */
  readonly port?: string;
  /** Time between scrapes, in seconds.
   * @default 15 */
  readonly scrapeSeconds?: number;
  /** Which consumers keep their series.
   * @default "all" */
  readonly consumers?: ConsumerSelection;
  /** What is selected: pods, which need no Service and are scraped while they are not ready, or Services with the same labels.
   * @default "pods" */
  readonly scrapeBy?: "pods" | "services";
  /** Labels of the Grafana instances that the Grafana Operator gives the dashboards to.
   * @default - no Grafana Operator; ConfigMaps for Grafana's sidecar are written */
  readonly grafanaInstances?: Readonly<Record<string, string>>;
  /** Label by which Grafana's sidecar finds dashboards, name and value.
   * @default { grafana_dashboard: "1" } */
  readonly dashboardLabels?: Readonly<Record<string, string>>;
  /** Annotations of the dashboards, for instance the sidecar's folder.
   * @default {} */
  readonly dashboardAnnotations?: Readonly<Record<string, string>>;
}

/** Everything the operator's objects are made of. */
export interface OperatorInput {
  /** The bus. */
  readonly facts: BusFacts;
  /** Choices about rules and boards. */
  readonly options: ResolvedMonitoringOptions;
  /** Receivers; without them no AlertmanagerConfig is made. */
  readonly routing: AlertRouting | undefined;
  /** Where the objects go. */
  readonly operator: OperatorOptions;
}

/**
 * PodMonitors or ServiceMonitors, PrometheusRules, one AlertmanagerConfig, and a ConfigMap or GrafanaDashboard a board.
 * @throws ERR_CONFIG_VALUE when a receiver's secret is a file, which an AlertmanagerConfig cannot refer to
 */
export function planOperatorObjects({ facts, options, routing, operator }: OperatorInput): Manifest[] {
  // The operator routes an AlertmanagerConfig only alerts of its own namespace, and aggregations lose that label.
  const withNamespace = { ...options, alertLabels: { ...options.alertLabels, namespace: operator.namespace } };
  const boards = planBoards(facts, options).map((board) => boardObject(board, facts, operator));
  const monitorKind = operator.scrapeBy === "services" ? "ServiceMonitor" : "PodMonitor";
  const object = (group: string, kind: string, name: string, spec: Manifest["spec"] = {}): Manifest => ({
    apiVersion: `monitoring.coreos.com/${group}`,
    kind,
    metadata: metadataOf(facts, operator, name),
    spec,
  });
  return [
    object("v1", monitorKind, "servers", monitorSpec(facts, operator, EXPORTER_JOB)),
    ...(operator.probeLabels === undefined ? [] : [object("v1", monitorKind, "probe", monitorSpec(facts, operator, PROBE_JOB))]),
    ...ruleFiles(planRules(facts, withNamespace)).map((groups, index) =>
      object("v1", "PrometheusRule", `rules-${index + 1}`, { ...ruleGroupsConfig(groups) }),
    ),
    ...(routing === undefined ? [] : [object("v1alpha1", "AlertmanagerConfig", "alerts", alertmanagerConfigSpec(planAlerting(routing)))]),
    ...boards,
  ];
}

function boardObject(board: Board, facts: BusFacts, operator: OperatorOptions): Manifest {
  const json = `${JSON.stringify(boardJson(board), null, 2)}\n`;
  const metadata = dashboardMetadata(facts, operator, board.name);
  if (operator.grafanaInstances === undefined)
    return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { [`${board.uid}.json`]: json } };
  const spec = { instanceSelector: { matchLabels: operator.grafanaInstances }, folder: "NATS", allowCrossNamespaceImport: true, json };
  return { apiVersion: "grafana.integreatly.org/v1beta1", kind: "GrafanaDashboard", metadata, spec };
}

/** Groups spread over objects, each small enough for the operator. */
function ruleFiles(groups: readonly RuleGroup[]): RuleGroup[][] {
  const files: RuleGroup[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const group of groups) {
    const length = JSON.stringify(group).length;
    if (size + length > LARGEST_RULE_FILE) {
      files.push([]);
      size = 0;
    }
    files.at(-1)?.push(group);
    size += length;
  }
  return files;
}

function metadataOf(facts: BusFacts, { namespace, labels }: OperatorOptions, name: string): Manifest["metadata"] {
  return {
    name: `${facts.cluster.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-${name}`,
    namespace,
    labels: { "app.kubernetes.io/managed-by": "natsbus", "app.kubernetes.io/part-of": facts.cluster, ...labels },
  };
}

function dashboardMetadata(facts: BusFacts, operator: OperatorOptions, board: string): Manifest["metadata"] {
  const metadata = metadataOf(facts, operator, `board-${board}`);
  return {
    ...metadata,
    labels: { ...metadata.labels, ...(operator.dashboardLabels ?? { grafana_dashboard: "1" }) },
    ...(operator.dashboardAnnotations === undefined ? {} : { annotations: operator.dashboardAnnotations }),
  };
}

function monitorSpec(facts: BusFacts, operator: OperatorOptions, job: string): Record<string, unknown> {
  const interval = operator.scrapeSeconds ?? 15;
  const isExporter = job === EXPORTER_JOB;
  return {
    selector: { matchLabels: isExporter ? operator.podLabels : (operator.probeLabels ?? {}) },
    sampleLimit: 50_000,
    [operator.scrapeBy === "services" ? "endpoints" : "podMetricsEndpoints"]: [
      {
        port: operator.port ?? "prom-metrics",
        interval: `${interval}s`,
        scrapeTimeout: `${Math.min(10, interval)}s`,
        relabelings: [
          { action: "replace", targetLabel: "job", replacement: job },
          { action: "replace", targetLabel: "nats_cluster", replacement: facts.cluster },
        ],
        ...(isExporter ? { metricRelabelings: metricRelabeling(facts, operator.consumers ?? "all") } : {}),
      },
    ],
  };
}
