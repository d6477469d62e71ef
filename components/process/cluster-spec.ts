/** What the `Cluster` resource of the process target takes and gives: plain data, as it stands in the state. */
import type { BusSpec, ProcessSpec } from "../../core/bus-spec.ts";
import type { NodeSpec } from "../../core/topology.ts";
import { type ServerIdentity, type ServerSettings, serverSettings } from "../server-plan.ts";

/** What the servers on this machine are told. */
export type ProcessSettings = ServerSettings & { readonly process: Pick<ProcessSpec, "monitorTls"> };

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
  readonly settings: ProcessSettings;
  /** Who may connect. */
  readonly identity: ServerIdentity;
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
  const { cluster, process } = spec;
  return {
    version: cluster.version,
    ...(process.binary === undefined ? {} : { binary: process.binary }),
    nodes,
    settings: { ...serverSettings(spec), process: { monitorTls: process.monitorTls } },
  };
}
