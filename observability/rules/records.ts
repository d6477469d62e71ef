/** Records of what servers, streams and consumers do. Alerts and boards read these, so that both show the same figures. */
import { hasStream } from "../facts.ts";
import type { RecordingSpec } from "../model.ts";
import { clustered, hasTeams, probed } from "./conditions.ts";
import { CONSUMER, SERVER, STREAM } from "./labels.ts";

// An exporter goes on serving the last varz of a dead server: only health tells the living from the dead.
const OF_LIVING = `and on (${SERVER}) nats_server:reachable:bool`;

/** Records of servers and of the cluster. */
export const SERVER_RECORDS: readonly RecordingSpec[] = [
  { record: "nats_server:reachable:bool", expr: `max by (${SERVER}) (nats_healthz_status >= bool 0)` },
  {
    record: "nats_cluster:servers_healthy:count",
    expr: 'count by (nats_cluster) (nats_healthz_js_enabled_only_status_value == 1) or 0 * count by (nats_cluster) (up{job="nats"})',
  },
  {
    record: "nats_cluster:servers_ready:count",
    expr: 'count by (nats_cluster) (natsbus_meta_ready == 1) or 0 * count by (nats_cluster) (up{job="natsbus-probe"} == 1)',
    applies: probed,
  },
  {
    record: "nats_cluster:quorum_ok:bool",
    // The probe asks the meta group itself, so it also sees a partition; without its answer the count of healthy servers must do.
    expr: (_facts, options) => {
      const servers = options.probe
        ? "(nats_cluster:servers_ready:count or nats_cluster:servers_healthy:count)"
        : "nats_cluster:servers_healthy:count";
      return `${servers} >= bool on (nats_cluster) nats_cluster:quorum_needed:count`;
    },
  },
  {
    record: "nats_server:is_meta_leader:bool",
    expr: `max by (${SERVER}) (nats_server_total_streams{is_meta_leader="true"} >= bool 0) or 0 * max by (${SERVER}) (nats_server_total_streams)`,
    applies: clustered,
  },
  { record: "nats_server:start:seconds", expr: `max by (${SERVER}) (nats_varz_start) / 1000` },
  { record: "nats_server:cpu:ratio", expr: `max by (${SERVER}) (nats_varz_cpu / (100 * nats_varz_gomaxprocs)) ${OF_LIVING}` },
  { record: "nats_server:memory:bytes", expr: `max by (${SERVER}) (nats_varz_mem) ${OF_LIVING}` },
  { record: "nats_server:connections:count", expr: `max by (${SERVER}) (nats_varz_connections) ${OF_LIVING}` },
  { record: "nats_server:remotes:count", expr: `max by (${SERVER}) (nats_varz_remotes) ${OF_LIVING}`, applies: clustered },
  { record: "nats_server:js_storage:bytes", expr: `max by (${SERVER}) (nats_varz_jetstream_stats_storage) ${OF_LIVING}` },
  { record: "nats_server:js_storage_limit:bytes", expr: `max by (${SERVER}) (nats_varz_jetstream_config_max_storage) > 0` },
  { record: "nats_server:js_storage_used:ratio", expr: `nats_server:js_storage:bytes / on (${SERVER}) nats_server:js_storage_limit:bytes` },
  {
    record: "nats_server:js_storage_reserved:ratio",
    expr: `max by (${SERVER}) (nats_varz_jetstream_stats_reserved_storage) / on (${SERVER}) nats_server:js_storage_limit:bytes ${OF_LIVING}`,
  },
  {
    record: "nats_account:js_storage_used:ratio",
    // An account without a limit shows 2^64 - 1. The figures count the whole cluster on every server: take one, never the sum.
    expr: "max by (nats_cluster, account_name) (nats_account_storage_used) / (max by (nats_cluster, account_name) (nats_account_max_storage < 1e18) > 0)",
  },
];

/** Records of streams. Leader labels change at each election and would cut a series in two: aggregate first, rate the record. */
export const STREAM_RECORDS: readonly RecordingSpec[] = [
  { record: "nats_stream:last_seq:max", expr: `max by (${STREAM}) (nats_stream_last_seq)` },
  { record: "nats_stream:messages_in:rate5m", expr: "rate(nats_stream:last_seq:max[5m])" },
  { record: "nats_stream:bytes:max", expr: `max by (${STREAM}) (nats_stream_total_bytes)` },
  { record: "nats_stream:messages:max", expr: `max by (${STREAM}) (nats_stream_total_messages)` },
  {
    record: "nats_stream:bytes_used:ratio",
    expr: `nats_stream:bytes:max / on (${STREAM}) (max by (${STREAM}) (nats_stream_limit_bytes) > 0)`,
  },
  {
    record: "nats_stream:messages_used:ratio",
    expr: `nats_stream:messages:max / on (${STREAM}) (max by (${STREAM}) (nats_stream_limit_messages) > 0)`,
  },
  { record: "nats_stream:replicas:count", expr: `count by (${STREAM}) (max by (${STREAM}, server_id) (nats_stream_total_messages))` },
  {
    record: "nats_stream:replica_lag:msgs",
    expr: `nats_stream:last_seq:max - on (${STREAM}) group_right () max by (${STREAM}, server_id) (nats_stream_last_seq)`,
    applies: (facts) => hasStream(facts, (stream) => stream.replicas > 1),
  },
  {
    record: "nats_stream:team:info",
    // Streams that nobody declared must survive the join that adds the team.
    expr: `0 * nats_stream:last_seq:max + 1 unless on (${STREAM}) nats_stream:team:info{declared="true"}`,
    applies: hasTeams,
  },
  ...originRecords("mirror", (stream) => stream.mirror === true),
  ...originRecords("source", (stream) => stream.sources === true),
];

/** Records of consumers. Pending and waiting are real on the consumer's leader only. */
export const CONSUMER_RECORDS: readonly RecordingSpec[] = [
  { record: "nats_consumer:pending:max", expr: `max by (${CONSUMER}) (nats_consumer_num_pending{is_consumer_leader="true"})` },
  { record: "nats_consumer:waiting:max", expr: `max by (${CONSUMER}) (nats_consumer_num_waiting{is_consumer_leader="true"})` },
  { record: "nats_consumer:ack_pending:max", expr: `max by (${CONSUMER}) (nats_consumer_num_ack_pending)` },
  { record: "nats_consumer:redelivered:max", expr: `max by (${CONSUMER}) (nats_consumer_num_redelivered{is_consumer_leader="true"})` },
  { record: "nats_consumer:delivered_seq:max", expr: `max by (${CONSUMER}) (nats_consumer_delivered_consumer_seq)` },
  { record: "nats_consumer:ack_floor_seq:max", expr: `max by (${CONSUMER}) (nats_consumer_ack_floor_stream_seq)` },
];

function originRecords(kind: "mirror" | "source", applies: Parameters<typeof hasStream>[1]): RecordingSpec[] {
  const of = (metric: string): string => `max by (${STREAM}, ${kind}_name) (nats_stream_${kind}_${metric}{is_stream_leader="true"})`;
  return [
    { record: `nats_stream:${kind}_lag:msgs`, expr: of("lag"), applies: (facts) => hasStream(facts, applies) },
    {
      record: `nats_stream:${kind}_idle:seconds`,
      expr: `${of("active_duration_ns")} / 1e9`,
      applies: (facts) => hasStream(facts, applies),
    },
  ];
}
