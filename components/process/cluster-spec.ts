/** What the `Cluster` resource of the process target takes and gives: plain data, as it stands in the state. */
import type { BusSpec, ClusterSpec, ProcessSpec } from "../../core/bus-spec.ts";
import type { TlsSpec } from "../../core/security-spec.ts";
import type { AccountsConfigSpec } from "../../core/server-identity-spec.ts";
import type { NodeSpec } from "../../core/topology.ts";

/** An operator's accounts: the servers start with the system account and learn the others from each other. */
interface OperatorIdentity {
  /** Tells the modes apart. */
  readonly kind: "operator";
  /** Operator JWT. */
  readonly operatorJwt: string;
  /** Public key of the system account. */
  readonly systemAccount: string;
  /** System account JWT. */
  readonly systemAccountJwt: string;
  /** How often servers compare their accounts, in milliseconds. */
  readonly resolverIntervalMs: number;
}

/** Who may connect to the servers. */
export type ClusterIdentity = OperatorIdentity | AccountsConfigSpec | { readonly kind: "none" };

/** The part of a bus that its servers are told. Other changes of the bus must not touch them. */
export type ServerSettings = Pick<BusSpec, "jetstream" | "logging" | "limits" | "lameDuck" | "serverConfig"> & {
  readonly cluster: Pick<ClusterSpec, "name">;
  readonly process: Pick<ProcessSpec, "monitorTls">;
  readonly tls: Pick<TlsSpec, "clients" | "handshakeFirst">;
};

/** All servers of one bus on this machine. */
export interface ClusterInputs {
  /** nats-server version wanted, `major.minor.patch`. */
  readonly version: string;
  /** nats-server binary to run.
   * @default - found or fetched */
  readonly binary?: string;
  /** The servers, first to last. Their folders are relative to the project. More may be added, none taken away. */
  readonly nodes: readonly NodeSpec[];
  /** What the servers are told, the cluster name among it, which never changes. */
  readonly settings: ServerSettings;
  /** Who may connect. */
  readonly identity: ClusterIdentity;
  /** Certificate authorities, a PEM bundle. */
  readonly authority: string;
  /** Map keyed by server name: its certificate chain for clients and routes alike, PEM. */
  readonly certificates: Readonly<Record<string, string>>;
  /** Map keyed by server name: its private key, PEM. A secret. */
  readonly keys: Readonly<Record<string, string>>;
}

/** What the resource gives on top of what it takes. */
export interface ClusterResults {
  /** Client URLs of all servers. */
  readonly urls: readonly string[];
  /** Monitor URLs of all servers. */
  readonly monitorUrls: readonly string[];
  /** Digest of the configuration in force by server name, as the server computes it. */
  readonly digests: Readonly<Record<string, string>>;
  /** Names of the servers that run. */
  readonly running: readonly string[];
  /** nats-server version that runs; of the wanted minor version, not always the same patch. */
  readonly serverVersion: string;
}

/** Everything in the state. */
export type ClusterOutputs = ClusterInputs & ClusterResults;

/** The inputs that a bus and its nodes decide; `identity`, `authority`, `certificates` and `keys` come from other resources. */
export type ClusterSettings = Pick<ClusterInputs, "version" | "binary" | "nodes" | "settings">;

/** The settings of `spec` for its servers on this machine. */
export function resolveClusterSettings(spec: BusSpec, nodes: readonly NodeSpec[]): ClusterSettings {
  const { jetstream, logging, limits, lameDuck, serverConfig, cluster, tls, process } = spec;
  return {
    version: cluster.version,
    ...(process.binary === undefined ? {} : { binary: process.binary }),
    nodes,
    settings: {
      cluster: { name: cluster.name },
      jetstream,
      limits,
      logging,
      lameDuck,
      tls: { clients: tls.clients, handshakeFirst: tls.handshakeFirst },
      process: { monitorTls: process.monitorTls },
      serverConfig,
    },
  };
}
