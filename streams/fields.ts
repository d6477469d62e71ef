/**
 * Every field of a stream: what it is called, its default, and what a change of it does. Diff, wire form, validation and documentation read this one table.
 * Seen on nats-server 2.12, 2.14 and 2.15; `since` says where a field begins, `before` where older servers change it otherwise.
 */
import { field, fixed, inPlace, never, onlyOn, type SpecOf } from "./field.ts";
import { choice, count, duration, flag, instant, labels, limit, listOf, optional, sizeLimit, text, texts } from "./kinds.ts";
import { record } from "./record.ts";
import { defaultWindow } from "./window.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;

const transform = record({ src: { wire: "src", kind: text }, dest: { wire: "dest", kind: text, required: true } });
const external = record({ api: { wire: "api", kind: text, required: true }, deliver: { wire: "deliver", kind: text } });
const origin = record({
  name: { wire: "name", kind: text, required: true },
  optStartSeq: { wire: "opt_start_seq", kind: count(0, LARGEST, 0) },
  optStartTime: { wire: "opt_start_time", kind: instant },
  filterSubject: { wire: "filter_subject", kind: text },
  subjectTransforms: { wire: "subject_transforms", kind: listOf(transform) },
  external: { wire: "external", kind: optional(external) },
  consumer: {
    wire: "consumer",
    kind: optional(record({ name: { wire: "name", kind: text }, deliverSubject: { wire: "deliver_subject", kind: text } })),
  },
});
const placement = record({ cluster: { wire: "cluster", kind: text }, tags: { wire: "tags", kind: texts } });
const republish = record({
  src: { wire: "src", kind: text },
  dest: { wire: "dest", kind: text, required: true },
  headersOnly: { wire: "headers_only", kind: flag },
});
const consumerLimits = record({
  inactiveThreshold: { wire: "inactive_threshold", kind: duration() },
  maxAckPending: { wire: "max_ack_pending", kind: count(0, LARGEST, 0) },
});

/** Stream fields by the name a person writes. */
export const STREAM_FIELDS = {
  name: field("name", text, "", "2.2", fixed("a stream cannot be renamed", "400/10056")),
  description: field("description", text, "", "2.4"),
  subjects: field("subjects", texts, [], "2.2"),
  retention: field("retention", choice("limits", "interest", "workqueue"), "limits", "2.2", {
    rule: "one-way",
    reason: "retention changes between limits and interest only, never to or from workqueue",
    refusal: "500/10052",
    allows: (was, want) => was !== "workqueue" && want !== "workqueue",
  }),
  maxConsumers: field("max_consumers", limit(), -1, "2.2", {
    rule: "update",
    before: { version: "2.12.5", inPlace: false, refusal: "500/10052" },
  }),
  maxMsgs: field("max_msgs", limit(), -1, "2.2"),
  maxBytes: field("max_bytes", sizeLimit, -1, "2.2"),
  maxAge: field("max_age", duration(), 0, "2.2"),
  maxMsgsPerSubject: field("max_msgs_per_subject", limit(), -1, "2.3"),
  maxMsgSize: field("max_msg_size", sizeLimit, -1, "2.2"),
  // Only a stream with sources can want none: servers before 2.14 fill it in there as well.
  duplicateWindow: {
    ...field("duplicate_window", duration(), 0, "2.2"),
    filledIn: (spec: Readonly<Record<string, unknown>>) => defaultWindow({ maxAge: Number(spec["maxAge"]) }),
  },
  discard: field("discard", choice("old", "new"), "old", "2.2"),
  discardNewPerSubject: field("discard_new_per_subject", flag, false, "2.10"),
  storage: field("storage", choice("file", "memory"), "file", "2.2", never("storage is chosen when a stream is made", "500/10052")),
  replicas: field("num_replicas", count(1, 5, 1), 3, "2.2"),
  placement: field("placement", optional(placement), undefined, "2.2"),
  noAck: field("no_ack", flag, false, "2.2"),
  mirror: field("mirror", optional(origin), undefined, "2.2", {
    rule: "one-way",
    reason: "a mirror can be removed, which makes an ordinary stream of it; it cannot be added or changed",
    refusal: "400/10055",
    migrates: false,
    allows: (_was, want) => want === undefined,
  }),
  sources: field("sources", listOf(origin), [], "2.2"),
  compression: field("compression", choice("none", "s2"), "none", "2.10"),
  firstSeq: field("first_seq", count(0, LARGEST, 0), 0, "2.10", {
    rule: "create-only",
    reason: "the first sequence counts when a stream is made; a later change is accepted by the server and does nothing",
    migrates: false,
  }),
  subjectTransform: field("subject_transform", optional(transform), undefined, "2.10"),
  republish: field("republish", optional(republish), undefined, "2.10"),
  allowDirect: field("allow_direct", flag, false, "2.9"),
  mirrorDirect: field("mirror_direct", flag, false, "2.9", { rule: "server-owned", reason: "a mirror follows its origin's allowDirect" }),
  sealed: field("sealed", flag, false, "2.7", {
    ...onlyOn("a sealed stream cannot be unsealed"),
    migrates: false,
  }),
  denyDelete: field("deny_delete", flag, false, "2.7", onlyOn("denying deletion cannot be taken back")),
  denyPurge: field("deny_purge", flag, false, "2.7", onlyOn("denying purges cannot be taken back")),
  allowRollup: field("allow_rollup_hdrs", flag, false, "2.7"),
  consumerLimits: field("consumer_limits", consumerLimits, consumerLimits.absent, "2.10"),
  allowMsgTtl: field("allow_msg_ttl", flag, false, "2.11", onlyOn("message time-to-live cannot be disabled"), 1),
  subjectDeleteMarkerTtl: field("subject_delete_marker_ttl", duration(), 0, "2.11", inPlace, 1),
  allowAtomic: field("allow_atomic", flag, false, "2.12", inPlace, 2),
  allowBatched: field("allow_batched", flag, false, "2.14", inPlace, 4),
  allowMsgCounter: field(
    "allow_msg_counter",
    flag,
    false,
    "2.12",
    fixed("the counter setting is fixed when a stream is made", "500/10052"),
    2,
  ),
  allowMsgSchedules: field("allow_msg_schedules", flag, false, "2.12", onlyOn("message schedules cannot be disabled"), 2),
  persistMode: field(
    "persist_mode",
    choice("default", "async"),
    "default",
    "2.12",
    never("the persist mode is fixed when a stream is made", "500/10052"),
    2,
  ),
  metadata: field("metadata", labels, {}, "2.10"),
};

/** A stream, complete: durations in milliseconds, sizes in bytes, -1 for unlimited. */
export type StreamSpec = SpecOf<typeof STREAM_FIELDS>;
