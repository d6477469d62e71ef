/** What rules and boards expect of the processes that are scraped: the jobs, and the series that only the project's own probe can give. */

/** Job of the exporters, or of whatever serves the official exporter's names; the rules select by it. */
export const EXPORTER_JOB = "nats";

/** Job of the probes; the rules select by it. */
export const PROBE_JOB = "natsbus-probe";

/** A metric of the probe. Every series also gets `job="natsbus-probe"` and `nats_cluster` as target labels, so the probe must not print those itself. */
interface ProbeMetric {
  /** Name as served. */
  readonly name: string;
  /** Prometheus's type. */
  readonly type: "gauge" | "counter" | "histogram";
  /** Labels of each series; `server_id` is always a server's name. */
  readonly labels: readonly string[];
  /** One sentence: what a sample says, with its unit. A server that does not answer has no series, never an old value. */
  readonly help: string;
}

const PEER = "server_id";
const STREAM = ["account_name", "stream_name", PEER];

/** Every metric of the probe that rules and boards may read. */
export const PROBE_METRICS: readonly ProbeMetric[] = [
  {
    name: "nats_client_publish_total",
    type: "counter",
    labels: ["server_id", "result"],
    help: "Canary publishes by final outcome: ok, timeout or error; all three start at 0.",
  },
  {
    name: "nats_client_publish_duration_seconds",
    type: "histogram",
    labels: ["server_id"],
    help: "Time from canary publish to acknowledgement, with a bucket exactly at the latency objective.",
  },
  {
    name: "natsbus_meta_ready",
    type: "gauge",
    labels: [PEER],
    help: "1 when the server answers /healthz?js-meta-only=true with ok, else 0.",
  },
  {
    name: "natsbus_meta_peer_current",
    type: "gauge",
    labels: [PEER],
    help: "1 when the meta leader sees this server online and current, else 0; no series without a leader.",
  },
  { name: "natsbus_meta_peer_lag", type: "gauge", labels: [PEER], help: "Raft entries this server is behind the meta leader." },
  {
    name: "natsbus_stream_peer_current",
    type: "gauge",
    labels: STREAM,
    help: "1 when the stream leader sees the copy on this server online and current, else 0.",
  },
  {
    name: "natsbus_stream_peer_lag",
    type: "gauge",
    labels: STREAM,
    help: "Raft entries the copy on this server is behind the stream leader.",
  },
  {
    name: "natsbus_stream_replicas_wanted",
    type: "gauge",
    labels: ["account_name", "stream_name"],
    help: "Copies the stream is configured to have.",
  },
  {
    name: "natsbus_stream_refuses_when_full",
    type: "gauge",
    labels: ["account_name", "stream_name"],
    help: "1 when the stream refuses messages once it is full (discard new, or a work queue), 0 when it drops old ones.",
  },
  {
    name: "natsbus_consumer_max_ack_pending",
    type: "gauge",
    labels: ["account_name", "stream_name", "consumer_name"],
    help: "Unacknowledged messages after which the consumer gets no more; no series without a limit.",
  },
  {
    name: "natsbus_server_config_current",
    type: "gauge",
    labels: [PEER],
    help: "1 when the running server's configuration digest is that of the provisioned file, else 0.",
  },
  {
    name: "natsbus_certificate_not_after_seconds",
    type: "gauge",
    labels: [PEER, "listener"],
    help: "End of the served certificate's validity, in seconds since 1970.",
  },
];
