/** Publishes with acknowledgement, again and again until a deadline, at most so many at a time. */
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Duration, parseDuration } from "../core/units.ts";
import type { AckInbox } from "./ack-inbox.ts";
import { publishDelay } from "./back-off.ts";
import { InFlightWindow } from "./in-flight.ts";
import type { ClientMetrics } from "./metrics.ts";
import { assertWhole } from "./options.ts";
import { type Ack, assertFits, encodeOutgoing, type OutgoingMessage, parseAck } from "./outgoing.ts";
import { laneOf } from "./priority.ts";
import { classifyFailure, type FailureKind, publishError } from "./publish-failure.ts";
import type { MessageSigner } from "./signing.ts";

/** How a client publishes. */
export interface PublishingArgs {
  /** Messages of one priority that may be unconfirmed at a time. Range: 1 up.
   * @default 256 */
  readonly maxInFlight?: number;
  /** Messages of one priority that may wait for that; one more is refused with `ERR_CLIENT_BACKPRESSURE`.
   * @default 10000 */
  readonly maxQueued?: number;
  /** How long one attempt waits for its acknowledgement.
   * @default "2s" */
  readonly attemptTimeout?: Duration;
  /** How long a message is tried in all, once it is in the window.
   * @default "10s" */
  readonly deadline?: Duration;
}

/** Where a message was stored. */
export interface PublishReceipt {
  /** Subject the message went to. */
  readonly subject: string;
  /** Stream that stores it. */
  readonly stream: string;
  /** Its place in that stream, from 1; of a duplicate the place of the first one. */
  readonly sequence: number;
  /** Whether the stream held a message with this id already. */
  readonly duplicate: boolean;
  /** The message's id. */
  readonly id: string;
  /** How often it was sent. */
  readonly attempts: number;
}

/** What a publisher works with. */
export interface PublisherTools {
  readonly connection: NatsConnection;
  readonly acks: AckInbox;
  readonly metrics: ClientMetrics;
  readonly signer: MessageSigner | undefined;
}

/** The publishing half of a client. */
export class Publisher {
  readonly #tools: PublisherTools;
  readonly #window: InFlightWindow;
  readonly #attemptMs: number;
  readonly #deadlineMs: number;

  /** @throws ERR_CLIENT_OPTION for a number out of range, ERR_UNIT for a malformed duration */
  constructor(tools: PublisherTools, args: PublishingArgs) {
    const { maxInFlight = 256, maxQueued = 10_000, attemptTimeout = "2s", deadline = "10s" } = args;
    assertWhole("publishing.maxInFlight", maxInFlight, 1);
    assertWhole("publishing.maxQueued", maxQueued, 0);
    this.#tools = tools;
    this.#window = new InFlightWindow({ maxInFlight, maxQueued });
    this.#attemptMs = Math.max(1, parseDuration(attemptTimeout, "publishing.attemptTimeout"));
    this.#deadlineMs = parseDuration(deadline, "publishing.deadline");
  }

  /**
   * Sends one message until a stream has confirmed it.
   * @throws ERR_CLIENT_SIZE, ERR_CLIENT_BACKPRESSURE, ERR_CLIENT_PUBLISH, ERR_CLIENT_DEADLINE, ERR_CLIENT_CLOSED
   */
  async publish(message: OutgoingMessage): Promise<PublishReceipt> {
    const startedMs = performance.now();
    const lane = laneOf(message.subject);
    const room = this.#window.acquire(lane);
    if (room !== undefined) await room;
    try {
      const { ack, attempts } = await this.#send(message);
      this.#count(ack, message, performance.now() - startedMs);
      return {
        subject: message.subject,
        stream: ack.stream,
        sequence: ack.seq,
        duplicate: ack.duplicate === true,
        id: message.id,
        attempts,
      };
    } catch (error) {
      this.#tools.metrics.counts.failed += 1;
      throw error;
    } finally {
      this.#window.release(lane);
    }
  }

  /** How long an attempt and a message may take, in milliseconds. */
  get limits(): { readonly attemptMs: number; readonly deadlineMs: number } {
    return { attemptMs: this.#attemptMs, deadlineMs: this.#deadlineMs };
  }

  /** Resolves when every message was confirmed or given up. */
  async idle(): Promise<void> {
    await this.#window.idle();
  }

  /** Brings the gauges up to date. */
  observe(): void {
    const { counts } = this.#tools.metrics;
    counts.inFlight = this.#window.inFlight;
    counts.queued = this.#window.queued;
  }

  async #send(message: OutgoingMessage): Promise<{ readonly ack: Ack; readonly attempts: number }> {
    const { lines, size } = await encodeOutgoing(message, this.#tools.signer);
    assertFits(message, size, this.#tools.connection);
    const kinds = new Set<FailureKind>();
    const startedMs = performance.now();
    const endMs = startedMs + (message.deadlineMs ?? this.#deadlineMs);
    for (let attempts = 1; ; attempts += 1) {
      try {
        const timeoutMs = Math.max(1, Math.min(this.#attemptMs, endMs - performance.now()));
        return { ack: parseAck(await this.#tools.acks.ask(message.subject, message.payload, lines, timeoutMs)), attempts };
      } catch (cause) {
        const kind = classifyFailure(cause);
        kinds.add(kind);
        const waitMs = publishDelay(attempts - 1);
        const isFinal = kind === "refused" || kind === "closed" || performance.now() + waitMs >= endMs;
        if (isFinal) throw publishError({ ...message, attempts, elapsedMs: performance.now() - startedMs, kinds, cause });
        this.#tools.metrics.counts.retries += 1;
        await delay(waitMs);
      }
    }
  }

  #count(ack: Ack, { payload }: OutgoingMessage, elapsedMs: number): void {
    const { counts, publishLatency, publishRate } = this.#tools.metrics;
    counts.confirmed += 1;
    counts.payloadBytes += payload.length;
    if (ack.duplicate === true) counts.duplicates += 1;
    publishLatency.record(elapsedMs);
    publishRate.mark();
  }
}
