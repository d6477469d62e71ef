/** What a person writes for a durable consumer. */
import type { Duration } from "../core/units.ts";
import type { PolicyArgs } from "./args.ts";

/** A durable consumer; `pull` unless it has a `deliverSubject`.
 * @see nats-server 2.15, JetStream API `CONSUMER.CREATE` */
export interface ConsumerArgs extends PolicyArgs {
  /** Stream it reads. */
  readonly stream: string;
  /** Durable name; unique in the stream. */
  readonly name: string;
  /** What it is for. @default "" */
  readonly description?: string;
  /** Subjects it delivers, wildcards allowed, without overlap. @default [], all */
  readonly filterSubjects?: readonly string[];
  /** Where it starts; chosen once. @default "all" */
  readonly deliverPolicy?: "all" | "last" | "new" | "by_start_sequence" | "by_start_time" | "last_per_subject";
  /** First sequence with `by_start_sequence`. @default - none */
  readonly optStartSeq?: number;
  /** First time with `by_start_time`, ISO 8601. @default - none */
  readonly optStartTime?: string;
  /** How messages are acknowledged; chosen once. @default "explicit" */
  readonly ackPolicy?: "none" | "all" | "explicit" | "flow_control";
  /** Time after which an unacknowledged message is delivered again; `backoff` overrides it. @default "30s" */
  readonly ackWait?: Duration;
  /** Most deliveries of one message, -1 for unlimited. @default -1 */
  readonly maxDeliver?: number;
  /** Waits between deliveries, first to last; at most `maxDeliver` of them. @default [] */
  readonly backoff?: readonly Duration[];
  /** Most messages delivered and not yet acknowledged, -1 for unlimited. @default 1000 */
  readonly maxAckPending?: number;
  /** Whether messages come as fast as possible or in their original rhythm; chosen once. @default "instant" */
  readonly replayPolicy?: "instant" | "original";
  /** Share of acknowledgements that are sampled, such as `"10%"`. @default "" */
  readonly sampleFreq?: string;
  /** Whether payloads are left out. @default false */
  readonly headersOnly?: boolean;
  /** Most waiting pull requests; chosen once. @default 512 */
  readonly maxWaiting?: number;
  /** Most messages a pull request. @default 0, unlimited */
  readonly maxBatch?: number;
  /** Longest wait of a pull request. @default "0", unlimited */
  readonly maxExpires?: Duration;
  /** Most bytes a pull request. @default 0, unlimited */
  readonly maxBytes?: number;
  /** Time without use after which the consumer is removed. @default "0", never */
  readonly inactiveThreshold?: Duration;
  /** Subject a push consumer sends to. @default - a pull consumer */
  readonly deliverSubject?: string;
  /** Queue group of a push consumer. @default "" */
  readonly deliverGroup?: string;
  /** Whether a push consumer is throttled by its reader; chosen once. @default false */
  readonly flowControl?: boolean;
  /** How often a silent push consumer shows that it lives; chosen once. @default "0", never */
  readonly idleHeartbeat?: Duration;
  /** Most bits a second a push consumer sends. @default 0, unlimited */
  readonly rateLimitBps?: number;
  /** Number of servers that hold it. @default 0, as the stream */
  readonly replicas?: number;
  /** Whether its position is kept in memory; chosen once. @default false */
  readonly memStorage?: boolean;
  /** How pull requests of several clients are ranked; nats-server 2.11. @default "none" */
  readonly priorityPolicy?: "none" | "overflow" | "pinned_client" | "prioritized";
  /** Groups that pull requests name. @default [] */
  readonly priorityGroups?: readonly string[];
  /** Time after which a silent pinned client loses its place. @default "0" */
  readonly priorityTimeout?: Duration;
  /** Instant until which it delivers nothing, ISO 8601; nats-server 2.11. @default - not paused */
  readonly pauseUntil?: string;
  /** Texts by name. @default {} */
  readonly metadata?: Readonly<Record<string, string>>;
}
