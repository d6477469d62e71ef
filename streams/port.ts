/** The calls on a running JetStream that reconciling needs. Absence is an answer; everything unknown is an error. */
import type { WireConfig } from "./wire.ts";

/** Who holds an object. */
export interface Peers {
  /** Whether the server is part of a cluster; a lone server has no peers to wait for. */
  readonly clustered: boolean;
  /** Name of the leader.
   * @default - there is none at the moment */
  readonly leader?: string;
  /** The other servers that hold it. */
  readonly replicas: readonly { readonly name: string; readonly current: boolean }[];
}

/** A stream as it is. */
export interface StreamInfo {
  /** Its configuration, with every field the server wrote. */
  readonly config: WireConfig;
  /** Messages it holds. */
  readonly messages: number;
  /** Bytes it holds. */
  readonly bytes: number;
  /** Sequence of its first message. */
  readonly firstSeq: number;
  /** Last sequence it gave. */
  readonly lastSeq: number;
  /** Time of its oldest message, ISO 8601; empty without messages. */
  readonly firstTime: string;
  /** Time of its newest message, ISO 8601; empty without messages. */
  readonly lastTime: string;
  /** Time it was made, ISO 8601. */
  readonly created: string;
  /** Number of its consumers. */
  readonly consumers: number;
  /** Who holds it. */
  readonly peers: Peers;
}

/** A consumer as it is. */
export interface ConsumerInfo {
  /** Its configuration, with every field the server wrote. */
  readonly config: WireConfig;
  /** Last sequence of the consumer that was delivered; 0 when it never delivered anything. */
  readonly delivered: number;
  /** Stream sequence up to which everything is acknowledged. */
  readonly ackFloor: number;
  /** Messages it has still to deliver. */
  readonly pending: number;
  /** Who holds it. */
  readonly peers: Peers;
}

/** All streams of an account. */
export interface StreamList {
  /** The streams that are known. */
  readonly streams: readonly StreamInfo[];
  /** Names of streams that exist but whose servers do not answer: unknown, never absent. */
  readonly unknown: readonly string[];
}

/** All consumers of a stream. */
export interface ConsumerList {
  /** The consumers that are known. */
  readonly consumers: readonly ConsumerInfo[];
  /** Names of consumers that exist but whose servers do not answer: unknown, never absent. */
  readonly unknown: readonly string[];
}

/** A configuration to write, and the API level the server must have for it. */
export interface WriteRequest {
  /** The whole configuration; what is left out goes back to the server's default. */
  readonly config: WireConfig;
  /** JetStream API level; a server below it refuses instead of dropping fields. */
  readonly level: number;
}

/**
 * JetStream of one account. Every call may throw `ERR_JETSTREAM_TIMEOUT` (it may yet have been done), `ERR_JETSTREAM_LEADER`, `ERR_JETSTREAM_OFF`,
 * `ERR_STREAM_OFFLINE` or a refusal.
 */
export interface StreamPort {
  /** The stream; `undefined` when there is none. `timeoutMs` replaces the connection's own.
   * @throws ERR_STREAM_OFFLINE when it exists and its servers do not answer */
  readStream(name: string, timeoutMs?: number): Promise<StreamInfo | undefined>;
  /** Makes a stream; one with exactly this configuration is a success.
   * @throws ERR_STREAM_CONFLICT when there is one with another configuration, ERR_SUBJECT_OVERLAP when another stream has the subjects */
  createStream(request: WriteRequest): Promise<StreamInfo>;
  /** Gives a stream this whole configuration.
   * @throws ERR_STREAM_CONFLICT when there is none, ERR_STREAM_REFUSED when the server does not allow the change */
  updateStream(request: WriteRequest): Promise<StreamInfo>;
  /** Deletes a stream with all it holds; answers whether there was one. */
  deleteStream(name: string): Promise<boolean>;
  /** Copies a stream with all it holds, its consumers and their positions into a new one of this configuration; a failure may leave a part of it behind. */
  copyStream(from: string, config: WireConfig): Promise<void>;
  /** Map keyed by subject: messages it has in the stream. */
  countSubjects(name: string): Promise<Readonly<Record<string, number>>>;
  /** All streams. */
  listStreams(): Promise<StreamList>;
  /** Names of the streams that store a subject which `subject` covers, those included whose servers do not answer. */
  namesStoring(subject: string): Promise<readonly string[]>;
  /** The consumer; `undefined` when there is none, or no such stream. `timeoutMs` replaces the connection's own. */
  readConsumer(stream: string, name: string, timeoutMs?: number): Promise<ConsumerInfo | undefined>;
  /** Makes a consumer; one with exactly this configuration is a success.
   * @throws ERR_STREAM_CONFLICT when there is one with another configuration, ERR_STREAM_MISSING when the stream does not exist */
  createConsumer(stream: string, request: WriteRequest): Promise<ConsumerInfo>;
  /** Gives a consumer this whole configuration.
   * @throws ERR_STREAM_CONFLICT when there is none, ERR_STREAM_MISSING when the stream does not exist */
  updateConsumer(stream: string, request: WriteRequest): Promise<ConsumerInfo>;
  /** Pauses a consumer until an instant, ISO 8601; lets it go on for "". One that is not there is no failure. */
  pauseConsumer(stream: string, name: string, until: string): Promise<void>;
  /** Deletes a consumer; answers whether there was one. */
  deleteConsumer(stream: string, name: string): Promise<boolean>;
  /** All consumers of a stream. */
  listConsumers(stream: string): Promise<ConsumerList>;
}
