/** The schema of `natsbus:monitoring`. */
import { z } from "zod";
import type { MonitoringSpec, StreamWatchSpec } from "./monitoring-spec.ts";
import { count, duration } from "./setting-kinds.ts";

function port(description: string, standard: number) {
  return count(description, 1, 65_535).default(standard);
}

function share(description: string, standard: number) {
  return z.number().min(0).max(1).meta({ description }).default(standard);
}

function text(description: string) {
  return z.string().min(1).meta({ description, title: "text" });
}

const ports = z.strictObject({
  probe: port("Port of the probe: metrics, and a page for people.", 7777),
  prometheus: port("Port of Prometheus.", 9090),
  alertmanager: port("Port of Alertmanager.", 9093),
});

const canary = z.strictObject({
  enabled: z
    .boolean()
    .meta({
      description:
        "Whether the probe publishes through every server to learn whether publishing works: the source of the service level. It brings the stream `NATSBUS_CANARY` and the user `canary`.",
    })
    .default(true),
  interval: duration("Time between two publishes through one server.", { min: "100ms", max: "1m" }).prefault("1s"),
  timeout: duration("Time after which a publish has failed, retries included.", { min: "500ms", max: "1m" }).prefault("5s"),
});

const slo = z.strictObject({
  availability: share("Share of publishes over 30 days that must be acknowledged.", 0.9995),
  latency: duration("Time within which an acknowledgement counts as fast.", { min: "1ms", max: "10s" }).prefault("50ms"),
  latencyShare: share("Share of acknowledgements that must be fast.", 0.99),
});

const thresholds = z.strictObject({
  cpu: share("Share of a server's cores in use.", 0.8),
  memory: share("Share of a server's memory limit in use.", 0.85),
  storageWarning: share("Share of a server's JetStream storage in use: a warning.", 0.75),
  storageCritical: share("Share of a server's JetStream storage in use: critical.", 0.9),
  accountStorage: share("Share of an account's JetStream storage in use.", 0.85),
  streamWarning: share("Share of a limit in use, of a stream that refuses messages when it is full: a warning.", 0.85),
  streamCritical: share("Share of a limit in use, of a stream that refuses messages when it is full: critical.", 0.98),
  replicaLag: count("Messages a copy of a stream may be behind.", 1, 1_000_000_000).default(1000),
  originLag: count("Messages a mirror or source may be behind its origin.", 1, 1_000_000_000).default(10_000),
  certificateWarning: duration("Time left to a certificate: a warning.", { min: "1m" }).prefault("14d"),
  certificateCritical: duration("Time left to a certificate: critical.", { min: "1m" }).prefault("3d"),
  diskFree: share("Share of a JetStream disk that must be free, where disks are watched.", 0.15),
});

const streamWatch = z.strictObject({
  team: text("Who is told about the stream; see `alerting.teams`.").optional(),
  expectTraffic: z.boolean().meta({ description: "Whether 15 minutes without a message are a fault." }).default(false),
  backlogLimits: z
    .record(z.string(), z.int().min(1))
    .meta({ description: "Messages that may wait, by durable consumer.", title: "number by name" })
    .default({}),
});

const secret = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ secret: z.string().min(1), key: z.string().min(1) }),
]);

const receiver = z.strictObject({
  name: z.string().min(1),
  webhook: z.strictObject({ url: z.url().optional(), urlFrom: secret.optional(), token: secret.optional() }).optional(),
  slack: z.strictObject({ webhookUrl: secret, channel: z.string().min(1) }).optional(),
  pagerduty: z.strictObject({ routingKey: secret }).optional(),
  email: z
    .strictObject({
      to: z.string().min(1),
      from: z.string().min(1),
      smarthost: z.string().min(1),
      username: z.string().min(1).optional(),
      password: secret.optional(),
    })
    .optional(),
});

const muteTime = z.strictObject({
  name: z.string().min(1),
  weekdays: z.array(z.string()).optional(),
  times: z.array(z.strictObject({ start: z.string(), end: z.string() })).optional(),
  severities: z.array(z.enum(["critical", "warning", "info"])).optional(),
});

const alerting = z.strictObject({
  receivers: z
    .array(receiver)
    .meta({
      description:
        "Everyone who can be told: `name`, and `webhook` (`url` or `urlFrom`, `token`), `slack` (`webhookUrl`, `channel`), `pagerduty` (`routingKey`) or `email` (`to`, `from`, `smarthost`, `username`, `password`). Secrets are `{file: PATH}`, or `{secret: NAME, key: KEY}` on Kubernetes.",
      title: "list of receivers",
      allowed: "a list of receivers as docs/monitoring.md describes them",
    })
    .default([]),
  critical: text("Receiver of critical alerts, usually a pager.").optional().meta({ defaultText: "nobody" }),
  warning: text("Receiver of warnings.").optional().meta({ defaultText: "nobody" }),
  info: text("Receiver of informative alerts.").optional().meta({ defaultText: "nobody" }),
  watchdog: text("Receiver of the heartbeat, an outside service that speaks up when it stops.").optional().meta({ defaultText: "nobody" }),
  teams: z
    .record(z.string(), z.string())
    .meta({ description: "Receivers of stream alerts, by the team of the stream.", title: "receiver by team" })
    .default({}),
  muteTimes: z
    .array(muteTime)
    .meta({
      description: "Recurring times of silence in UTC: `name`, `weekdays`, `times` (`start`, `end`), `severities` (warning and info).",
      title: "list of times",
      allowed: "a list of mute times as docs/monitoring.md describes them",
    })
    .default([]),
});

/** `natsbus:monitoring`. */
export const monitoringSchema = z.strictObject({
  enabled: z
    .boolean()
    .meta({
      description:
        "Whether the bus is watched. On the `process` target this starts the probe, and Prometheus and Alertmanager where they are installed; on `kubernetes` it declares the Prometheus Operator's objects, dashboards, and the probe where `kubernetes.probe.image` names its image.",
    })
    .default(false),
  ports: ports.meta({ description: "Ports of the monitoring processes of the `process` target, all on loopback." }).prefault({}),
  scrapeInterval: duration("Time between scrapes, and between evaluations of rules.", { min: "1s", max: "5m" }).prefault("15s"),
  canary: canary.meta({ description: "What the probe publishes." }).prefault({}),
  slo: slo.meta({ description: "Promises to the bus's users, over 30 days." }).prefault({}),
  thresholds: thresholds.meta({ description: "From which values on alerts speak." }).prefault({}),
  streams: z
    .record(z.string(), streamWatch)
    .meta({
      description: "What streams need beyond their own settings, by name: `team`, `expectTraffic`, `backlogLimits`.",
      title: "block by name",
    })
    .default({}),
  alerting: alerting.meta({ description: "Who is told." }).prefault({}),
  alertLabels: z.record(z.string(), z.string()).meta({ description: "Labels put on every alert.", title: "text by name" }).default({}),
  runbookUrl: text("Page of the runbooks; alerts append `#<alert>`.").default("docs/runbooks.md"),
  grafanaUrl: z
    .string()
    .meta({ description: "Address of Grafana without trailing slash, for links.", title: "text" })
    .default("")
    .meta({ defaultText: "links hold the path only" }),
  consumerSeries: z
    .enum(["all", "declared"])
    .meta({
      description: "Which consumers keep their series: all but the short-lived ones of readers, or the declared durable ones alone.",
    })
    .default("all"),
});

/** The settings as a bus holds them. */
export function resolveMonitoring(settings: z.output<typeof monitoringSchema>): MonitoringSpec {
  const { scrapeInterval, canary: singing, slo: promise, thresholds: limits, streams, alerting: told, ...rest } = settings;
  const { certificateWarning, certificateCritical, ...shares } = limits;
  return {
    ...rest,
    scrapeIntervalMs: scrapeInterval,
    canary: { enabled: singing.enabled, intervalMs: singing.interval, timeoutMs: singing.timeout },
    slo: { availability: promise.availability, latencyMs: promise.latency, latencyShare: promise.latencyShare },
    thresholds: { ...shares, certificateWarningMs: certificateWarning, certificateCriticalMs: certificateCritical },
    // Absent and undefined differ to the types of a spec, and never to what is written.
    streams: streams as Readonly<Record<string, StreamWatchSpec>>,
    alerting: told as MonitoringSpec["alerting"],
  };
}
