/** Publishes with acknowledgement, again and again until a deadline, at most so many at a time. */
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, jetstream, type PubAck } from "@nats-io/jetstream";
import { headers as createHeaders, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import { publishDelay } from "./back-off.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import { InFlightWindow } from "./in-flight.ts";
import type { ClientMetrics } from "./metrics.ts";
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
  readonly subject: string;
  readonly stream: string;
  readonly sequence: number;
  /** Whether the stream held a message with this id already. */
  readonly duplicate: boolean;
  /** The message's id. */
  readonly id: string;
  /** How often it was sent. */
  readonly attempts: number;
}

/** A message ready to be sent. */
export interface OutgoingMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: HeaderRecord;
  /** Identity for de-duplication. */
  readonly id: string;
  /** In milliseconds.
   * @default - as the client publishes */
  readonly deadlineMs?: number | undefined;
}

// What headers cost on the wire beside the text of their lines.
const HEADER_OVERHEAD = 32;

/** The publishing half of a client. */
export class Publisher {
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #metrics: ClientMetrics;
  readonly #signer: MessageSigner | undefined;
  readonly #window: InFlightWindow;
  readonly #attemptMs: number;
  readonly #deadlineMs: number;

  /** @throws ERR_CLIENT_OPTION for a number out of range, ERR_UNIT for a malformed duration */
  constructor(connection: NatsConnection, metrics: ClientMetrics, args: PublishingArgs, signer?: MessageSigner) {
    const { maxInFlight = 256, maxQueued = 10_000, attemptTimeout = "2s", deadline = "10s" } = args;
    assertCount("publishing.maxInFlight", maxInFlight, 1);
    assertCount("publishing.maxQueued", maxQueued, 0);
    this.#connection = connection;
    this.#jetstream = jetstream(connection);
    this.#metrics = metrics;
    this.#signer = signer;
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
    this.#assertFits(message);
    const lane = laneOf(message.subject);
    await this.#window.acquire(lane);
    try {
      const { ack, attempts } = await this.#send(message);
      this.#count(ack, message, performance.now() - startedMs);
      return { subject: message.subject, stream: ack.stream, sequence: ack.seq, duplicate: ack.duplicate, id: message.id, attempts };
    } catch (error) {
      this.#metrics.counts.failed += 1;
      throw error;
    } finally {
      this.#window.release(lane);
      this.observe();
    }
  }

  /** Resolves when every message was confirmed or given up. */
  async idle(): Promise<void> {
    await this.#window.idle();
  }

  /** Brings the gauges up to date. */
  observe(): void {
    this.#metrics.counts.inFlight = this.#window.inFlight;
    this.#metrics.counts.queued = this.#window.queued;
  }

  async #send(message: OutgoingMessage): Promise<{ readonly ack: PubAck; readonly attempts: number }> {
    const headers = this.#headersOf(message);
    const kinds = new Set<FailureKind>();
    const startedMs = performance.now();
    const endMs = startedMs + (message.deadlineMs ?? this.#deadlineMs);
    for (let attempts = 1; ; attempts += 1) {
      try {
        const timeout = Math.max(1, Math.min(this.#attemptMs, endMs - performance.now()));
        return { ack: await this.#jetstream.publish(message.subject, message.payload, { headers, timeout }), attempts };
      } catch (cause) {
        const kind = classifyFailure(cause);
        kinds.add(kind);
        const waitMs = publishDelay(attempts - 1);
        const isFinal = kind === "refused" || kind === "closed" || performance.now() + waitMs >= endMs;
        if (isFinal) throw publishError({ ...message, attempts, elapsedMs: performance.now() - startedMs, kinds, cause });
        this.#metrics.counts.retries += 1;
        await delay(waitMs);
      }
    }
  }

  #headersOf({ subject, payload, headers, id }: OutgoingMessage): MsgHdrs {
    const named = { ...headers, [HEADER.id]: id };
    const signed = this.#signer?.sign({ subject, payload, headers: named }, Date.now()) ?? {};
    const lines = createHeaders();
    for (const [name, value] of Object.entries({ ...named, ...signed })) lines.set(name, value);
    return lines;
  }

  #assertFits({ subject, payload, headers }: OutgoingMessage): void {
    const most = this.#connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    const lines = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 4, 0);
    // Id, key, time and signature come on top.
    const size = payload.length + lines + HEADER_OVERHEAD + (this.#signer === undefined ? 64 : 320);
    if (size <= most) return;
    throw new BusError("ERR_CLIENT_SIZE", `a message to ${subject} has ${size} bytes with its headers; the server takes ${most}`, {
      remedy: "put the content into an object store and publish its name, or raise max_payload of the servers",
    });
  }

  #count(ack: PubAck, { payload }: OutgoingMessage, elapsedMs: number): void {
    const { counts, publishLatency, publishRate } = this.#metrics;
    counts.confirmed += 1;
    counts.payloadBytes += payload.length;
    if (ack.duplicate) counts.duplicates += 1;
    publishLatency.record(elapsedMs);
    publishRate.mark();
  }
}

/**
 * Refuses a number that is not whole or too small.
 * @throws ERR_CLIENT_OPTION
 */
function assertCount(path: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new BusError("ERR_CLIENT_OPTION", `${path}: ${value} is not a whole number from ${least}`, { path });
}
