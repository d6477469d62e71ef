/** The board for streams: copies, sizes, limits, lag, mirrors, and JetStream's own work. */
import { hasStream } from "../facts.ts";
import { clustered, probed } from "../rules/conditions.ts";
import { advisoryStreams, STREAM } from "../rules/labels.ts";
import type { BoardSpec, PanelSpec } from "./board.ts";
import { STREAMS } from "./filters.ts";

const PER_STREAM: readonly PanelSpec[] = [
  {
    key: "jetstream/streams",
    title: "Streams",
    description: "Each stream with its leader, copies, content and pace.",
    kind: "table",
    unit: "short",
    width: 24,
    height: 10,
    queries: [
      { expr: `max by (${STREAM}, stream_leader) (nats_stream_consumer_count{is_stream_leader="true", ${STREAMS}})`, legend: "Consumers" },
      { expr: `nats_stream:replicas:count{${STREAMS}}`, legend: "Copies" },
      { expr: `max by (${STREAM}) (nats_stream:replicas_expected:count{${STREAMS}})`, legend: "Copies declared" },
      { expr: `nats_stream:messages:max{${STREAMS}}`, legend: "Messages" },
      { expr: `nats_stream:bytes:max{${STREAMS}}`, legend: "Bytes" },
      { expr: `100 * nats_stream:bytes_used:ratio{${STREAMS}}`, legend: "% of byte limit" },
      { expr: `nats_stream:messages_in:rate5m{${STREAMS}}`, legend: "Messages in a second" },
    ],
    mayBeEmpty: "a bus without streams",
  },
  {
    key: "jetstream/ingest",
    title: "Messages in",
    description: "Messages stored a second, each counted once whatever the number of copies.",
    kind: "lines",
    unit: "mps",
    width: 12,
    queries: [{ expr: `nats_stream:messages_in:rate5m{${STREAMS}}`, legend: "{{account_name}} {{stream_name}}" }],
    mayBeEmpty: "a bus without streams",
  },
  {
    key: "jetstream/size",
    title: "Size",
    description: "Bytes stored, one copy.",
    kind: "lines",
    unit: "bytes",
    width: 12,
    queries: [{ expr: `nats_stream:bytes:max{${STREAMS}}`, legend: "{{account_name}} {{stream_name}}" }],
    mayBeEmpty: "a bus without streams",
  },
  {
    key: "jetstream/limits",
    title: "Use of limits",
    description: "Share of the byte and message limits. Full is normal where old messages make room.",
    kind: "lines",
    unit: "percentunit",
    width: 12,
    queries: [
      { expr: `nats_stream:bytes_used:ratio{${STREAMS}}`, legend: "{{stream_name}} bytes" },
      { expr: `nats_stream:messages_used:ratio{${STREAMS}}`, legend: "{{stream_name}} messages" },
    ],
    mayBeEmpty: "no stream has a byte or message limit",
  },
  {
    key: "jetstream/replicas",
    title: "Missing copies",
    description: "Copies declared and not found.",
    kind: "lines",
    unit: "none",
    width: 12,
    queries: [
      {
        expr: `max by (${STREAM}) (nats_stream:replicas_expected:count{${STREAMS}}) - on (${STREAM}) nats_stream:replicas:count{${STREAMS}}`,
        legend: "{{stream_name}}",
      },
    ],
    mayBeEmpty: "no stream is declared",
  },
  {
    key: "jetstream/lag",
    title: "Lag of copies",
    description: "Messages each copy is behind the newest one; small values are the time between two scrapes.",
    kind: "lines",
    unit: "short",
    width: 12,
    queries: [
      { expr: `nats_stream:replica_lag:msgs{${STREAMS}}`, legend: "{{stream_name}} on {{server_id}}" },
      {
        expr: `max by (${STREAM}, server_id) (natsbus_stream_peer_lag{${STREAMS}})`,
        legend: "{{stream_name}} on {{server_id}}, Raft entries",
        applies: probed,
      },
    ],
    applies: (facts) => hasStream(facts, (stream) => stream.replicas > 1),
  },
  {
    key: "jetstream/peers",
    title: "Copies as the leader sees them",
    description: "Whether the stream's leader sees each copy online and current.",
    kind: "states",
    unit: "none",
    width: 12,
    words: { 0: "behind", 1: "current" },
    queries: [
      {
        expr: `max by (${STREAM}, server_id) (natsbus_stream_peer_current{${STREAMS}})`,
        legend: "{{stream_name}} on {{server_id}}",
      },
    ],
    applies: (facts, options) => probed(facts, options) && hasStream(facts, (stream) => stream.replicas > 1),
  },
  {
    key: "jetstream/mirrors",
    title: "Mirrors",
    description: "Messages each mirror is behind its origin, and the time since it last heard from it.",
    kind: "lines",
    unit: "short",
    width: 12,
    queries: [
      { expr: `nats_stream:mirror_lag:msgs{${STREAMS}}`, legend: "{{stream_name}} of {{mirror_name}}" },
      { expr: `nats_stream:mirror_idle:seconds{${STREAMS}}`, legend: "{{stream_name}} of {{mirror_name}}, seconds silent" },
    ],
    applies: (facts) => hasStream(facts, (stream) => stream.mirror === true),
  },
  {
    key: "jetstream/sources",
    title: "Sources",
    description: "Messages each sourcing stream is behind its origins, and the time since it last heard from them.",
    kind: "lines",
    unit: "short",
    width: 12,
    queries: [
      { expr: `nats_stream:source_lag:msgs{${STREAMS}}`, legend: "{{stream_name}} from {{source_name}}" },
      { expr: `nats_stream:source_idle:seconds{${STREAMS}}`, legend: "{{stream_name}} from {{source_name}}, seconds silent" },
    ],
    applies: (facts) => hasStream(facts, (stream) => stream.sources === true),
  },
  {
    key: "jetstream/advisories",
    title: "Advisories",
    description: "Bad news from JetStream itself, an hour at a time.",
    kind: "lines",
    unit: "short",
    width: 12,
    queries: [
      {
        expr: (facts) => `increase(nats_stream:last_seq:max{${advisoryStreams(facts)}}[1h])`,
        legend: "{{stream_name}}",
      },
    ],
    applies: (facts) => hasStream(facts, (stream) => stream.advisories === true),
  },
];

const ENGINE: readonly PanelSpec[] = [
  {
    key: "jetstream/api",
    title: "JetStream API",
    description: "Requests and errors a second.",
    kind: "lines",
    unit: "reqps",
    width: 8,
    queries: [
      { expr: "sum by (nats_cluster) (rate(nats_varz_jetstream_stats_api_total[$__rate_interval]))", legend: "requests" },
      { expr: "sum by (nats_cluster) (rate(nats_varz_jetstream_stats_api_errors[$__rate_interval]))", legend: "errors" },
    ],
  },
  {
    key: "jetstream/meta",
    title: "Waiting in the meta group",
    description: "Changes of streams and consumers that are not applied yet.",
    kind: "lines",
    unit: "short",
    width: 8,
    queries: [
      { expr: "max by (server_id) (nats_varz_jetstream_meta_pending)", legend: "{{server_id}} entries" },
      { expr: "max by (server_id) (nats_varz_jetstream_meta_pending_requests)", legend: "{{server_id}} requests" },
    ],
    applies: clustered,
  },
  {
    key: "jetstream/reserved",
    title: "Reserved storage",
    description: "Share of a server's storage that streams with a size limit have claimed.",
    kind: "lines",
    unit: "percentunit",
    width: 8,
    queries: [{ expr: "nats_server:js_storage_reserved:ratio", legend: "{{server_id}}" }],
  },
  {
    key: "jetstream/disk-wait",
    title: "Waiting for the disk",
    description: "How many tasks wait for the disk at any time, on average (nats-server 2.14 and later).",
    kind: "lines",
    unit: "short",
    width: 8,
    queries: [
      { expr: "max by (server_id) (rate(nats_varz_disk_io_wait_stats_wait_time[$__rate_interval])) / 1e9", legend: "{{server_id}}" },
    ],
    mayBeEmpty: "servers before 2.14 do not tell",
  },
];

/** Streams and JetStream's own work. */
export const JETSTREAM_BOARD: BoardSpec = {
  name: "jetstream",
  title: "NATS / JetStream",
  description: "Streams: copies, sizes, limits, lag, mirrors; and JetStream's own work.",
  variables: ["account", "stream"],
  rows: [
    { title: "Streams", panels: PER_STREAM },
    { title: "Engine", panels: ENGINE },
  ],
};
