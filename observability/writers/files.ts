/** All of a bus's monitoring as files: for Prometheus, Alertmanager and Grafana on hosts and in containers, or as manifests for the Prometheus Operator. */
import { planBoards } from "../dashboards/plan.ts";
import type { BusFacts } from "../facts.ts";
import { type MonitoringOptions, resolveMonitoringOptions } from "../options.ts";
import { planAlerting } from "../routes.ts";
import type { AlertRouting } from "../routing-options.ts";
import { planRules } from "../rules/plan.ts";
import { alertmanagerConfig } from "./alerting.ts";
import { boardJson } from "./grafana.ts";
import { type Manifest, type OperatorOptions, planOperatorObjects } from "./operator.ts";
import { prometheusConfig, type ScrapeOptions, targetsConfig } from "./prometheus.ts";
import { ruleGroupsConfig } from "./rule-groups.ts";
import { renderYaml } from "./yaml.ts";

/** A file to be written. */
export interface RenderedFile {
  /** Path relative to the monitoring folder, with `/`. */
  readonly path: string;
  /** Whole content, ending in a line feed. */
  readonly content: string;
}

/** Choices about all of the monitoring. */
export interface RenderMonitoringOptions extends MonitoringOptions {
  /** Who is told of alerts.
   * @default - nobody; Alertmanager shows them and sends nothing */
  readonly alerting?: AlertRouting;
  /** What is scraped, where plain files are written.
   * @default {} */
  readonly scrape?: ScrapeOptions;
  /** Writes manifests for the Prometheus Operator instead of plain files.
   * @default - plain files */
  readonly operator?: OperatorOptions;
  /** Folder in which Grafana finds the dashboards.
   * @default "/var/lib/grafana/dashboards/natsbus" */
  readonly grafanaFolder?: string;
  /** Address at which Grafana reaches Prometheus.
   * @default "http://127.0.0.1:9090" */
  readonly prometheusUrl?: string;
}

/** {@link RenderMonitoringOptions} where plain files are written. */
export type MonitoringChoices = Omit<RenderMonitoringOptions, "operator">;

/**
 * Every file, sorted by path. The same input gives the same bytes.
 * @throws ERR_CONFIG_VALUE when a route names a receiver that does not exist, or a secret has the wrong form for the kind of output
 */
export function renderMonitoringFiles(facts: BusFacts, options: RenderMonitoringOptions = {}): RenderedFile[] {
  const { operator } = options;
  return operator === undefined ? monitoringFiles(facts, options) : manifestFiles(monitoringManifests(facts, { ...options, operator }));
}

/**
 * Plain files for Prometheus, Alertmanager and Grafana on hosts, in containers and as processes, sorted by path.
 * @throws ERR_CONFIG_VALUE when a route names a receiver that does not exist, or a secret is named as a Kubernetes Secret
 */
export function monitoringFiles(facts: BusFacts, options: MonitoringChoices = {}): RenderedFile[] {
  const resolved = resolveMonitoringOptions(options);
  const scrape = options.scrape ?? {};
  return sorted([
    { path: "prometheus/prometheus.yml", content: renderYaml(prometheusConfig(facts, scrape, resolved.probe)) },
    { path: "prometheus/rules.yml", content: renderYaml(ruleGroupsConfig(planRules(facts, resolved))) },
    { path: "prometheus/targets/nats.yml", content: renderYaml(targetsConfig(facts, scrape.exporters ?? [])) },
    ...(resolved.probe ? [{ path: "prometheus/targets/probe.yml", content: renderYaml(targetsConfig(facts, scrape.probes ?? [])) }] : []),
    { path: "alertmanager/alertmanager.yml", content: renderYaml(alertmanagerConfig(planAlerting(options.alerting))) },
    {
      path: "grafana/provisioning/datasources/natsbus.yml",
      content: renderYaml(datasources(options.prometheusUrl ?? "http://127.0.0.1:9090")),
    },
    {
      path: "grafana/provisioning/dashboards/natsbus.yml",
      content: renderYaml(dashboardProviders(options.grafanaFolder ?? "/var/lib/grafana/dashboards/natsbus")),
    },
    ...planBoards(facts, resolved).map((board) => ({
      path: `grafana/dashboards/${board.uid}.json`,
      content: `${JSON.stringify(boardJson(board), null, 2)}\n`,
    })),
  ]);
}

/**
 * Objects of the Prometheus Operator and for Grafana, to be applied by whoever owns the cluster.
 * @throws ERR_CONFIG_VALUE when a route names a receiver that does not exist, or a secret is a file
 */
export function monitoringManifests(facts: BusFacts, options: MonitoringChoices & { readonly operator: OperatorOptions }): Manifest[] {
  const { alerting, operator } = options;
  return planOperatorObjects({ facts, options: resolveMonitoringOptions(options), routing: alerting, operator });
}

/** Manifests as files, sorted by path. */
export function manifestFiles(objects: readonly Manifest[]): RenderedFile[] {
  return sorted(
    objects.map((object) => ({
      path: `manifests/${object.kind.toLowerCase()}-${object.metadata.name}.yml`,
      content: renderYaml(object),
    })),
  );
}

function sorted(files: readonly RenderedFile[]): RenderedFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function datasources(url: string): Record<string, unknown> {
  return {
    apiVersion: 1,
    datasources: [
      {
        name: "natsbus Prometheus",
        uid: "natsbus-prometheus",
        type: "prometheus",
        access: "proxy",
        url,
        isDefault: false,
        editable: false,
      },
    ],
  };
}

function dashboardProviders(path: string): Record<string, unknown> {
  return {
    apiVersion: 1,
    providers: [{ name: "natsbus", folder: "NATS", type: "file", allowUiUpdates: false, disableDeletion: false, options: { path } }],
  };
}
