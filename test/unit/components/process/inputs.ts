import type { ClusterInputs } from "../../../../components/process/cluster-spec.ts";
import type { NodeSpec } from "../../../../core/topology.ts";

/** Nodes with ports from 4222, 8222 and 6222 upward. */
export function nodesOf(count: number): NodeSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    host: "127.0.0.1",
    monitorHost: "127.0.0.1",
    ports: { client: 4222 + index, monitor: 8222 + index, route: 6222 + index },
    clientUrl: `tls://127.0.0.1:${4222 + index}`,
    routeUrl: `nats-route://127.0.0.1:${6222 + index}`,
    monitorUrl: `http://127.0.0.1:${8222 + index}`,
    directory: `.natsbus/dev/n${index + 1}`,
  }));
}

/** Three servers in operator mode; keys and tokens are placeholders. */
export const CLUSTER_INPUTS: ClusterInputs = {
  version: "2.15.2",
  nodes: nodesOf(3),
  settings: {
    cluster: { name: "test" },
    jetstream: { maxMemoryBytes: 100, maxStorageBytes: 1000 },
    limits: {
      maxConnections: 10,
      maxPayloadBytes: 1000,
      maxPendingBytes: 1000,
      pingIntervalMs: 1000,
      maxPingsOut: 2,
      writeDeadlineMs: 1000,
    },
    logging: { level: "info", maxFileSizeBytes: 1000, keepFiles: 1 },
    lameDuck: { durationMs: 30_000, gracePeriodMs: 1_000 },
    tls: { clients: true, handshakeFirst: false },
    process: { monitorTls: false },
    serverConfig: {},
  },
  identity: { kind: "operator", operatorJwt: "OPERATOR", systemAccount: "ASYS", systemAccountJwt: "SYSTEM", resolverIntervalMs: 15_000 },
  authority: "AUTHORITY",
  certificates: { n1: "CERTIFICATE 1", n2: "CERTIFICATE 2", n3: "CERTIFICATE 3" },
  keys: { n1: "KEY 1", n2: "KEY 2", n3: "KEY 3" },
};
