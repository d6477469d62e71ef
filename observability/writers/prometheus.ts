/** Prometheus's own configuration: what is scraped, which rules run, who is told. */
import type { BusFacts } from "../facts.ts";
import { type ConsumerSelection, metricRelabeling, type RelabelStep } from "../relabeling.ts";
import { EXPORTER_JOB, PROBE_JOB } from "../scrape-contract.ts";

/** A process that serves metrics. */
export interface ScrapeTarget {
  /** `host:port`. */
  readonly address: string;
  /** Path of the metrics.
   * @default "/metrics" */
  readonly path?: string;
  /** Name shown as label `instance`; needed when several targets share an address and differ in their path.
   * @default - the address */
  readonly name?: string;
}

/** Choices about scraping. */
export interface ScrapeOptions {
  /** Exporters, one a server (or the probe, where it serves the exporters' names).
   * @default [] - the target files are written by somebody else */
  readonly exporters?: readonly ScrapeTarget[];
  /** Probes.
   * @default [] */
  readonly probes?: readonly ScrapeTarget[];
  /** Alertmanagers, `host:port`.
   * @default [] */
  readonly alertmanagers?: readonly string[];
  /** Time between scrapes, in seconds; 15 to 30 spares the servers.
   * @default 15 */
  readonly scrapeSeconds?: number;
  /** Which consumers keep their series.
   * @default "all" */
  readonly consumers?: ConsumerSelection;
  /** Largest number of series one scrape may bring before it is refused whole.
   * @default 50000 */
  readonly sampleLimit?: number;
}

/** `prometheus.yml` as a plain object; paths in it are relative to its folder. */
export function prometheusConfig(facts: BusFacts, scrape: ScrapeOptions, probe: boolean): Record<string, unknown> {
  const interval = scrape.scrapeSeconds ?? 15;
  const common = {
    scrape_interval: `${interval}s`,
    scrape_timeout: `${Math.min(10, interval)}s`,
    sample_limit: scrape.sampleLimit ?? 50_000,
  };
  return {
    global: { scrape_interval: `${interval}s`, evaluation_interval: `${interval}s` },
    rule_files: ["rules.yml"],
    ...(scrape.alertmanagers === undefined
      ? {}
      : { alerting: { alertmanagers: [{ static_configs: [{ targets: scrape.alertmanagers }] }] } }),
    scrape_configs: [
      {
        job_name: EXPORTER_JOB,
        ...common,
        file_sd_configs: [{ files: ["targets/nats.yml"] }],
        metric_relabel_configs: metricRelabeling(facts, scrape.consumers ?? "all").map(relabelConfig),
      },
      ...(probe ? [{ job_name: PROBE_JOB, ...common, file_sd_configs: [{ files: ["targets/probe.yml"] }] }] : []),
    ],
  };
}

/** A file of targets; every one carries the label that names the bus. */
export function targetsConfig(facts: BusFacts, targets: readonly ScrapeTarget[]): Record<string, unknown>[] {
  return targets.map(({ address, path, name }) => ({
    targets: [address],
    labels: {
      nats_cluster: facts.cluster,
      ...(path === undefined ? {} : { __metrics_path__: path }),
      ...(name === undefined ? {} : { instance: name }),
    },
  }));
}

function relabelConfig({ action, sourceLabels, regex, targetLabel, replacement }: RelabelStep): Record<string, unknown> {
  return {
    action,
    ...(sourceLabels === undefined ? {} : { source_labels: sourceLabels }),
    regex,
    ...(targetLabel === undefined ? {} : { target_label: targetLabel }),
    ...(replacement === undefined ? {} : { replacement }),
  };
}
