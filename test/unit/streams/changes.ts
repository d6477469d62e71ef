import type { CONSUMER_FIELDS } from "../../../streams/consumer-fields.ts";
import type { STREAM_FIELDS } from "../../../streams/fields.ts";

/** A change of one field: two settings of it, whether the server goes from the first to the second in place, and settings the field needs beside it. */
export type FieldCase = [was: unknown, want: unknown, inPlace: boolean, beside?: object];

/** Changes of every stream field. */
export const STREAM_CHANGES: Record<keyof typeof STREAM_FIELDS, FieldCase[]> = {
  name: [["A", "B", false]],
  description: [["a", "b", true]],
  subjects: [[["a"], ["a", "b"], true]],
  retention: [
    ["limits", "interest", true],
    ["interest", "limits", true],
    ["limits", "workqueue", false],
    ["workqueue", "interest", false],
  ],
  maxConsumers: [[5, 1, true]],
  maxMsgs: [[5, -1, true]],
  maxBytes: [["1KiB", "2KiB", true]],
  maxAge: [["1h", "2h", true]],
  maxMsgsPerSubject: [[1, 2, true]],
  maxMsgSize: [["1KiB", "0", true]],
  duplicateWindow: [["1m", "30s", true]],
  discard: [
    ["old", "new", true],
    ["new", "old", true],
  ],
  discardNewPerSubject: [
    [false, true, true, { discard: "new", maxMsgsPerSubject: 1 }],
    [true, false, true, { discard: "new", maxMsgsPerSubject: 1 }],
  ],
  storage: [
    ["file", "memory", false],
    ["memory", "file", false],
  ],
  replicas: [
    [1, 3, true],
    [3, 1, true],
  ],
  placement: [
    [undefined, { cluster: "test" }, true],
    [{ cluster: "test" }, undefined, true],
  ],
  noAck: [
    [false, true, true],
    [true, false, true],
  ],
  mirror: [
    [undefined, { name: "O" }, false],
    [{ name: "O" }, { name: "P" }, false],
    [{ name: "O" }, undefined, true],
  ],
  sources: [
    [[], [{ name: "O" }], true],
    [[{ name: "O" }], [], true],
  ],
  compression: [
    ["none", "s2", true],
    ["s2", "none", true],
  ],
  firstSeq: [[0, 5, false]],
  subjectTransform: [
    [undefined, { dest: "x.>" }, true],
    [{ dest: "x.>" }, undefined, true],
  ],
  republish: [
    [undefined, { dest: "x.>" }, true],
    [{ dest: "x.>" }, undefined, true],
  ],
  allowDirect: [
    [false, true, true],
    [true, false, true],
  ],
  mirrorDirect: [
    [false, true, true],
    [true, false, true],
  ],
  sealed: [
    [false, true, true],
    [true, false, false],
  ],
  denyDelete: [
    [false, true, true],
    [true, false, false],
  ],
  denyPurge: [
    [false, true, true],
    [true, false, false],
  ],
  allowRollup: [
    [false, true, true],
    [true, false, true],
  ],
  consumerLimits: [
    [{}, { maxAckPending: 5 }, true],
    [{ maxAckPending: 5 }, {}, true],
  ],
  allowMsgTtl: [
    [false, true, true],
    [true, false, false],
  ],
  subjectDeleteMarkerTtl: [
    ["0", "5s", true],
    ["5s", "6s", true],
  ],
  allowAtomic: [
    [false, true, true],
    [true, false, true],
  ],
  allowBatched: [
    [false, true, true],
    [true, false, true],
  ],
  allowMsgCounter: [
    [false, true, false],
    [true, false, false],
  ],
  allowMsgSchedules: [
    [false, true, true],
    [true, false, false],
  ],
  persistMode: [
    ["default", "async", false],
    ["async", "default", false],
  ],
  metadata: [
    [{ a: "1" }, {}, true],
    [{}, { a: "1" }, true],
  ],
};
/** Changes of every consumer field. */
export const CONSUMER_CHANGES: Record<keyof typeof CONSUMER_FIELDS, FieldCase[]> = {
  stream: [["A", "B", false]],
  name: [["a", "b", false]],
  description: [["a", "b", true]],
  filterSubjects: [
    [[], ["a"], true],
    [["a", "b"], ["a"], true],
  ],
  deliverPolicy: [["all", "new", false]],
  optStartSeq: [[0, 5, false]],
  optStartTime: [["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", false, { deliverPolicy: "by_start_time" }]],
  ackPolicy: [["explicit", "all", false]],
  ackWait: [["30s", "1m", true]],
  maxDeliver: [[-1, 5, true]],
  backoff: [
    [[], ["1s", "5s"], true, { maxDeliver: 5 }],
    [["5s", "1s"], ["1s", "5s"], true, { maxDeliver: 5 }],
  ],
  maxAckPending: [[1_000, -1, true]],
  replayPolicy: [["instant", "original", false]],
  sampleFreq: [["10%", "20%", true]],
  headersOnly: [[false, true, true]],
  maxWaiting: [[512, 100, false]],
  maxBatch: [[0, 5, true]],
  maxExpires: [["0", "5s", true]],
  maxBytes: [[0, 5, true]],
  inactiveThreshold: [["0", "5s", true]],
  deliverSubject: [
    ["x.a", "x.b", true],
    [undefined, "x.b", false],
    ["x.a", undefined, false],
  ],
  deliverGroup: [["a", "b", true, { deliverSubject: "x.y" }]],
  flowControl: [[false, true, false, { deliverSubject: "x.y", idleHeartbeat: "5s" }]],
  idleHeartbeat: [["0", "5s", false, { deliverSubject: "x.y" }]],
  rateLimitBps: [[0, 5, true, { deliverSubject: "x.y" }]],
  replicas: [[0, 1, true]],
  memStorage: [[false, true, false]],
  priorityPolicy: [["none", "overflow", true]],
  priorityGroups: [[[], ["a"], true]],
  priorityTimeout: [["0", "5s", true, { priorityPolicy: "pinned_client", priorityGroups: ["a"] }]],
  pauseUntil: [
    [undefined, "2099-01-01T00:00:00Z", true],
    ["2099-01-01T00:00:00Z", "2099-02-01T00:00:00Z", true],
    ["2099-01-01T00:00:00Z", undefined, true],
  ],
  metadata: [[{ a: "1" }, {}, true]],
};

/** The changes one under another, each with its field. */
export function changeRows(
  changes: Record<string, FieldCase[]>,
): { key: string; was: unknown; want: unknown; inPlace: boolean; beside: object }[] {
  return Object.entries(changes).flatMap(([key, cases]) =>
    cases.map(([was, want, inPlace, beside = {}]) => ({ key, was, want, inPlace, beside })),
  );
}
