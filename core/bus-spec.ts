/** The whole bus as plain values: what a stack file says, with every default filled in and every unit resolved. */

import type { DockerSpec } from "./docker-spec.ts";
import type { ExistingSpec } from "./existing-spec.ts";
import type { KubernetesSpec } from "./kubernetes-spec.ts";
import type { MonitoringSpec } from "./monitoring-spec.ts";
import type { AuthSpec, TlsSpec } from "./security-spec.ts";
import type { SystemdSpec } from "./systemd-spec.ts";
import type { VerifySpec } from "./verify-spec.ts";

/** Where the servers run. */
export type Target = "process" | "kubernetes" | "docker" | "systemd" | "existing";

/** One bus, complete and checked. */
export interface BusSpec {
  /** Pulumi stack, for instance `dev`. */
  readonly stack: string;
  /** Pulumi project, for instance `natsbus`. */
  readonly project: string;
  /** Where the servers run. */
  readonly target: Target;
  /** The cluster as a whole. */
  readonly cluster: ClusterSpec;
  /** Settings of the `process` target. */
  readonly process: ProcessSpec;
  /** The cluster of the `existing` target; absent: none is named. */
  readonly existing?: ExistingSpec;
  /** Settings of the `kubernetes` target. */
  readonly kubernetes: KubernetesSpec;
  /** Settings of the `docker` target. */
  readonly docker: DockerSpec;
  /** Settings of the `systemd` target. */
  readonly systemd: SystemdSpec;
  /** What each server logs. */
  readonly logging: {
    readonly level: "info" | "debug" | "trace" /** Size at which a log file is rotated. */;
    readonly maxFileSizeBytes: number /** Rotated files kept beside the current one. */;
    readonly keepFiles: number;
  };
  /** JetStream of each server. */
  readonly jetstream: JetStreamSpec;
  /** What happens to a stream or bucket taken out of the program that names no policy of its own. */
  readonly deletionPolicy: "retain" | "delete";
  /** What each server allows its clients and takes for itself. */
  readonly limits: LimitsSpec;
  /** How clients prove who they are. */
  readonly auth: AuthSpec;
  /** Certificates and where they are used. */
  readonly tls: TlsSpec;
  /** How a server leaves: it refuses new clients, waits `gracePeriodMs`, then sends its clients away over `durationMs`. */
  readonly lameDuck: { readonly durationMs: number; readonly gracePeriodMs: number };
  /** How the bus is watched, and who is told. */
  readonly monitoring: MonitoringSpec;
  /** What the acceptance suite holds the bus against. */
  readonly verify: VerifySpec;
  /** Changes to the shipped catalogues and additions of the stack. */
  readonly overrides: CatalogueOverrides;
  /** Server settings natsbus has no key for, by their NATS names; written last, so they win. */
  readonly serverConfig: Readonly<Record<string, unknown>>;
}

/** The cluster as a whole. */
export interface ClusterSpec {
  /** Cluster name; never change it while the bus holds data. */
  readonly name: string;
  /** Number of servers. */
  readonly servers: number;
  /** nats-server version, `major.minor.patch`. */
  readonly version: string;
}

/** Settings of the `process` target: every server is a process on this machine. */
export interface ProcessSpec {
  /** Runtime folder, relative to the project. */
  readonly directory: string;
  /** Address every listener binds to. */
  readonly host: string;
  /** Ports, one a server in the order of the servers. */
  readonly ports: { readonly client: readonly number[]; readonly monitor: readonly number[]; readonly route: readonly number[] };
  /** nats-server binary to run; absent: found or fetched. */
  readonly binary?: string;
  /** Whether the monitor port speaks HTTPS. */
  readonly monitorTls: boolean;
}

/** JetStream of each server. */
export interface JetStreamSpec {
  /** Memory for memory streams a server, in bytes. */
  readonly maxMemoryBytes: number;
  /** Disk for file streams a server, in bytes. */
  readonly maxStorageBytes: number;
  /** JetStream domain; absent: none. */
  readonly domain?: string;
  /** Prefix of server tags; replicas of one stream go to servers whose tag with this prefix differs. Absent: no rule. */
  readonly uniqueTag?: string;
  /** How often written data is flushed to disk, in milliseconds; `"always"` flushes before each answer; absent: the server's 2 minutes. */
  readonly syncInterval?: number | "always";
}

/** What each server allows its clients and takes for itself. */
export interface LimitsSpec {
  /** Most client connections a server. */
  readonly maxConnections: number;
  /** Largest message in bytes. */
  readonly maxPayloadBytes: number;
  /** Most bytes waiting for one slow client before it is cut. */
  readonly maxPendingBytes: number;
  /** Most subscriptions a connection; absent: unlimited. */
  readonly maxSubscriptions?: number;
  /** How often a silent client is pinged, in milliseconds. */
  readonly pingIntervalMs: number;
  /** Unanswered pings after which a client is cut. */
  readonly maxPingsOut: number;
  /** Longest time for one write to a client, in milliseconds. */
  readonly writeDeadlineMs: number;
  /** Soft memory limit of a server process (`GOMEMLIMIT`), in bytes; absent: none. */
  readonly memoryBytes?: number;
  /** Cores a server process may use; a process gets `GOMAXPROCS` of this rounded up. Absent: all. */
  readonly cpu?: number;
}

/** Raw changes to the catalogues by name, checked where the catalogues live (`streams/`, `accounts/`). */
export interface CatalogueOverrides {
  /** Streams: a record changes or adds the stream of that name, `null` leaves a shipped one out. */
  readonly streams: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  /** Key-value buckets, likewise. */
  readonly keyValue: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  /** Object stores, likewise. */
  readonly objectStores: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  /** Accounts with their roles and users, likewise. */
  readonly accounts: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
}
