/** Offers what clients count to a registry of prom-client, read at each scrape. */
import type { Metric, Registry } from "prom-client";
import type { LatencyHistogram } from "./histogram.ts";
import type { ClientMetrics, MetricsSnapshot } from "./metrics.ts";
import type { Middleware } from "./middleware.ts";

/** Where a client's metrics go. */
export interface PrometheusArgs {
  /** Registry of prom-client to add the metrics to. Several clients may share one; each is told apart by its name in the label `client`. */
  readonly registry: Registry;
  /** Beginning of every name.
   * @default "natsbus_client_" */
  readonly prefix?: string;
}

/** What is read of a client at a scrape. */
export interface ScrapedClient {
  readonly name: string;
  readonly metrics: ClientMetrics;
  readonly snapshot: () => MetricsSnapshot;
}

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly metricName?: string;
}

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: (client: ScrapedClient, name: string) => readonly Sample[];
}

// In seconds; the histogram behind them is finer.
const BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const plain = (type: "counter" | "gauge", name: string, help: string, read: (all: MetricsSnapshot) => number): Family => {
  return { name, type, help, samples: ({ snapshot }) => [{ value: read(snapshot()), labels: {} }] };
};
const latency = (name: string, help: string, read: (metrics: ClientMetrics) => LatencyHistogram): Family => {
  return { name, type: "histogram", help, samples: ({ metrics }, full) => histogramSamples(read(metrics), full) };
};

const FAMILIES: readonly Family[] = [
  plain("counter", "reconnects_total", "Connections made again after a loss", (all) => all.connection.reconnects),
  plain("counter", "disconnects_total", "Connections lost", (all) => all.connection.disconnects),
  plain("counter", "server_errors_total", "Errors told by a server", (all) => all.connection.serverErrors),
  plain("counter", "received_bytes_total", "Bytes received on the connection", (all) => all.connection.inBytes),
  plain("counter", "sent_bytes_total", "Bytes sent on the connection", (all) => all.connection.outBytes),
  plain("counter", "published_total", "Messages confirmed by a stream", (all) => all.publish.confirmed),
  plain("counter", "published_duplicates_total", "Messages confirmed that the stream held already", (all) => all.publish.duplicates),
  plain("counter", "publish_failures_total", "Messages not confirmed", (all) => all.publish.failed),
  plain("counter", "publish_retries_total", "Attempts to publish beyond the first", (all) => all.publish.retries),
  plain("gauge", "publish_in_flight", "Messages sent and not confirmed yet", (all) => all.publish.inFlight),
  plain("gauge", "publish_queued", "Messages that wait for room in the window", (all) => all.publish.queued),
  latency("publish_seconds", "From the call until the acknowledgement", (metrics) => metrics.publishLatency),
  plain("counter", "consumed_total", "Messages received from consumers", (all) => all.consume.received),
  plain("counter", "acknowledged_total", "Messages acknowledged", (all) => all.consume.acknowledged),
  plain("counter", "consume_retries_total", "Messages given back or tried again", (all) => all.consume.retried),
  plain("counter", "skipped_total", "Messages acknowledged without a handler", (all) => all.consume.skipped),
  plain("counter", "dead_letters_total", "Messages put with the dead letters", (all) => all.consume.deadLettered),
  plain("counter", "dead_letter_failures_total", "Dead letters that could not be stored", (all) => all.consume.deadLetterFailures),
  plain("counter", "pull_errors_total", "Pulls that failed and were made again", (all) => all.consume.pullErrors),
  plain("gauge", "consume_buffered", "Messages that wait for a handler", (all) => all.consume.buffered),
  plain("gauge", "consume_running", "Messages in handlers", (all) => all.consume.running),
  latency("handling_seconds", "Time in handlers", (metrics) => metrics.handling),
  latency("lag_seconds", "From the server's time of storing until the handler begins", (metrics) => metrics.lag),
  latency("request_seconds", "From a request until its answer", (metrics) => metrics.requestLatency),
  latency("serving_seconds", "From a request's arrival until its answer was sent", (metrics) => metrics.serving),
  {
    ...{ name: "rejected_total", type: "counter", help: "Messages no handler could finish, by reason" },
    samples: ({ snapshot }) => Object.entries(snapshot().consume.rejected).map(([reason, value]) => ({ value, labels: { reason } })),
  },
  {
    ...{ name: "messages_total", type: "counter", help: "Messages by kind, pattern of the subject and outcome" },
    samples: ({ metrics }) => [...metrics.outcomes.values()].map(({ count, ...labels }) => ({ value: count, labels })),
  },
];

const exporters = new WeakMap<Registry, Map<string, Set<ScrapedClient>>>();

/** Adds a client to a registry; the returned function takes it out again. */
export function exposeMetrics({ registry, prefix = "natsbus_client_" }: PrometheusArgs, client: ScrapedClient): () => void {
  const prefixes = exporters.get(registry) ?? new Map<string, Set<ScrapedClient>>();
  exporters.set(registry, prefixes);
  const clients = prefixes.get(prefix) ?? new Set<ScrapedClient>();
  if (clients.size === 0) for (const family of FAMILIES) registry.registerMetric(collector(family, prefix, clients));
  prefixes.set(prefix, clients.add(client));
  return () => {
    if (!clients.delete(client) || clients.size > 0) return;
    for (const { name } of FAMILIES) registry.removeSingleMetric(`${prefix}${name}`);
  };
}

/** Counts messages by kind, pattern and outcome. */
export function countOutcomes(metrics: ClientMetrics): Middleware {
  return async ({ kind, pattern }, next) => {
    try {
      const result = await next();
      metrics.countOutcome(kind, pattern, "ok");
      return result;
    } catch (error) {
      metrics.countOutcome(kind, pattern, "failed");
      throw error;
    }
  };
}

/** What a registry asks of a metric; prom-client itself is not needed for it. */
function collector({ name, type, help, samples }: Family, prefix: string, clients: ReadonlySet<ScrapedClient>): Metric {
  const full = `${prefix}${name}`;
  const get = async () => ({ ...{ name: full, type, help, aggregator: "sum" }, values: [...clients].flatMap(labelled) });
  const labelled = (client: ScrapedClient) =>
    samples(client, full).map((sample) => ({ ...sample, labels: { ...sample.labels, client: client.name } }));
  return { name: full, help, type, aggregator: "sum", get, reset: () => undefined } as unknown as Metric;
}

function histogramSamples(histogram: LatencyHistogram, name: string): Sample[] {
  const { count, meanMs } = histogram.snapshot();
  const below = histogram.countsBelow(BOUNDS.map((seconds) => seconds * 1_000));
  const buckets = BOUNDS.map((bound, index) => ({ value: below[index] ?? 0, labels: { le: String(bound) }, metricName: `${name}_bucket` }));
  return [
    ...buckets,
    { value: count, labels: { le: "+Inf" }, metricName: `${name}_bucket` },
    { value: (meanMs * count) / 1_000, labels: {}, metricName: `${name}_sum` },
    { value: count, labels: {}, metricName: `${name}_count` },
  ];
}
