/** The cases of alerts on streams and consumers. */
import { all, blip, growing, halting, jump, LEAD, relabelled, set, starting, steady, vanish, withoutJsz } from "./baseline.ts";
import type { RuleCase } from "./rule-cases.ts";

const ORDERS = { stream_name: "ORDERS" };
const WORKER = { ...ORDERS, consumer_name: "worker" };
const ON_LEADER = { ...WORKER, is_consumer_leader: "true" };
const LIMIT = 10_485_760;

/** Alerts on streams. */
export const STREAM_CASES: readonly RuleCase[] = [
  {
    alert: "NatsStreamNoLeader/critical",
    fault: relabelled(/^nats_stream_/, { ...ORDERS, is_stream_leader: "true" }, { is_stream_leader: "false", stream_leader: "" }),
    near: all(
      relabelled(/^nats_stream_/, { ...ORDERS, is_stream_leader: "true" }, { is_stream_leader: "false", stream_leader: "bus-2" }),
      relabelled(/^nats_stream_/, { ...ORDERS, server_id: "bus-2" }, { is_stream_leader: "true", stream_leader: "bus-2" }),
    ),
  },
  {
    alert: "NatsStreamAbsent/critical",
    fault: vanish(/^nats_stream_/, { stream_name: "SCRATCH" }),
    near: all(withoutJsz("bus-1"), withoutJsz("bus-2"), withoutJsz("bus-3")),
  },
  {
    alert: "NatsStreamReplicasMissing/warning",
    fault: vanish(/^nats_stream_/, { ...ORDERS, server_id: "bus-3" }),
    near: set(/^nats_stream_total_messages$/, { ...ORDERS, server_id: "bus-3" }, `500+0x${LEAD - 1} stale _x8 500+0x$REST`),
  },
  {
    alert: "NatsStreamReplicaLagging/warning",
    fault: all(
      set("nats_stream_last_seq", ORDERS, growing(0, 600)),
      set("nats_stream_last_seq", { ...ORDERS, server_id: "bus-3" }, halting(0, 600)),
    ),
    delay: 60,
    near: all(
      set("nats_stream_last_seq", ORDERS, growing(900, 600)),
      set("nats_stream_last_seq", { ...ORDERS, server_id: "bus-3" }, growing(0, 600)),
    ),
  },
  {
    alert: "NatsStreamPeerNotCurrent/warning",
    fault: set("natsbus_stream_peer_current", { ...ORDERS, server_id: "bus-3" }, jump(1, 0)),
    near: set("natsbus_stream_peer_current", { ...ORDERS, server_id: "bus-3" }, blip(1, 0, 10)),
  },
  {
    alert: "NatsStreamNearLimit/warning",
    fault: set("nats_stream_total_bytes", ORDERS, jump(0, 0.9 * LIMIT)),
    // A stream that drops old messages is full all the time.
    near: all(
      set("nats_stream_limit_bytes", { stream_name: "AUDIT" }, steady(1000)),
      set("nats_stream_total_bytes", { stream_name: "AUDIT" }, jump(0, 999)),
    ),
  },
  {
    alert: "NatsStreamNearLimit/critical",
    fault: all(set("nats_stream_limit_messages", ORDERS, steady(1000)), set("nats_stream_total_messages", ORDERS, jump(10, 1000))),
    near: set("nats_stream_total_bytes", ORDERS, jump(0, 0.97 * LIMIT)),
  },
  {
    alert: "NatsStreamIdle/warning",
    fault: set("nats_stream_last_seq", ORDERS, halting(500, 30)),
    delay: 300,
    window: true,
    near: set("nats_stream_last_seq", { stream_name: "AUDIT" }, halting(500, 30)),
  },
  {
    alert: "NatsBadAdvisory/warning",
    fault: set("nats_stream_last_seq", { stream_name: "ADVISORIES" }, jump(7, 8)),
    near: set("nats_stream_last_seq", { stream_name: "ADVISORIES" }, steady(8)),
  },
  {
    alert: "NatsMirrorBehind/warning",
    fault: set("nats_stream_mirror_lag", {}, jump(0, 20_000)),
    near: set("nats_stream_mirror_lag", {}, jump(0, 5000)),
  },
  {
    alert: "NatsMirrorInactive/warning",
    fault: set("nats_stream_mirror_active_duration_ns", {}, jump(1000, -1)),
    near: set("nats_stream_mirror_active_duration_ns", {}, jump(1000, 30e9)),
  },
  {
    alert: "NatsSourceBehind/warning",
    fault: set("nats_stream_source_lag", {}, jump(0, 20_000)),
    near: set("nats_stream_source_lag", {}, jump(0, 5000)),
  },
  {
    alert: "NatsSourceInactive/warning",
    fault: set("nats_stream_source_active_duration_ns", {}, jump(1000, 90e9)),
    near: set("nats_stream_source_active_duration_ns", {}, jump(1000, 30e9)),
  },
];

/** Alerts on consumers. */
export const CONSUMER_CASES: readonly RuleCase[] = [
  { alert: "NatsConsumerAbsent/warning", fault: vanish(/^nats_consumer_/, WORKER), near: vanish(/^nats_(stream|consumer)_/, ORDERS) },
  {
    alert: "NatsConsumerBacklog/warning",
    fault: set("nats_consumer_num_pending", ON_LEADER, starting(2000, 100)),
    delay: 30,
    near: set("nats_consumer_num_pending", ON_LEADER, steady(2000)),
  },
  {
    alert: "NatsConsumerStalled/warning",
    fault: all(
      set("nats_consumer_num_pending", ON_LEADER, steady(400)),
      set("nats_consumer_delivered_consumer_seq", WORKER, halting(0, 30)),
    ),
    delay: 600,
    window: true,
    near: set("nats_consumer_num_pending", ON_LEADER, steady(400)),
  },
  {
    alert: "NatsConsumerAckStalled/warning",
    fault: all(set("nats_consumer_num_ack_pending", WORKER, jump(0, 3)), set("nats_consumer_ack_floor_stream_seq", WORKER, halting(0, 30))),
    delay: 900,
    window: true,
    near: set("nats_consumer_num_ack_pending", WORKER, steady(3)),
  },
  {
    alert: "NatsConsumerAckSaturated/warning",
    fault: set("nats_consumer_num_ack_pending", { consumer_name: "slow" }, jump(0, 10)),
    near: set("nats_consumer_num_ack_pending", { consumer_name: "slow" }, jump(0, 9)),
  },
  {
    alert: "NatsConsumerRedeliveries/warning",
    fault: all(set("nats_consumer_num_ack_pending", WORKER, steady(10)), set("nats_consumer_num_redelivered", ON_LEADER, jump(0, 5))),
    near: all(set("nats_consumer_num_ack_pending", WORKER, steady(10)), set("nats_consumer_num_redelivered", ON_LEADER, jump(0, 1))),
  },
];
