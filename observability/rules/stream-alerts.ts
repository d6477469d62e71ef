/** Alerts on streams: leaders, copies, limits, traffic, mirrors and sources. */
import { hasStream, type StreamFacts } from "../facts.ts";
import type { AlertSpec } from "../model.ts";
import { clustered, probed } from "./conditions.ts";
import { advisoryStreams, STREAM } from "./labels.ts";

const NEAR_LIMIT = {
  alert: "NatsStreamNearLimit",
  summary: "Stream {{ $labels.stream_name }} has used {{ $value | humanizePercentage }} of its limit",
  panel: "jetstream/limits",
  ofStream: true,
  applies: (facts) => hasStream(facts, (stream) => stream.refusesWhenFull),
} satisfies Partial<AlertSpec>;

/** Whether every stream is there, whole, led and not full. */
export const STREAM_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsStreamNoLeader",
    severity: "critical",
    for: "1m",
    expr: `nats_stream:replicas:count unless on (${STREAM}) max by (${STREAM}) (nats_stream_last_seq{is_stream_leader="true"})`,
    summary: "Stream {{ $labels.stream_name }} has no leader ({{ $value }} copies are seen)",
    description: "The stream takes no messages and serves none until a majority of its copies elects a leader.",
    panel: "jetstream/streams",
    ofStream: true,
    applies: clustered,
  },
  {
    alert: "NatsStreamAbsent",
    severity: "critical",
    for: "5m",
    // Without any JetStream figures every stream would seem absent; other alerts speak then.
    expr: `nats_stream:replicas_expected:count unless on (${STREAM}) nats_stream:replicas:count and on (nats_cluster) count by (nats_cluster) (nats_server_total_streams)`,
    summary: "Stream {{ $labels.stream_name }} is declared with {{ $value }} copies, and no server holds one",
    description: "The stream was deleted, or its only copy is on a server that is gone.",
    panel: "jetstream/streams",
    ofStream: true,
    applies: (facts) => facts.streams.length > 0,
  },
  {
    alert: "NatsStreamReplicasMissing",
    severity: "warning",
    for: "5m",
    expr: (_facts, { probe }) => {
      const seen = probe ? ` or max by (${STREAM}) (natsbus_stream_replicas_wanted)` : "";
      return `nats_stream:replicas:count < on (${STREAM}) (nats_stream:replicas_expected:count${seen})`;
    },
    summary: "Stream {{ $labels.stream_name }} has only {{ $value }} copies",
    description: "Fewer servers hold the stream than declared: the next failure may stop it or lose it.",
    panel: "jetstream/replicas",
    ofStream: true,
    applies: (facts) => hasStream(facts, (stream) => stream.replicas > 1),
  },
  {
    alert: "NatsStreamReplicaLagging",
    severity: "warning",
    for: "5m",
    // Over a minute of traffic behind: servers are scraped at different moments, so a small difference is no lag.
    expr: (_facts, { thresholds }) =>
      `nats_stream:replica_lag:msgs > ${thresholds.replicaLag} and nats_stream:replica_lag:msgs > on (${STREAM}) group_left () (60 * nats_stream:messages_in:rate5m)`,
    summary: 'The copy of stream {{ $labels.stream_name }} on {{ $labels.server_id }} is {{ printf "%.0f" $value }} messages behind',
    description: "This copy cannot take over without losing its place; while it lags, the stream has one copy less to spare.",
    panel: "jetstream/lag",
    ofStream: true,
    applies: (facts) => hasStream(facts, (stream) => stream.replicas > 1),
  },
  {
    alert: "NatsStreamPeerNotCurrent",
    severity: "warning",
    for: "5m",
    expr: `max by (${STREAM}, server_id) (natsbus_stream_peer_current) == 0`,
    summary:
      "The leader of stream {{ $labels.stream_name }} sees its copy on {{ $labels.server_id }} offline or behind (current = {{ $value }})",
    description: "The copy does not take part in the stream's Raft group.",
    panel: "jetstream/peers",
    ofStream: true,
    applies: (facts, options) => probed(facts, options) && hasStream(facts, (stream) => stream.replicas > 1),
  },
  {
    ...NEAR_LIMIT,
    severity: "warning",
    for: "10m",
    expr: nearLimit("streamWarning"),
    description:
      "The stream refuses messages when it is full. Nothing a server reports shows refused messages; only publishers see the errors.",
  },
  {
    ...NEAR_LIMIT,
    severity: "critical",
    for: "5m",
    expr: nearLimit("streamCritical"),
    description: "The stream is full or about to be: publishers get errors, and their messages are not stored.",
  },
  {
    alert: "NatsStreamIdle",
    severity: "warning",
    for: "15m",
    expr: `nats_stream:messages_in:rate5m == 0 and on (${STREAM}) nats_stream:traffic_expected:bool`,
    summary: "Stream {{ $labels.stream_name }} gets {{ $value }} messages a second",
    description: "The stream is declared to have steady traffic, and none came for 15 minutes: a publisher is down or lost its rights.",
    panel: "jetstream/ingest",
    ofStream: true,
    applies: (facts) => hasStream(facts, (stream) => stream.expectTraffic === true),
  },
  {
    alert: "NatsBadAdvisory",
    severity: "warning",
    expr: (facts) => `increase(nats_stream:last_seq:max{${advisoryStreams(facts)}}[10m]) > 0`,
    summary: '{{ printf "%.0f" $value }} advisories came into stream {{ $labels.stream_name }} in 10 minutes',
    description:
      "JetStream itself reported trouble: a message out of deliveries or terminated, a quorum lost. The stream holds the details.",
    panel: "jetstream/advisories",
    ofStream: true,
    applies: (facts) => hasStream(facts, (stream) => stream.advisories === true),
  },
];

/** Whether mirrors and sources follow their origins. */
export const ORIGIN_ALERTS: readonly AlertSpec[] = [
  ...originAlerts("mirror", "NatsMirror", (stream) => stream.mirror === true),
  ...originAlerts("source", "NatsSource", (stream) => stream.sources === true),
];

function originAlerts(kind: "mirror" | "source", prefix: string, test: (stream: StreamFacts) => boolean): AlertSpec[] {
  const shared = {
    severity: "warning",
    for: "5m",
    panel: kind === "mirror" ? "jetstream/mirrors" : "jetstream/sources",
    ofStream: true,
    applies: (facts) => hasStream(facts, test),
  } satisfies Partial<AlertSpec>;
  const names = `{{ $labels.stream_name }} and its ${kind} {{ $labels.${kind}_name }}`;
  return [
    {
      ...shared,
      alert: `${prefix}Behind`,
      expr: (_facts, { thresholds }) => `nats_stream:${kind}_lag:msgs > ${thresholds.originLag}`,
      summary: `{{ printf "%.0f" $value }} messages lie between stream ${names}`,
      description: "The copy does not follow its origin fast enough; readers of the copy see old messages.",
    },
    {
      ...shared,
      alert: `${prefix}Inactive`,
      expr: `nats_stream:${kind}_idle:seconds > 60 or nats_stream:${kind}_idle:seconds < 0`,
      summary: `Nothing was heard between stream ${names} {{ if lt $value 0.0 }}since the start ({{ $value }}){{ else }}for {{ $value | humanizeDuration }}{{ end }}`,
      description: "The link to the origin is cut: the origin is gone, has no leader, or may not be read.",
    },
  ];
}

function nearLimit(threshold: "streamWarning" | "streamCritical"): AlertSpec["expr"] {
  return (_facts, { probe, thresholds }) => {
    const share = thresholds[threshold];
    const seen = probe ? ` or max by (${STREAM}) (natsbus_stream_refuses_when_full) == 1` : "";
    const refusing = `(nats_stream:refuses_when_full:bool${seen})`;
    return `(nats_stream:bytes_used:ratio > ${share} or nats_stream:messages_used:ratio > ${share}) and on (${STREAM}) ${refusing}`;
  };
}
