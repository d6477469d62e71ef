/** What a person writes for streams and buckets. Durations and sizes carry units; whatever is left out has its default. */
import type { Duration, Size } from "../core/units.ts";

/** What natsbus may do to something that holds data. */
export interface PolicyArgs {
  /** Whether removing the resource deletes the object and its data (`delete`) or leaves it on the servers (`retain`).
   * @default "retain" */
  readonly deletionPolicy?: "retain" | "delete";
  /** What to do when a change cannot be made in place: `refuse` while anything would be lost, `migrate` to move messages, sequences and consumers over a verified copy,
   * or `recreate` at the price of what is stored. A consumer that is migrated goes on behind the last message up to which all were acknowledged.
   * @default "refuse"
   * @throws ERR_STREAM_IMMUTABLE in the preview when the change is refused */
  readonly replacePolicy?: "refuse" | "migrate" | "recreate";
  /** Whether an object of this name that natsbus did not make may be taken over.
   * @default "never"
   * @throws ERR_STREAM_FOREIGN when there is one and it may not */
  readonly adoptionPolicy?: "never" | "adopt";
}

/** Which servers may hold the replicas. */
export interface PlacementArgs {
  /** Cluster of a super-cluster. @default - any */
  readonly cluster?: string;
  /** Tags a server must have, all of them. @default [] */
  readonly tags?: readonly string[];
}

/** Rewrites subjects: `src` is a pattern, `dest` may use `{{wildcard(1)}}` and the like. */
export interface SubjectTransformArgs {
  /** Subjects it applies to. @default - all */
  readonly src?: string;
  /** What they become. */
  readonly dest: string;
}

/** A stream that another one copies from. */
export interface StreamSourceArgs {
  /** Name of the stream. */
  readonly name: string;
  /** First sequence to copy. @default - the first one there is */
  readonly optStartSeq?: number;
  /** Time of the first message to copy, ISO 8601. @default - the first one there is */
  readonly optStartTime?: string;
  /** Subjects to copy. @default - all */
  readonly filterSubject?: string;
  /** How copied subjects change. @default [] */
  readonly subjectTransforms?: readonly SubjectTransformArgs[];
  /** Where the stream is when it is in another account or domain. @default - here */
  readonly external?: { readonly api: string; readonly deliver?: string };
  /** A durable consumer to copy through, nats-server 2.14. @default - one the server makes */
  readonly consumer?: { readonly name?: string; readonly deliverSubject?: string };
}

/** Copies stored messages to another subject. */
export interface RepublishArgs {
  /** Subjects to copy. @default ">" */
  readonly src?: string;
  /** Subject to copy to. */
  readonly dest: string;
  /** Whether to leave out the payload. @default false */
  readonly headersOnly?: boolean;
}

/** A stream.
 * @see nats-server 2.15, JetStream API `STREAM.CREATE` */
export interface StreamArgs extends PolicyArgs {
  /** Name; unique in the account. */
  readonly name: string;
  /** What it is for. @default "" */
  readonly description?: string;
  /** Subjects it stores, wildcards allowed. @default - its name; none for a mirror or with sources */
  readonly subjects?: readonly string[];
  /** When messages go: by the limits, when every consumer has them (`interest`), or when one has them (`workqueue`). @default "limits" */
  readonly retention?: "limits" | "interest" | "workqueue";
  /** Most consumers, -1 for unlimited. @default -1 */
  readonly maxConsumers?: number;
  /** Most messages, -1 for unlimited. @default -1 */
  readonly maxMsgs?: number;
  /** Most bytes; `"0"` for unlimited. Servers reserve this much. @default "0" */
  readonly maxBytes?: Size;
  /** Age after which messages are removed, from 100ms; `"0"` keeps for ever. @default "0" */
  readonly maxAge?: Duration;
  /** Most messages a subject, -1 for unlimited. @default -1 */
  readonly maxMsgsPerSubject?: number;
  /** Largest message; `"0"` for the server's limit. @default "0" */
  readonly maxMsgSize?: Size;
  /** How long a message id is remembered to drop duplicates, from 100ms, at most `maxAge`. @default - 2 minutes, or `maxAge` when shorter */
  readonly duplicateWindow?: Duration;
  /** What goes when a limit is reached: the oldest messages or the new one. @default "old" */
  readonly discard?: "old" | "new";
  /** Whether `discard: new` also applies to each subject's limit. @default false */
  readonly discardNewPerSubject?: boolean;
  /** Where messages are kept; chosen once. @default "file" */
  readonly storage?: "file" | "memory";
  /** Number of servers that hold the stream, 1 to 5. @default 3, or the number of servers when there are fewer */
  readonly replicas?: number;
  /** Which servers may hold it. @default - any */
  readonly placement?: PlacementArgs;
  /** Whether publishers get no acknowledgement. @default false */
  readonly noAck?: boolean;
  /** Stream to be a read-only copy of. @default - none */
  readonly mirror?: StreamSourceArgs;
  /** Streams to copy from. @default [] */
  readonly sources?: readonly StreamSourceArgs[];
  /** Compression on disk. @default "none" */
  readonly compression?: "none" | "s2";
  /** Sequence of the first message; counts when the stream is made. @default 1 */
  readonly firstSeq?: number;
  /** How subjects change before they are stored. @default - not */
  readonly subjectTransform?: SubjectTransformArgs;
  /** Where stored messages are copied to. @default - nowhere */
  readonly republish?: RepublishArgs;
  /** Whether any replica may answer direct reads. @default false */
  readonly allowDirect?: boolean;
  /** Whether a mirror answers direct reads for its origin; the origin decides. @default false */
  readonly mirrorDirect?: boolean;
  /** Whether nothing can be stored or deleted any more; never taken back. @default false */
  readonly sealed?: boolean;
  /** Whether single messages cannot be deleted; never taken back. @default false */
  readonly denyDelete?: boolean;
  /** Whether the stream cannot be purged; never taken back. @default false */
  readonly denyPurge?: boolean;
  /** Whether a message may replace earlier ones of its subject. @default false */
  readonly allowRollup?: boolean;
  /** Limits and defaults of its consumers. @default {} */
  readonly consumerLimits?: { readonly inactiveThreshold?: Duration; readonly maxAckPending?: number };
  /** Whether messages may carry their own time to live; nats-server 2.11, never taken back. @default false */
  readonly allowMsgTtl?: boolean;
  /** How long a marker of a removed subject stays, from 1s; nats-server 2.11, brings `allowMsgTtl` and `allowRollup`. @default "0" */
  readonly subjectDeleteMarkerTtl?: Duration;
  /** Whether atomic batches are accepted; nats-server 2.12. @default false */
  readonly allowAtomic?: boolean;
  /** Whether fast batches are accepted; nats-server 2.14. @default false */
  readonly allowBatched?: boolean;
  /** Whether subjects are counters; nats-server 2.12, chosen once. @default false */
  readonly allowMsgCounter?: boolean;
  /** Whether messages may be scheduled; nats-server 2.12, never taken back, brings `allowRollup`. @default false */
  readonly allowMsgSchedules?: boolean;
  /** When data reaches the disk; `async` needs file storage and one replica; nats-server 2.12, chosen once. @default "default" */
  readonly persistMode?: "default" | "async";
  /** Texts by name, for people and tools. @default {} */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A key-value bucket: stream `KV_<bucket>`. */
export interface KeyValueArgs extends PolicyArgs {
  /** Bucket name: letters, digits, `-` and `_`. */
  readonly bucket: string;
  /** What it is for. @default "" */
  readonly description?: string;
  /** Values kept a key, 1 to 64. @default 1 */
  readonly history?: number;
  /** Age after which values are removed; `"0"` keeps for ever. @default "0" */
  readonly ttl?: Duration;
  /** Largest value; `"0"` for the server's limit. @default "0" */
  readonly maxValueSize?: Size;
  /** Most bytes; `"0"` for unlimited. @default "0" */
  readonly maxBytes?: Size;
  /** How long markers of deleted and expired keys stay, from 1s; nats-server 2.11. @default "0" */
  readonly limitMarkerTtl?: Duration;
  /** Where values are kept; chosen once. @default "file" */
  readonly storage?: "file" | "memory";
  /** Number of servers that hold the bucket, 1 to 5. @default 3, or the number of servers when there are fewer */
  readonly replicas?: number;
  /** Which servers may hold it. @default - any */
  readonly placement?: PlacementArgs;
  /** Compression on disk. @default "none" */
  readonly compression?: "none" | "s2";
  /** Where changes are copied to. @default - nowhere */
  readonly republish?: RepublishArgs;
  /** Texts by name. @default {} */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An object store: stream `OBJ_<bucket>`. */
export interface ObjectStoreArgs extends PolicyArgs {
  /** Bucket name: letters, digits, `-` and `_`. */
  readonly bucket: string;
  /** What it is for. @default "" */
  readonly description?: string;
  /** Age after which objects are removed; `"0"` keeps for ever. @default "0" */
  readonly ttl?: Duration;
  /** Most bytes; `"0"` for unlimited. @default "0" */
  readonly maxBytes?: Size;
  /** Where objects are kept; chosen once. @default "file" */
  readonly storage?: "file" | "memory";
  /** Number of servers that hold the store, 1 to 5. @default 3, or the number of servers when there are fewer */
  readonly replicas?: number;
  /** Which servers may hold it. @default - any */
  readonly placement?: PlacementArgs;
  /** Compression on disk. @default "none" */
  readonly compression?: "none" | "s2";
  /** Texts by name. @default {} */
  readonly metadata?: Readonly<Record<string, string>>;
}
