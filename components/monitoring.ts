/** What a bus's monitoring is made from: the facts of the declared bus, the user's choices, and who can be asked where. Pure. */
import { BUS_ACCOUNT } from "../accounts/catalog.ts";
import type { MonitoringSpec } from "../core/monitoring-spec.ts";
import { planNodes } from "../core/topology.ts";
import type { BusFacts, ConsumerFacts, StreamFacts } from "../observability/facts.ts";
import type { MonitoringChoices } from "../observability/writers/files.ts";
import type { ScrapeTarget } from "../observability/writers/prometheus.ts";
import type { ConsumerSpec } from "../streams/consumer-fields.ts";
import type { StreamSpec } from "../streams/fields.ts";
import { isCanaryWanted } from "./monitoring-catalogue.ts";
import type { ResolvedBus } from "./resolved-bus.ts";

const ADVISORIES = "$JS.EVENT.ADVISORY.";

/**
 * The bus as rules and dashboards see it: expected counts and limits come from what is declared.
 * @param account account that the streams live in, by the name its servers show
 */
export function monitoringFacts(
  { spec, streams, accounts }: ResolvedBus,
  account = spec.auth.mode === "none" ? "$G" : BUS_ACCOUNT,
): BusFacts {
  const consumers = streams.consumers.map(({ spec: consumer }) => consumer);
  const declared = [...streams.streams, ...streams.keyValue, ...streams.objectStores];
  const memoryBytes = spec.target === "kubernetes" ? spec.kubernetes.resources.memoryBytes : spec.limits.memoryBytes;
  return {
    cluster: spec.cluster.name,
    servers: spec.cluster.servers,
    tls: spec.tls.clients,
    ...(memoryBytes === undefined ? {} : { memoryLimitBytes: memoryBytes }),
    accountStorageLimits: accounts.some(({ limits }) => (limits.jetstream?.storageBytes ?? 0) > 0),
    // Without accounts everything lives in the servers' own global one.
    streams: declared.map(({ spec: stream }) => streamFacts(stream, consumers, { account, monitoring: spec.monitoring })),
  };
}

/** What the stack file says about rules, boards and routes. */
export function monitoringChoices({ spec }: ResolvedBus): MonitoringChoices {
  const { monitoring } = spec;
  const { certificateWarningMs, certificateCriticalMs, ...shares } = monitoring.thresholds;
  const seconds = Math.max(1, Math.round(monitoring.scrapeIntervalMs / 1000));
  return {
    slo: {
      availability: monitoring.slo.availability,
      latencySeconds: monitoring.slo.latencyMs / 1000,
      latencyShare: monitoring.slo.latencyShare,
    },
    thresholds: {
      ...shares,
      certificateWarningSeconds: certificateWarningMs / 1000,
      certificateCriticalSeconds: certificateCriticalMs / 1000,
    },
    evaluationSeconds: seconds,
    canary: isCanaryWanted(spec),
    scrape: { scrapeSeconds: seconds, consumers: monitoring.consumerSeries },
    runbookUrl: monitoring.runbookUrl,
    grafanaUrl: monitoring.grafanaUrl,
    alertLabels: monitoring.alertLabels,
    ...(monitoring.alerting.receivers.length === 0 ? {} : { alerting: monitoring.alerting }),
  };
}

/** The exporters of the servers on this machine: one a server, on consecutive ports from `firstPort`. */
export function localExporters({ spec }: ResolvedBus, firstPort: number): ScrapeTarget[] {
  return planNodes(spec).map(({ name }, index) => ({ name, address: `127.0.0.1:${firstPort + index}` }));
}

interface StreamContext {
  readonly account: string;
  readonly monitoring: MonitoringSpec;
}

function streamFacts(stream: StreamSpec, consumers: readonly ConsumerSpec[], { account, monitoring }: StreamContext): StreamFacts {
  const watch = monitoring.streams[stream.name];
  return {
    account,
    name: stream.name,
    replicas: stream.replicas,
    refusesWhenFull: stream.discard === "new" || stream.retention === "workqueue",
    mirror: stream.mirror !== undefined,
    sources: stream.sources.length > 0,
    advisories: stream.subjects.some((subject) => subject.startsWith(ADVISORIES)),
    ...(watch === undefined ? {} : { expectTraffic: watch.expectTraffic }),
    ...(watch?.team === undefined ? {} : { team: watch.team }),
    consumers: consumers
      .filter((consumer) => consumer.stream === stream.name)
      .map((consumer) => consumerFacts(consumer, watch?.backlogLimits[consumer.name])),
  };
}

function consumerFacts({ name, ackPolicy, maxAckPending }: ConsumerSpec, backlogLimit: number | undefined): ConsumerFacts {
  return {
    name,
    ...(ackPolicy === "none" || maxAckPending <= 0 ? {} : { maxAckPending }),
    ...(backlogLimit === undefined ? {} : { backlogLimit }),
  };
}
