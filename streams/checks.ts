/** Rules between the fields of one object that a server would refuse, found before it is asked. */
import type { ErrorCode, Problem } from "../core/errors.ts";
import { nameProblem, subjectProblem, subjectsOverlap } from "../core/names.ts";
import type { ConsumerSpec } from "./consumer-fields.ts";
import type { StreamSpec } from "./fields.ts";

interface Rule<S> {
  readonly code: ErrorCode;
  readonly key: string;
  readonly broken: (spec: S) => boolean;
  readonly message: string;
  readonly remedy: string;
}

const SHORTEST_MS = 100;
const SHORTEST_MARKER_MS = 1_000;
const LONGEST_DESCRIPTION = 4_096;
const LARGEST_METADATA = 128 * 1024;

const STREAM_RULES: readonly Rule<StreamSpec>[] = [
  rule("maxAge", (s) => s.maxAge !== 0 && s.maxAge < SHORTEST_MS, "an age below 100ms is not allowed", 'use 100ms or more, or "0"'),
  rule(
    "duplicateWindow",
    (s) => s.duplicateWindow !== 0 && s.duplicateWindow < SHORTEST_MS,
    "a window below 100ms is not allowed",
    "use 100ms or more",
  ),
  rule(
    "duplicateWindow",
    (s) => s.maxAge > 0 && !s.sealed && s.duplicateWindow > s.maxAge,
    "the window is longer than maxAge",
    "shorten it, or raise maxAge",
  ),
  rule(
    "discardNewPerSubject",
    (s) => s.discardNewPerSubject && (s.discard !== "new" || s.maxMsgsPerSubject <= 0),
    'it needs discard "new" and maxMsgsPerSubject',
    "set both",
  ),
  rule(
    "persistMode",
    (s) => s.persistMode === "async" && (s.storage !== "file" || s.replicas !== 1),
    '"async" needs file storage and one replica',
    "set replicas: 1 and storage: file",
  ),
  rule("persistMode", (s) => s.persistMode === "async" && s.allowAtomic, '"async" does not go with allowAtomic', "choose one"),
  rule("allowRollup", (s) => s.allowRollup && s.denyPurge, "roll-ups do not go with denyPurge", "choose one"),
  rule(
    "subjectDeleteMarkerTtl",
    (s) => s.subjectDeleteMarkerTtl !== 0 && s.subjectDeleteMarkerTtl < SHORTEST_MARKER_MS,
    "below 1s is not allowed",
    "use 1s or more",
  ),
  rule(
    "subjectDeleteMarkerTtl",
    (s) => s.subjectDeleteMarkerTtl > 0 && s.mirror !== undefined,
    "a mirror makes no markers",
    "leave it out",
  ),
  rule(
    "allowMsgCounter",
    (s) => s.allowMsgCounter && s.retention !== "limits",
    'counters need retention "limits"',
    "set retention: limits",
  ),
  rule("allowMsgCounter", (s) => s.allowMsgCounter && s.discard === "new", 'counters do not go with discard "new"', "set discard: old"),
  rule(
    "allowMsgCounter",
    (s) => s.allowMsgCounter && (s.allowMsgTtl || s.allowMsgSchedules),
    "counters do not go with allowMsgTtl or allowMsgSchedules",
    "choose one",
  ),
  rule(
    "allowMsgSchedules",
    (s) => s.allowMsgSchedules && s.discard === "new" && !s.sealed,
    'schedules do not go with discard "new"',
    "set discard: old",
  ),
  rule("allowMsgSchedules", (s) => s.allowMsgSchedules && s.sources.length > 0, "schedules do not go with sources", "choose one"),
  rule(
    "mirror",
    (s) => s.mirror !== undefined && (s.subjects.length > 0 || s.sources.length > 0),
    "a mirror has neither subjects nor sources",
    "leave them out",
  ),
  rule(
    "mirror",
    (s) => s.mirror !== undefined && (s.allowMsgCounter || s.allowAtomic || s.allowBatched || s.allowMsgSchedules),
    "a mirror takes no counters, batches or schedules",
    "leave them out",
  ),
  rule("mirror", (s) => s.mirror !== undefined && s.firstSeq !== 0, "a mirror takes its sequences from the origin", "leave firstSeq out"),
  rule(
    "subjects",
    (s) => s.subjects.includes(">") && !(s.noAck && s.replicas === 1),
    'a stream on ">" must have noAck and one replica',
    "name narrower subjects",
  ),
  rule("description", (s) => s.description.length > LONGEST_DESCRIPTION, "a description has at most 4096 characters", "shorten it"),
  rule("metadata", (s) => sizeOf(s.metadata) > LARGEST_METADATA, "metadata has at most 128 KiB", "shorten it"),
];

const CONSUMER_RULES: readonly Rule<ConsumerSpec>[] = [
  rule("stream", (c) => c.stream === "", "the stream is missing", "name the stream it reads"),
  rule(
    "backoff",
    (c) => c.maxDeliver > 0 && c.backoff.length > c.maxDeliver,
    "there are more waits than deliveries",
    "raise maxDeliver, or leave waits out",
  ),
  rule(
    "backoff",
    (c) => c.backoff.length > 0 && c.ackPolicy === "none",
    "nothing is delivered again without acknowledgements",
    "set ackPolicy: explicit",
  ),
  rule(
    "optStartSeq",
    (c) => c.optStartSeq > 0 !== (c.deliverPolicy === "by_start_sequence"),
    "it goes with deliverPolicy by_start_sequence, and only with that",
    "set both or none",
  ),
  rule(
    "optStartTime",
    (c) => (c.optStartTime !== "") !== (c.deliverPolicy === "by_start_time"),
    "it goes with deliverPolicy by_start_time, and only with that",
    "set both or none",
  ),
  rule(
    "deliverGroup",
    (c) => c.deliverGroup !== "" && c.deliverSubject === "",
    "a queue group needs a deliverSubject",
    "set deliverSubject, or leave the group out",
  ),
  rule(
    "flowControl",
    (c) => c.flowControl && (c.deliverSubject === "" || c.idleHeartbeat === 0),
    "flow control needs deliverSubject and idleHeartbeat",
    "set both, or leave it out",
  ),
  rule(
    "idleHeartbeat",
    (c) => c.idleHeartbeat > 0 && c.deliverSubject === "",
    "a heartbeat needs a deliverSubject",
    "leave it out for a pull consumer",
  ),
  rule(
    "rateLimitBps",
    (c) => c.rateLimitBps > 0 && c.deliverSubject === "",
    "a rate limit needs a deliverSubject",
    "leave it out for a pull consumer",
  ),
  rule(
    "maxBatch",
    (c) => (c.maxBatch > 0 || c.maxExpires > 0 || c.maxBytes > 0) && c.deliverSubject !== "",
    "limits of pull requests do not go with deliverSubject",
    "leave them out for a push consumer",
  ),
  rule(
    "priorityPolicy",
    (c) => (c.priorityPolicy !== "none") !== c.priorityGroups.length > 0,
    "a policy and groups go together",
    "set both or none",
  ),
];

/** Everything wrong within one stream, before normalising. */
export function streamProblems(spec: StreamSpec, path: string): Problem[] {
  return [
    ...named("stream", "name", spec.name, path),
    ...broken(STREAM_RULES, spec, path),
    ...subjectListProblems(spec.subjects, { path, key: "subjects", what: "stored twice" }),
  ];
}

/** Everything wrong within one consumer, before normalising. */
export function consumerProblems(spec: ConsumerSpec, path: string): Problem[] {
  return [
    ...named("consumer", "name", spec.name, path),
    ...broken(CONSUMER_RULES, spec, path),
    ...subjectListProblems(spec.filterSubjects, { path, key: "filterSubjects", what: "delivered twice" }),
  ];
}

/** What is wrong with a name, at its setting. */
export function named(kind: "stream" | "consumer" | "bucket", key: string, name: string, path: string): Problem[] {
  const problem = nameProblem(kind, name);
  return problem === undefined ? [] : [{ code: "ERR_NAME", path: `${path}.${key}`, message: problem, remedy: "choose another name" }];
}

function subjectListProblems(
  subjects: readonly string[],
  list: { readonly path: string; readonly key: string; readonly what: string },
): Problem[] {
  return subjects.flatMap((subject, index): Problem[] => {
    const path = `${list.path}.${list.key}[${index}]`;
    const malformed = subjectProblem(subject);
    if (malformed !== undefined) return [{ code: "ERR_SUBJECT", path, message: malformed, remedy: "correct the subject" }];
    const other = subjects.slice(0, index).find((earlier) => subjectsOverlap(earlier, subject));
    if (other === undefined) return [];
    const message = `"${subject}" and "${other}" overlap; a message would be ${list.what}`;
    return [{ code: "ERR_SUBJECT_OVERLAP", path, message, remedy: "leave one out, or narrow it" }];
  });
}

function broken<S>(rules: readonly Rule<S>[], spec: S, path: string): Problem[] {
  return rules
    .filter((each) => each.broken(spec))
    .map(({ code, key, message, remedy }) => ({ code, path: `${path}.${key}`, message, remedy }));
}

function rule<S>(...[key, test, message, remedy]: [string, (spec: S) => boolean, string, string]): Rule<S> {
  return { code: "ERR_STREAM_LIMIT", key, broken: test, message, remedy };
}

function sizeOf(labels: Readonly<Record<string, string>>): number {
  return Object.entries(labels).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}
