/** Every field of a durable consumer; see `fields.ts` for streams. Seen on nats-server 2.12, 2.14 and 2.15. */
import { field, fixed, inPlace, never, type SpecOf } from "./field.ts";
import { choice, count, duration, durations, flag, instant, labels, limit, text, texts } from "./kinds.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;
const FIXED = never("it decides where and how a consumer reads, which is fixed when the consumer is made", "500/10012");

/** Consumer fields by the name a person writes. A field without a `wire` name is no part of the server's configuration. */
export const CONSUMER_FIELDS = {
  stream: field("", text, "", "2.2", fixed("a consumer belongs to one stream", "404/10014")),
  name: field("durable_name", text, "", "2.2", fixed("a consumer cannot be renamed", "400/10017")),
  description: field("description", text, "", "2.4"),
  filterSubjects: field("filter_subjects", texts, [], "2.10"),
  deliverPolicy: field(
    "deliver_policy",
    choice("all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"),
    "all",
    "2.2",
    FIXED,
  ),
  optStartSeq: field("opt_start_seq", count(0, LARGEST, 0), 0, "2.2", FIXED),
  optStartTime: field("opt_start_time", instant, "", "2.2", FIXED),
  ackPolicy: field("ack_policy", choice("none", "all", "explicit", "flow_control"), "explicit", "2.2", FIXED),
  ackWait: field("ack_wait", duration(), 30_000, "2.2"),
  maxDeliver: field("max_deliver", limit(), -1, "2.2"),
  backoff: field("backoff", durations, [], "2.8"),
  maxAckPending: field("max_ack_pending", limit(1_000), 1_000, "2.2"),
  replayPolicy: field("replay_policy", choice("instant", "original"), "instant", "2.2", FIXED),
  sampleFreq: field("sample_freq", text, "", "2.2"),
  headersOnly: field("headers_only", flag, false, "2.7"),
  maxWaiting: field("max_waiting", count(0, LARGEST, 0), 512, "2.2", FIXED),
  maxBatch: field("max_batch", count(0, LARGEST, 0), 0, "2.7"),
  maxExpires: field("max_expires", duration(), 0, "2.7"),
  maxBytes: field("max_bytes", count(0, LARGEST, 0), 0, "2.9"),
  inactiveThreshold: field("inactive_threshold", duration(), 0, "2.7"),
  deliverSubject: field("deliver_subject", text, "", "2.2", {
    rule: "one-way",
    reason: "a consumer stays pull or push for life",
    refusal: "500/10012",
    allows: (was, want) => (was === "") === (want === ""),
  }),
  deliverGroup: field("deliver_group", text, "", "2.4"),
  flowControl: field("flow_control", flag, false, "2.2", FIXED),
  idleHeartbeat: field("idle_heartbeat", duration(), 0, "2.2", FIXED),
  rateLimitBps: field("rate_limit_bps", count(0, LARGEST, 0), 0, "2.2"),
  replicas: field("num_replicas", count(0, 5, 0), 0, "2.9"),
  memStorage: field("mem_storage", flag, false, "2.9", { ...FIXED, before: { version: "2.14.4", inPlace: true } }),
  priorityPolicy: field("priority_policy", choice("none", "overflow", "pinned_client", "prioritized"), "none", "2.11", inPlace, 1),
  priorityGroups: field("priority_groups", texts, [], "2.11", inPlace, 1),
  priorityTimeout: field("priority_timeout", duration(), 0, "2.11", inPlace, 1),
  pauseUntil: field("pause_until", instant, "", "2.11", inPlace, 1),
  metadata: field("metadata", labels, {}, "2.10"),
};

/** A durable consumer, complete: durations in milliseconds, -1 for unlimited. */
export type ConsumerSpec = SpecOf<typeof CONSUMER_FIELDS>;
