/** What a bus's monitoring is made from: the facts of the declared bus, and who can be asked where. Pure. */
import { BUS_ACCOUNT } from "../accounts/catalog.ts";
import { planNodes } from "../core/topology.ts";
import type { BusFacts, ConsumerFacts, StreamFacts } from "../observability/facts.ts";
import type { ScrapeTarget } from "../observability/writers/prometheus.ts";
import type { ConsumerSpec } from "../streams/consumer-fields.ts";
import type { StreamSpec } from "../streams/fields.ts";
import type { ResolvedBus } from "./resolve.ts";

const ADVISORIES = "$JS.EVENT.ADVISORY.";

/** The bus as rules and dashboards see it: expected counts and limits come from what is declared. */
export function monitoringFacts({ spec, streams, accounts }: ResolvedBus): BusFacts {
  const consumers = streams.consumers.map(({ spec: consumer }) => consumer);
  const declared = [...streams.streams, ...streams.keyValue, ...streams.objectStores];
  const { memoryBytes } = spec.limits;
  return {
    cluster: spec.cluster.name,
    servers: spec.cluster.servers,
    tls: spec.tls.clients,
    ...(memoryBytes === undefined ? {} : { memoryLimitBytes: memoryBytes }),
    accountStorageLimits: accounts.some(({ limits }) => (limits.jetstream?.storageBytes ?? 0) > 0),
    streams: declared.map(({ spec: stream }) => streamFacts(stream, consumers)),
  };
}

/** The exporters of the servers on this machine: one a server, on consecutive ports from `firstPort`. */
export function localExporters({ spec }: ResolvedBus, firstPort: number): ScrapeTarget[] {
  return planNodes(spec).map(({ name }, index) => ({ name, address: `127.0.0.1:${firstPort + index}` }));
}

function streamFacts(stream: StreamSpec, consumers: readonly ConsumerSpec[]): StreamFacts {
  return {
    account: BUS_ACCOUNT,
    name: stream.name,
    replicas: stream.replicas,
    refusesWhenFull: stream.discard === "new" || stream.retention === "workqueue",
    mirror: stream.mirror !== undefined,
    sources: stream.sources.length > 0,
    advisories: stream.subjects.some((subject) => subject.startsWith(ADVISORIES)),
    consumers: consumers.filter((consumer) => consumer.stream === stream.name).map(consumerFacts),
  };
}

function consumerFacts({ name, ackPolicy, maxAckPending }: ConsumerSpec): ConsumerFacts {
  return ackPolicy === "none" || maxAckPending <= 0 ? { name } : { name, maxAckPending };
}
