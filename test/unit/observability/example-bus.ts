/** The bus whose exporters were recorded under test/fixtures/exporter, as monitoring would be told about it. */
import type { BusFacts } from "../../../observability/facts.ts";
import type { MonitoringOptions } from "../../../observability/options.ts";

/** Three servers and every kind of stream and consumer that some rule speaks about. `ADVISORIES` alone is not in the recordings. */
export const EXAMPLE_BUS: BusFacts = {
  cluster: "bus",
  servers: 3,
  tls: true,
  memoryLimitBytes: 512 * 1024 * 1024,
  accountStorageLimits: true,
  streams: [
    {
      account: "APP",
      name: "ORDERS",
      replicas: 3,
      refusesWhenFull: true,
      expectTraffic: true,
      team: "shop",
      consumers: [
        { name: "worker", backlogLimit: 1000, maxAckPending: 1000 },
        { name: "slow", maxAckPending: 10 },
      ],
    },
    { account: "APP", name: "AUDIT", replicas: 3, refusesWhenFull: false, sources: true, consumers: [] },
    { account: "APP", name: "COPY", replicas: 1, refusesWhenFull: false, mirror: true, consumers: [] },
    { account: "APP", name: "SCRATCH", replicas: 1, refusesWhenFull: false, consumers: [] },
    { account: "APP", name: "ADVISORIES", replicas: 3, refusesWhenFull: false, advisories: true, consumers: [] },
  ],
};

/** Only what the recordings hold: no probe ran, and nobody watched disks. */
export const RECORDED_BUS: BusFacts = { ...EXAMPLE_BUS, streams: EXAMPLE_BUS.streams.filter(({ name }) => name !== "ADVISORIES") };

/** Every choice made, so that every rule and panel applies. */
export const EVERY_OPTION: MonitoringOptions = {
  probe: true,
  volumes: { kind: "kubelet", namespace: "nats", claims: "js-.+" },
};

/** A single server with one plain stream: the least there can be. */
export const SMALLEST_BUS: BusFacts = {
  cluster: "single",
  servers: 1,
  tls: false,
  streams: [{ account: "$G", name: "EVENTS", replicas: 1, refusesWhenFull: false, consumers: [] }],
};
