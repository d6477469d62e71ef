/** Alerts on a single server's JetStream, process, resources and clients. */
import type { AlertSpec } from "../model.ts";
import { probed } from "./conditions.ts";
import { diskFreeRatio, SERVER } from "./labels.ts";

/** Whether a server does its work as configured. */
export const SERVER_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsJetStreamDown",
    severity: "critical",
    for: "1m",
    expr: `max by (${SERVER}) (nats_healthz_js_enabled_only_status == 1 or nats_server_jetstream_disabled == 1)`,
    summary: "JetStream is off on server {{ $labels.server_id }} (disabled = {{ $value }})",
    description:
      "The server runs but switched JetStream off, usually after a disk error or a full disk. Its copies of streams do not count.",
    panel: "cluster/reachable",
  },
  {
    alert: "NatsAssetsNotCurrent",
    severity: "warning",
    for: "10m",
    expr: `max by (${SERVER}) (nats_healthz_status) == 1`,
    summary: "Server {{ $labels.server_id }} reports itself unhealthy (status = {{ $value }})",
    description: "Some stream or consumer on this server does not catch up with its leader.",
    panel: "cluster/reachable",
  },
  {
    alert: "NatsServerRestarting",
    severity: "warning",
    expr: "changes(nats_server:start:seconds[15m]) > 2",
    summary: "Server {{ $labels.server_id }} restarted {{ $value }} times in 15 minutes",
    description: "The server is in a crash loop, or something keeps restarting it.",
    panel: "cluster/restarts",
  },
  {
    alert: "NatsVersionSkew",
    severity: "info",
    for: "2h",
    expr: "count by (nats_cluster) (count by (nats_cluster, value) (nats_varz_version)) > 1",
    summary: "Servers of bus {{ $labels.nats_cluster }} run {{ $value }} different versions",
    description: "An upgrade was begun and not finished.",
    panel: "cluster/versions",
    applies: (facts) => facts.servers > 1,
  },
  {
    alert: "NatsConfigNotApplied",
    severity: "warning",
    for: "15m",
    expr: `max by (${SERVER}) (natsbus_server_config_current) == 0`,
    summary: "Server {{ $labels.server_id }} does not run the provisioned configuration (current = {{ $value }})",
    description: "The file was changed and the server was neither reloaded nor restarted, or somebody edited the file by hand.",
    panel: "cluster/config",
    applies: probed,
  },
  {
    alert: "NatsCertExpiring",
    severity: "warning",
    for: "1h",
    expr: certificateEndsWithin("certificateWarningSeconds"),
    summary: "A certificate of server {{ $labels.server_id }} ends in {{ $value | humanizeDuration }}",
    description: "The certificate was not renewed in its window. When it ends, no client and no other server can connect.",
    panel: "cluster/certificates",
    applies: (facts, options) => facts.tls && options.probe,
  },
  {
    alert: "NatsCertExpiring",
    severity: "critical",
    for: "1h",
    expr: certificateEndsWithin("certificateCriticalSeconds"),
    summary: "A certificate of server {{ $labels.server_id }} ends in {{ $value | humanizeDuration }}",
    description: "The certificate ends within three days. When it ends, no client and no other server can connect.",
    panel: "cluster/certificates",
    applies: (facts, options) => facts.tls && options.probe,
  },
];

/** Whether a server's resources last. */
export const RESOURCE_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsCpuSaturated",
    severity: "warning",
    for: "15m",
    expr: (_facts, { thresholds }) => `nats_server:cpu:ratio > ${thresholds.cpu}`,
    summary: "Server {{ $labels.server_id }} uses {{ $value | humanizePercentage }} of the cores it may use",
    description: "Heartbeats between servers come late when the processor is saturated, and leaders are voted out.",
    panel: "cluster/cpu",
  },
  {
    alert: "NatsMemoryHigh",
    severity: "warning",
    for: "10m",
    expr: (facts, { thresholds }) => `nats_server:memory:bytes > ${thresholds.memory} * ${facts.memoryLimitBytes}`,
    summary: "Server {{ $labels.server_id }} holds {{ $value | humanize1024 }}B of memory, close to its limit",
    description: "Beyond the limit the server is killed, which costs elections and the catching up of every stream on it.",
    panel: "cluster/memory",
    applies: (facts) => facts.memoryLimitBytes !== undefined,
  },
  {
    alert: "NatsJetStreamStorage",
    severity: "warning",
    for: "10m",
    expr: (_facts, { thresholds }) => `nats_server:js_storage_used:ratio > ${thresholds.storageWarning}`,
    summary: "JetStream storage of server {{ $labels.server_id }} is {{ $value | humanizePercentage }} full",
    description: "When it is full, streams on this server refuse messages.",
    panel: "cluster/storage-share",
  },
  {
    alert: "NatsJetStreamStorage",
    severity: "critical",
    for: "5m",
    expr: (_facts, { thresholds }) => `nats_server:js_storage_used:ratio > ${thresholds.storageCritical}`,
    summary: "JetStream storage of server {{ $labels.server_id }} is {{ $value | humanizePercentage }} full",
    description: "Streams on this server are about to refuse messages.",
    panel: "cluster/storage-share",
  },
  {
    alert: "NatsJetStreamStorageFillsIn24h",
    severity: "warning",
    for: "1h",
    expr: `predict_linear(nats_server:js_storage:bytes[6h], 86400) > on (${SERVER}) nats_server:js_storage_limit:bytes and on (${SERVER}) nats_server:js_storage_used:ratio > 0.5`,
    summary: "JetStream storage of server {{ $labels.server_id }} will hold {{ $value | humanize1024 }}B in a day, more than it may",
    description: "At the pace of the last six hours the storage is full within a day.",
    panel: "cluster/storage",
  },
  {
    alert: "NatsJetStreamReservedHigh",
    severity: "warning",
    for: "30m",
    expr: "nats_server:js_storage_reserved:ratio > 0.9",
    summary: "Streams reserve {{ $value | humanizePercentage }} of server {{ $labels.server_id }}'s JetStream storage",
    description: "The next stream with a size limit finds no place on this server.",
    panel: "jetstream/reserved",
  },
  {
    alert: "NatsAccountStorageHigh",
    severity: "warning",
    for: "10m",
    expr: (_facts, { thresholds }) => `nats_account:js_storage_used:ratio > ${thresholds.accountStorage}`,
    summary: "Account {{ $labels.account_name }} uses {{ $value | humanizePercentage }} of its JetStream storage",
    description: "The account's quota counts every copy. When it is used up, all streams of the account refuse messages.",
    panel: "accounts/quota",
    applies: (facts) => facts.accountStorageLimits === true,
  },
  {
    alert: "NatsVolumeLow",
    severity: "warning",
    for: "15m",
    expr: (_facts, { volumes, thresholds }) => `${diskFreeRatio(volumes)} < ${thresholds.diskFree}`,
    summary:
      "Only {{ $value | humanizePercentage }} of a JetStream disk is free ({{ $labels.persistentvolumeclaim }}{{ $labels.instance }})",
    description: "The disk ends before JetStream's own limit does. A full disk switches JetStream off on that server.",
    panel: "cluster/disk",
    applies: (_facts, options) => options.volumes !== undefined,
  },
  {
    alert: "NatsDiskWait",
    severity: "warning",
    for: "10m",
    expr: `max by (${SERVER}) (rate(nats_varz_disk_io_wait_stats_wait_time[5m])) / 1e9 > 1`,
    summary: "On server {{ $labels.server_id }} {{ $value | humanize }} tasks wait for the disk at any time",
    description: "The disk is slower than the writes it is given: publishes are acknowledged late.",
    panel: "jetstream/disk-wait",
  },
];

function certificateEndsWithin(threshold: "certificateWarningSeconds" | "certificateCriticalSeconds"): AlertSpec["expr"] {
  return (_facts, { thresholds }) => `min by (${SERVER}) (natsbus_certificate_not_after_seconds) - time() < ${thresholds[threshold]}`;
}
