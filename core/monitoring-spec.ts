/** The part of a bus that decides how it is watched, and who is told. */

/** Rules, dashboards, alert routes, and the processes behind them. */
export interface MonitoringSpec {
  /** Whether the bus is watched. */
  readonly enabled: boolean;
  /** Where the monitoring processes of the `process` target listen, all on loopback. */
  readonly ports: { readonly probe: number; readonly prometheus: number; readonly alertmanager: number };
  /** Time between scrapes, and between evaluations of rules, in milliseconds. */
  readonly scrapeIntervalMs: number;
  /** What the probe publishes to learn whether publishing works. */
  readonly canary: { readonly enabled: boolean; readonly intervalMs: number; readonly timeoutMs: number };
  /** Promises to the bus's users, over 30 days; shares from 0 to 1. */
  readonly slo: { readonly availability: number; readonly latencyMs: number; readonly latencyShare: number };
  /** From which values on alerts speak. */
  readonly thresholds: ThresholdsSpec;
  /** What streams need beyond their own settings, by stream name. */
  readonly streams: Readonly<Record<string, StreamWatchSpec>>;
  /** Who is told. */
  readonly alerting: AlertingSpec;
  /** Labels put on every alert. */
  readonly alertLabels: Readonly<Record<string, string>>;
  /** Page of the runbooks; alerts append `#<alert>`. */
  readonly runbookUrl: string;
  /** Address of Grafana without trailing slash; empty: links hold the path only. */
  readonly grafanaUrl: string;
  /** Which consumers keep their series. */
  readonly consumerSeries: "all" | "declared";
}

/** From which values on alerts speak. Shares are from 0 to 1. */
export interface ThresholdsSpec {
  /** Share of a server's cores. */
  readonly cpu: number;
  /** Share of a server's memory limit. */
  readonly memory: number;
  /** Share of a server's JetStream storage, twice. */
  readonly storageWarning: number;
  readonly storageCritical: number;
  /** Share of an account's JetStream quota. */
  readonly accountStorage: number;
  /** Share of the limit of a stream that refuses messages when it is full, twice. */
  readonly streamWarning: number;
  readonly streamCritical: number;
  /** Messages a copy of a stream may be behind. */
  readonly replicaLag: number;
  /** Messages a mirror or source may be behind its origin. */
  readonly originLag: number;
  /** Time left to a certificate, twice, in milliseconds. */
  readonly certificateWarningMs: number;
  readonly certificateCriticalMs: number;
  /** Share of a disk that must be free. */
  readonly diskFree: number;
}

/** How one stream is watched. */
export interface StreamWatchSpec {
  /** Who is told about it; absent: the general receivers. */
  readonly team?: string;
  /** Whether silence is a fault. */
  readonly expectTraffic: boolean;
  /** Messages that may wait, by durable consumer. */
  readonly backlogLimits: Readonly<Record<string, number>>;
}

/** A secret: a file beside Alertmanager, or a key of a Kubernetes Secret. */
export type SecretSourceSpec = { readonly file: string } | { readonly secret: string; readonly key: string };

/** Someone who is told, in one or several ways. */
export interface ReceiverSpec {
  readonly name: string;
  readonly webhook?: { readonly url?: string; readonly urlFrom?: SecretSourceSpec; readonly token?: SecretSourceSpec };
  readonly slack?: { readonly webhookUrl: SecretSourceSpec; readonly channel: string };
  readonly pagerduty?: { readonly routingKey: SecretSourceSpec };
  readonly email?: {
    readonly to: string;
    readonly from: string;
    readonly smarthost: string;
    readonly username?: string;
    readonly password?: SecretSourceSpec;
  };
}

/** A recurring time of silence, in UTC. */
export interface MuteTimeSpec {
  readonly name: string;
  readonly weekdays?: readonly string[];
  readonly times?: readonly { readonly start: string; readonly end: string }[];
  readonly severities?: readonly ("critical" | "warning" | "info")[];
}

/** Receivers, and who gets what. */
export interface AlertingSpec {
  readonly receivers: readonly ReceiverSpec[];
  readonly critical?: string;
  readonly warning?: string;
  readonly info?: string;
  readonly watchdog?: string;
  /** Receivers by team. */
  readonly teams: Readonly<Record<string, string>>;
  readonly muteTimes: readonly MuteTimeSpec[];
}
