/** One server's configuration as plain values: everything natsbus writes into a nats-server configuration file. */
import type { AccountsConfigSpec, OperatorConfigSpec } from "./server-identity-spec.ts";
import type { GatewaySpec, LeafNodesSpec, Listener, MqttSpec, TlsFiles, WebsocketSpec } from "./server-listener-spec.ts";

/** Everything one server is told. Paths are as the server process sees them. */
export interface ServerConfigSpec {
  /** Server name, unique in the cluster; never changes. */
  readonly serverName: string;
  /** Where clients connect. */
  readonly client: Listener;
  /** Certificates for clients; absent: unencrypted. */
  readonly clientTls?: TlsFiles;
  /** Monitoring pages; `tls` uses the clients' certificates. Absent: none. */
  readonly monitor?: Listener & { readonly tls: boolean };
  /** The cluster; absent: a server alone. */
  readonly cluster?: ClusterListener;
  /** JetStream; absent: off. */
  readonly jetstream?: JetStreamConfigSpec;
  /** Who may connect: an operator's accounts, accounts written here, or everybody. */
  readonly identity: OperatorConfigSpec | AccountsConfigSpec | { readonly kind: "none" };
  /** Log level, and the file with its rotation; no file: standard error. */
  readonly logging: {
    readonly file?: string;
    readonly level: "info" | "debug" | "trace";
    readonly maxFileSizeBytes: number;
    readonly keepFiles: number;
  };
  /** File the server writes its process id to; absent: none. */
  readonly pidFile?: string;
  /** Server tags, for placement; absent: none. */
  readonly tags?: readonly string[];
  /** Limits for clients. */
  readonly limits: ServerLimits;
  /** How the server leaves. */
  readonly lameDuck: { readonly durationMs: number; readonly gracePeriodMs: number };
  /** WebSocket listener; absent: none. */
  readonly websocket?: WebsocketSpec;
  /** MQTT listener; absent: none. */
  readonly mqtt?: MqttSpec;
  /** Leaf node listener and remotes; absent: none. */
  readonly leafNodes?: LeafNodesSpec;
  /** Gateway to other clusters; absent: none. */
  readonly gateway?: GatewaySpec;
  /** Further settings by their NATS names, laid over the above; a block merges, `null` removes. Absent: none. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The cluster as one server sees it. */
export interface ClusterListener extends Listener {
  /** Cluster name. */
  readonly name: string;
  /** URLs of all servers' route listeners. */
  readonly routes: readonly string[];
  /** Route certificates; absent: unencrypted, for tests only. */
  readonly tls?: TlsFiles;
  /** Whether the server keeps other servers' client addresses from clients.
   * @default false */
  readonly noAdvertise?: boolean;
  /** Connections between each pair of servers.
   * @default - the server's own, 3 */
  readonly poolSize?: number;
  /** Compression of routes, for instance `s2_fast` or `off`.
   * @default - the server's own, `accept` */
  readonly compression?: string;
}

/** JetStream of one server. */
export interface JetStreamConfigSpec {
  /** Folder of the store. */
  readonly storeDirectory: string;
  /** Memory for memory streams, in bytes. */
  readonly maxMemoryBytes: number;
  /** Disk for file streams, in bytes. */
  readonly maxStorageBytes: number;
  /** JetStream domain; absent: none. */
  readonly domain?: string;
  /** Tag prefix that replicas must differ in; absent: no rule. */
  readonly uniqueTag?: string;
  /** Flush interval in milliseconds, or `"always"`; absent: the server's own. */
  readonly syncInterval?: number | "always";
}

/** What a server allows its clients; absent numbers are left to the server. */
export interface ServerLimits {
  /** Client connections. */
  readonly maxConnections?: number;
  /** Largest message in bytes. */
  readonly maxPayloadBytes?: number;
  /** Bytes waiting for one slow client. */
  readonly maxPendingBytes?: number;
  /** Subscriptions a connection. */
  readonly maxSubscriptions?: number;
  /** Ping interval in milliseconds. */
  readonly pingIntervalMs?: number;
  /** Unanswered pings. */
  readonly maxPingsOut?: number;
  /** Longest write in milliseconds. */
  readonly writeDeadlineMs?: number;
}
