import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOperator } from "../../accounts/identity.ts";
import type { ClusterInputs } from "../../components/process/cluster-spec.ts";
import { removeLeftovers } from "../../components/process/remove.ts";
import { serverHosts } from "../../components/tls/hosts.ts";
import { issueAuthority, issueServers, planAuthority, planServers } from "../../components/tls/issue.ts";
import type { NodeSpec } from "../../core/topology.ts";
import { testServerBinary } from "./cluster.ts";
import { findFreePorts } from "./free-ports.ts";

const DAY_MS = 86_400_000;

/** A runtime folder and inputs of a cluster on this machine; ends and removes whatever was started there when disposed. */
export interface ProcessCluster extends AsyncDisposable {
  /** Runtime folder, absolute. */
  readonly directory: string;
  /** TLS everywhere, operator accounts, small limits. */
  readonly inputs: ClusterInputs;
  /** Credentials of the system account. */
  readonly systemCredentials: string;
  /** Seed that signs accounts. */
  readonly operatorSeed: string;
}

/** Prepares a cluster of the process target on free ports; starts nothing. */
export async function prepareProcessCluster(options: { readonly servers?: number } = {}): Promise<ProcessCluster> {
  const servers = options.servers ?? 3;
  const directory = join(await mkdtemp(join(tmpdir(), "natsbus-process-")), "run");
  const nodes = await planTestNodes(directory, servers);
  const operator = createOperator({ name: "test", systemAccount: "SYS", systemRoles: [] }, new Date());
  return {
    directory,
    inputs: {
      version: "2.15.2",
      binary: testServerBinary(),
      nodes,
      settings: testSettings(),
      identity: {
        kind: "operator",
        operatorJwt: operator.token,
        systemAccount: operator.systemPublicKey,
        systemAccountJwt: operator.systemToken,
        resolverIntervalMs: 15_000,
      },
      ...testCertificates(nodes),
    },
    systemCredentials: operator.systemCredentials,
    operatorSeed: operator.signingSeed,
    [Symbol.asyncDispose]: async () => {
      await removeLeftovers(directory);
      await rm(join(directory, ".."), { recursive: true, force: true });
    },
  };
}

/** Certificates for nodes from a new authority. */
export function testCertificates(nodes: readonly NodeSpec[]): Pick<ClusterInputs, "authority" | "certificates" | "keys"> {
  const now = new Date();
  const authority = issueAuthority(
    undefined,
    planAuthority(undefined, { name: "test", validityMs: 30 * DAY_MS, renewBeforeMs: DAY_MS }, now),
  );
  const hosts = nodes.map((node) => [node.name, serverHosts({ node: node.name, address: node.host, extra: [] })] as const);
  const wanted = { authority, nodes: Object.fromEntries(hosts), validityMs: 20 * DAY_MS, renewBeforeMs: DAY_MS };
  const { certificates, keys } = issueServers(undefined, planServers(undefined, wanted, now));
  return { authority: authority.bundle, certificates, keys };
}

async function planTestNodes(directory: string, servers: number): Promise<NodeSpec[]> {
  const first = await findFreePorts(servers * 3);
  return Array.from({ length: servers }, (_, index) => {
    const ports = { client: first + index * 3, monitor: first + index * 3 + 1, route: first + index * 3 + 2 };
    return {
      name: `n${index + 1}`,
      host: "127.0.0.1",
      monitorHost: "127.0.0.1",
      ports,
      clientUrl: `tls://127.0.0.1:${ports.client}`,
      routeUrl: `nats-route://127.0.0.1:${ports.route}`,
      monitorUrl: `http://127.0.0.1:${ports.monitor}`,
      directory: join(directory, `n${index + 1}`),
    };
  });
}

function testSettings(): ClusterInputs["settings"] {
  return {
    cluster: { name: "test" },
    jetstream: { maxMemoryBytes: 64 * 1024 * 1024, maxStorageBytes: 256 * 1024 * 1024 },
    limits: {
      maxConnections: 1000,
      maxPayloadBytes: 1024 * 1024,
      maxPendingBytes: 64 * 1024 * 1024,
      pingIntervalMs: 120_000,
      maxPingsOut: 2,
      writeDeadlineMs: 10_000,
    },
    logging: { level: "debug", maxFileSizeBytes: 8 * 1024 * 1024, keepFiles: 2 },
    lameDuck: { durationMs: 30_000, gracePeriodMs: 500 },
    tls: { clients: true, handshakeFirst: false },
    process: { monitorTls: false },
    serverConfig: {},
  };
}
