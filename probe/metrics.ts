/** The probe's own page of metrics. */
import type { Registry as PromRegistry } from "prom-client";
import type { ProbeServer } from "../observability/probe-config.ts";
import { PROBE_METRICS } from "../observability/scrape-contract.ts";
import type { PublishListener } from "./canary.ts";
import { Counter, Histogram, Registry } from "./prometheus-client.ts";
import { renderSamples, type Sample } from "./sample.ts";

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const RESULTS = ["ok", "timeout", "error"] as const;

/** Metrics of one probe. */
export interface ProbeMetrics {
  /** Text of the page in parts, with gauges as they are at this moment. */
  readonly render: () => Promise<readonly string[]>;
  /** Content type of the page. */
  readonly contentType: string;
  /** Counts a publish of the canary. */
  readonly onPublish: PublishListener;
}

/** What the metrics are made from. */
export interface ProbeMetricsArgs {
  /** The servers the canary publishes through; empty when there is no canary. */
  readonly canaryServers: readonly ProbeServer[];
  /** Time within which an acknowledgement counts as fast, in seconds. */
  readonly latencySeconds: number;
  /** The gauges now. */
  readonly samples: () => readonly Sample[];
}

/** Makes the metrics in a registry of their own. */
export function createProbeMetrics({ canaryServers, latencySeconds, samples }: ProbeMetricsArgs): ProbeMetrics {
  const registry = new Registry();
  const onPublish = canaryServers.length === 0 ? () => undefined : canaryMetrics(registry, canaryServers, latencySeconds);
  // Gauges are made from what is seen at the moment: a server that is gone leaves no values behind, and nothing is kept between scrapes.
  const render = async () => [await registry.metrics(), ...renderSamples(samples(), helpOf)];
  return { render, contentType: registry.contentType, onPublish };
}

function helpOf(metric: string): string {
  return PROBE_METRICS.find(({ name }) => name === metric)?.help ?? "";
}

function canaryMetrics(registry: PromRegistry, servers: readonly ProbeServer[], latencySeconds: number): PublishListener {
  const total = new Counter({
    name: "nats_client_publish_total",
    help: helpOf("nats_client_publish_total"),
    labelNames: ["server_id", "result"],
    registers: [registry],
  });
  const duration = new Histogram({
    name: "nats_client_publish_duration_seconds",
    help: helpOf("nats_client_publish_duration_seconds"),
    labelNames: ["server_id"],
    buckets: [...new Set([...BUCKETS, latencySeconds])].sort((a, b) => a - b),
    registers: [registry],
  });
  for (const { name } of servers) {
    duration.zero({ server_id: name });
    // A ratio of series that do not exist has no value.
    for (const result of RESULTS) total.inc({ server_id: name, result }, 0);
  }
  return (server, result, seconds) => {
    total.inc({ server_id: server, result });
    if (result === "ok") duration.observe({ server_id: server }, seconds);
  };
}
