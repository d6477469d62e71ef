/** Any bus, and any choice about its monitoring. */
import fc from "fast-check";
import type { BusFacts, ConsumerFacts, StreamFacts } from "../../../observability/facts.ts";
import type { MonitoringOptions } from "../../../observability/options.ts";

const name = fc.stringMatching(/^[A-Za-z_$-][A-Za-z0-9_$"'-]{0,12}$/);

const consumer: fc.Arbitrary<ConsumerFacts> = fc.record(
  { name, backlogLimit: fc.integer({ min: 1, max: 1e9 }), maxAckPending: fc.integer({ min: 1, max: 1e6 }) },
  { requiredKeys: ["name"] },
);

const stream: fc.Arbitrary<StreamFacts> = fc.record(
  {
    account: name,
    name,
    replicas: fc.constantFrom(1, 3, 5),
    refusesWhenFull: fc.boolean(),
    expectTraffic: fc.boolean(),
    mirror: fc.boolean(),
    sources: fc.boolean(),
    advisories: fc.boolean(),
    team: name,
    consumers: fc.uniqueArray(consumer, { maxLength: 3, selector: (one) => one.name }),
  },
  { requiredKeys: ["account", "name", "replicas", "refusesWhenFull", "consumers"] },
);

/** A bus of one to five servers with any streams. */
export const anyBus: fc.Arbitrary<BusFacts> = fc.record(
  {
    cluster: name,
    servers: fc.integer({ min: 1, max: 5 }),
    tls: fc.boolean(),
    memoryLimitBytes: fc.integer({ min: 1, max: 2 ** 40 }),
    accountStorageLimits: fc.boolean(),
    streams: fc.uniqueArray(stream, { maxLength: 5, selector: (one) => `${one.account} ${one.name}` }),
  },
  { requiredKeys: ["cluster", "servers", "tls", "streams"] },
);

/** Any choices. */
export const anyOptions: fc.Arbitrary<MonitoringOptions> = fc.record(
  {
    probe: fc.boolean(),
    volumes: fc.constantFrom<NonNullable<MonitoringOptions["volumes"]>>(
      { kind: "kubelet", namespace: "nats", claims: "js-.+" },
      { kind: "node", mountpoint: "/var/lib/nats" },
    ),
    alertLabels: fc.constant({ namespace: "nats" }),
  },
  { requiredKeys: [] },
);
