import fc from "fast-check";
import { renderDuration, renderSize } from "../../../core/units.ts";

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const ms = fc.integer({ min: 100, max: 365 * 86_400_000 }).map(renderDuration);
const size = fc.integer({ min: 0, max: 2 ** 45 }).map(renderSize);
const limit = fc.integer({ min: -1, max: 1_000_000 });
const labels = fc.dictionary(word, word, { maxKeys: 3 });
const subjects = fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((words) => words.map((one) => `${one}.>`));
const source = fc.record({ name: word, filterSubject: word, optStartSeq: fc.integer({ min: 0, max: 99 }) }, { requiredKeys: ["name"] });

/** Settings of a stream as a person could write them, each well formed on its own. */
export const streamArgs = fc.record(
  {
    name: word,
    description: fc.string({ maxLength: 20 }),
    subjects,
    retention: fc.constantFrom("limits", "interest", "workqueue"),
    maxConsumers: limit,
    maxMsgs: limit,
    maxBytes: size,
    maxAge: ms,
    maxMsgsPerSubject: limit,
    maxMsgSize: size,
    duplicateWindow: ms,
    discard: fc.constantFrom("old", "new"),
    discardNewPerSubject: fc.boolean(),
    storage: fc.constantFrom("file", "memory"),
    replicas: fc.integer({ min: 1, max: 5 }),
    placement: fc.record({ cluster: word, tags: fc.array(word, { maxLength: 2 }) }, { requiredKeys: [] }),
    noAck: fc.boolean(),
    mirror: source,
    sources: fc.array(source, { maxLength: 2 }),
    compression: fc.constantFrom("none", "s2"),
    firstSeq: fc.integer({ min: 0, max: 1_000 }),
    subjectTransform: fc.record({ src: word, dest: word }),
    republish: fc.record({ src: word, dest: word, headersOnly: fc.boolean() }, { requiredKeys: ["dest"] }),
    allowDirect: fc.boolean(),
    mirrorDirect: fc.boolean(),
    sealed: fc.boolean(),
    denyDelete: fc.boolean(),
    denyPurge: fc.boolean(),
    allowRollup: fc.boolean(),
    consumerLimits: fc.record({ inactiveThreshold: ms, maxAckPending: fc.integer({ min: 0, max: 99 }) }, { requiredKeys: [] }),
    allowMsgTtl: fc.boolean(),
    subjectDeleteMarkerTtl: ms,
    allowAtomic: fc.boolean(),
    allowBatched: fc.boolean(),
    allowMsgCounter: fc.boolean(),
    allowMsgSchedules: fc.boolean(),
    persistMode: fc.constantFrom("default", "async"),
    metadata: labels,
  },
  { requiredKeys: ["name"] },
);

/** Settings of a consumer as a person could write them. */
export const consumerArgs = fc.record(
  {
    stream: word,
    name: word,
    description: fc.string({ maxLength: 20 }),
    filterSubjects: subjects,
    deliverPolicy: fc.constantFrom("all", "last", "new", "by_start_sequence", "by_start_time", "last_per_subject"),
    optStartSeq: fc.integer({ min: 0, max: 99 }),
    optStartTime: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-01T02:00:00.5+02:00"),
    ackPolicy: fc.constantFrom("none", "all", "explicit"),
    ackWait: ms,
    maxDeliver: limit,
    backoff: fc.array(ms, { maxLength: 3 }),
    maxAckPending: limit,
    replayPolicy: fc.constantFrom("instant", "original"),
    sampleFreq: fc.constantFrom("10%", "30"),
    headersOnly: fc.boolean(),
    maxWaiting: fc.integer({ min: 0, max: 1_000 }),
    maxBatch: fc.integer({ min: 0, max: 99 }),
    maxExpires: ms,
    maxBytes: fc.integer({ min: 0, max: 99 }),
    inactiveThreshold: ms,
    deliverSubject: word,
    deliverGroup: word,
    flowControl: fc.boolean(),
    idleHeartbeat: ms,
    rateLimitBps: fc.integer({ min: 0, max: 99 }),
    replicas: fc.integer({ min: 0, max: 5 }),
    memStorage: fc.boolean(),
    priorityPolicy: fc.constantFrom("none", "overflow", "pinned_client", "prioritized"),
    priorityGroups: fc.array(word, { maxLength: 2 }),
    priorityTimeout: ms,
    pauseUntil: fc.constantFrom("2026-01-01T00:00:00Z", "2099-01-01T02:00:00.5+02:00"),
    metadata: labels,
  },
  { requiredKeys: ["stream", "name"] },
);
