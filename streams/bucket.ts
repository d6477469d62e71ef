/** Key-value buckets and object stores: the settings a person writes, and the stream each of them is. */
import type { Problem } from "../core/errors.ts";
import { named } from "./checks.ts";
import { type Field, field, fixed, inPlace, type SpecOf } from "./field.ts";
import { STREAM_FIELDS, type StreamSpec } from "./fields.ts";
import { count, text } from "./kinds.ts";

const F = STREAM_FIELDS;
const MOST_HISTORY = 64;
const SHORTEST_MARKER_MS = 1_000;

const bucket: Field<string> = field("", text, "", "2.2", fixed("a bucket cannot be renamed", "400/10056"));
const shared = {
  bucket,
  description: F.description,
  ttl: F.maxAge,
  maxBytes: F.maxBytes,
  storage: F.storage,
  replicas: F.replicas,
  placement: F.placement,
  compression: F.compression,
  metadata: F.metadata,
};

/** Settings of a key-value bucket by the name a person writes. */
export const KEY_VALUE_FIELDS = {
  ...shared,
  history: field("max_msgs_per_subject", count(1, MOST_HISTORY, 1), 1, "2.3", inPlace),
  maxValueSize: F.maxMsgSize,
  limitMarkerTtl: F.subjectDeleteMarkerTtl,
  republish: F.republish,
};

/** Settings of an object store by the name a person writes. */
export const OBJECT_STORE_FIELDS = shared;

/** A key-value bucket, complete. */
export type KeyValueSpec = SpecOf<typeof KEY_VALUE_FIELDS>;

/** An object store, complete. */
export type ObjectStoreSpec = SpecOf<typeof OBJECT_STORE_FIELDS>;

/** The stream that is this key-value bucket, as every NATS client expects it. */
export function streamOfKeyValue(spec: KeyValueSpec): StreamSpec {
  return {
    ...bucketStream(spec, `KV_${spec.bucket}`, [`$KV.${spec.bucket}.>`]),
    maxMsgsPerSubject: spec.history,
    maxMsgSize: spec.maxValueSize,
    subjectDeleteMarkerTtl: spec.limitMarkerTtl,
    republish: spec.republish,
    denyDelete: true,
  };
}

/** The stream that is this object store, as every NATS client expects it. */
export function streamOfObjectStore(spec: ObjectStoreSpec): StreamSpec {
  return bucketStream(spec, `OBJ_${spec.bucket}`, [`$O.${spec.bucket}.C.>`, `$O.${spec.bucket}.M.>`]);
}

/** The settings of the key-value bucket that this stream is. */
export function keyValueOfStream(stream: StreamSpec): KeyValueSpec {
  return {
    ...objectStoreOfStream(stream),
    bucket: stream.name.replace(/^KV_/, ""),
    history: Math.max(1, stream.maxMsgsPerSubject),
    maxValueSize: stream.maxMsgSize,
    limitMarkerTtl: stream.subjectDeleteMarkerTtl,
    republish: stream.republish,
  };
}

/** The settings of the object store that this stream is. */
export function objectStoreOfStream(stream: StreamSpec): ObjectStoreSpec {
  const { description, maxBytes, storage, replicas, placement, compression, metadata } = stream;
  const name = stream.name.replace(/^OBJ_/, "");
  return { bucket: name, description, ttl: stream.maxAge, maxBytes, storage, replicas, placement, compression, metadata };
}

/** Everything wrong within one bucket. */
export function bucketProblems(spec: ObjectStoreSpec & { readonly limitMarkerTtl?: number }, path: string): Problem[] {
  const marker = spec.limitMarkerTtl ?? 0;
  const short: Problem = {
    code: "ERR_STREAM_LIMIT",
    path: `${path}.limitMarkerTtl`,
    message: "below 1s is not allowed",
    remedy: "use 1s or more",
  };
  return [...named("bucket", "bucket", spec.bucket, path), ...(marker !== 0 && marker < SHORTEST_MARKER_MS ? [short] : [])];
}

function bucketStream(spec: ObjectStoreSpec, name: string, subjects: readonly string[]): StreamSpec {
  const defaults = Object.fromEntries(Object.entries(F).map(([key, row]) => [key, row.fallback])) as StreamSpec;
  const { description, maxBytes, storage, replicas, placement, compression, metadata } = spec;
  const settings = { description, maxBytes, storage, replicas, placement, compression, metadata };
  return { ...defaults, ...settings, name, subjects, maxAge: spec.ttl, discard: "new", allowRollup: true, allowDirect: true };
}
