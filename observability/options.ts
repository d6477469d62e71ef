/** What the user may choose about monitoring, and the defaults. */

/** Where the free space of the servers' disks can be read. */
type VolumeSource =
  /** The kubelet's series of persistent volume claims. */
  | { readonly kind: "kubelet"; readonly namespace: string /** Regular expression of claim names. */; readonly claims: string }
  /** node_exporter on each host. */
  | { readonly kind: "node" /** Mount point of the JetStream folder's file system. */; readonly mountpoint: string };

/** Promises to the bus's users, over 30 days. */
interface SloOptions {
  /** Share of publishes that must be acknowledged, 0 to 1.
   * @default 0.9995 */
  readonly availability?: number;
  /** Time within which an acknowledgement counts as fast, in seconds; the probe's histogram must have a bucket exactly there.
   * @default 0.05 */
  readonly latencySeconds?: number;
  /** Share of acknowledgements that must be fast, 0 to 1.
   * @default 0.99 */
  readonly latencyShare?: number;
}

/** From which values on alerts speak. Shares are from 0 to 1. */
interface Thresholds {
  /** Share of a server's usable cores.
   * @default 0.8 */
  readonly cpu?: number;
  /** Share of a server's memory limit.
   * @default 0.85 */
  readonly memory?: number;
  /** Share of a server's JetStream storage: a warning.
   * @default 0.75 */
  readonly storageWarning?: number;
  /** Share of a server's JetStream storage: critical.
   * @default 0.9 */
  readonly storageCritical?: number;
  /** Share of an account's JetStream storage.
   * @default 0.85 */
  readonly accountStorage?: number;
  /** Share of the limit of a stream that refuses messages when it is full: a warning.
   * @default 0.85 */
  readonly streamWarning?: number;
  /** Share of the limit of a stream that refuses messages when it is full: critical.
   * @default 0.98 */
  readonly streamCritical?: number;
  /** Messages a copy of a stream may be behind.
   * @default 1000 */
  readonly replicaLag?: number;
  /** Messages a mirror or source may be behind its origin.
   * @default 10000 */
  readonly originLag?: number;
  /** Seconds left to a certificate: a warning.
   * @default 1209600 - 14 days */
  readonly certificateWarningSeconds?: number;
  /** Seconds left to a certificate: critical.
   * @default 259200 - 3 days */
  readonly certificateCriticalSeconds?: number;
  /** Share of a disk that must be free.
   * @default 0.15 */
  readonly diskFree?: number;
}

const THRESHOLDS: Required<Thresholds> = {
  cpu: 0.8,
  memory: 0.85,
  storageWarning: 0.75,
  storageCritical: 0.9,
  accountStorage: 0.85,
  streamWarning: 0.85,
  streamCritical: 0.98,
  replicaLag: 1000,
  originLag: 10_000,
  certificateWarningSeconds: 14 * 86_400,
  certificateCriticalSeconds: 3 * 86_400,
  diskFree: 0.15,
};

/** Choices that rules and boards depend on. */
export interface MonitoringOptions {
  /** Whether the project's own probe is scraped beside the exporters; it brings the canary, peer states, certificates and configuration state.
   * @default true */
  readonly probe?: boolean;
  /** Whether the probe publishes a canary, the source of the service level.
   * @default true - where there is a probe */
  readonly canary?: boolean;
  /** Where free disk space is read.
   * @default - no alert on disk space */
  readonly volumes?: VolumeSource;
  /** Service level objectives.
   * @default {} - 99.95 % acknowledged, 99 % of those within 50 ms */
  readonly slo?: SloOptions;
  /** From which values on alerts speak.
   * @default {} - the defaults of each */
  readonly thresholds?: Thresholds;
  /** Time between evaluations of ordinary rules, in seconds.
   * @default 15 */
  readonly evaluationSeconds?: number;
  /** Address or path of the runbook page; alerts append `#<alert in lower case>`.
   * @default "docs/runbooks.md" */
  readonly runbookUrl?: string;
  /** Address of Grafana without a trailing slash, for links from alerts to panels.
   * @default "" - links hold the path only */
  readonly grafanaUrl?: string;
  /** Start of every dashboard's uid. Buses that share a Grafana may share the boards: they choose the bus by a variable.
   * @default "natsbus" */
  readonly boardUidPrefix?: string;
  /** Labels put on every alert, for instance `namespace` where the Prometheus Operator routes by it.
   * @default {} */
  readonly alertLabels?: Readonly<Record<string, string>>;
}

/** {@link MonitoringOptions} with every default applied. */
export interface ResolvedMonitoringOptions extends Required<Omit<MonitoringOptions, "volumes" | "slo" | "thresholds">> {
  /** Where free disk space is read; undefined: nowhere. */
  readonly volumes: VolumeSource | undefined;
  /** Service level objectives. */
  readonly slo: Required<SloOptions>;
  /** From which values on alerts speak. */
  readonly thresholds: Required<Thresholds>;
}

/** Applies the defaults. */
export function resolveMonitoringOptions(options: MonitoringOptions = {}): ResolvedMonitoringOptions {
  return {
    probe: options.probe ?? true,
    canary: (options.probe ?? true) && (options.canary ?? true),
    volumes: options.volumes,
    slo: { availability: 0.9995, latencySeconds: 0.05, latencyShare: 0.99, ...options.slo },
    thresholds: { ...THRESHOLDS, ...options.thresholds },
    evaluationSeconds: options.evaluationSeconds ?? 15,
    runbookUrl: options.runbookUrl ?? "docs/runbooks.md",
    grafanaUrl: options.grafanaUrl ?? "",
    boardUidPrefix: options.boardUidPrefix ?? "natsbus",
    alertLabels: options.alertLabels ?? {},
  };
}
