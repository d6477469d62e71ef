/** Stores several messages of one stream together or not at all, as servers from 2.12 on can. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { AckInbox } from "./ack-inbox.ts";
import { publishDelay } from "./back-off.ts";
import type { HeaderRecord } from "./headers.ts";
import { type Ack, assertFits, encodeOutgoing, type OutgoingMessage, parseAck } from "./outgoing.ts";
import { classifyFailure, type FailureKind, publishError } from "./publish-failure.ts";
import type { PublishReceipt } from "./publisher.ts";
import type { MessageSigner } from "./signing.ts";

/** What an atomic batch is sent with. */
export interface AtomicTools {
  readonly connection: NatsConnection;
  readonly acks: AckInbox;
  readonly signer: MessageSigner | undefined;
  readonly attemptMs: number;
  readonly deadlineMs: number;
}

/** What came of an atomic batch. */
export type AtomicOutcome =
  | { readonly kind: "stored"; readonly receipts: readonly PublishReceipt[] }
  /** The stream does not take atomic batches. */
  | { readonly kind: "unsupported" }
  /** The server is older than 2.12. */
  | { readonly kind: "old-server" }
  /** At least one of its ids is in the stream already, and not by an earlier attempt of this batch. */
  | { readonly kind: "duplicate" };

const DISABLED = 10_174;
const DUPLICATE = 10_201;
const TOO_MANY = 10_210;
const FIRST_VERSION = [2, 12] as const;

/** Most messages a server takes in one atomic batch. */
export const MOST_ATOMIC = 1_000;

class NotConnected extends Error {
  constructor() {
    super("the client is not connected");
  }
}

/**
 * Sends a batch until it is confirmed. A batch whose confirmation was lost is sent again, and its ids tell that it is stored.
 * @param mayBeStored whether an earlier attempt of the same messages was not confirmed
 * @throws ERR_CLIENT_SIZE, ERR_CLIENT_PUBLISH, ERR_CLIENT_DEADLINE, ERR_CLIENT_CLOSED
 */
export async function sendAtomic(messages: readonly OutgoingMessage[], tools: AtomicTools, mayBeStored: boolean): Promise<AtomicOutcome> {
  const kinds = new Set<FailureKind>();
  const startedMs = performance.now();
  for (let attempts = 1; ; attempts += 1) {
    try {
      // Every time: a reconnected client may have come to another server.
      if (!isNewEnough(tools.connection)) return { kind: "old-server" };
      const ack = await sendOnce(messages, tools);
      return { kind: "stored", receipts: receiptsOf(messages, ack, attempts) };
    } catch (cause) {
      const final = finalOutcome(cause, mayBeStored || kinds.has("unknown"));
      if (final === "stored") return { kind: final, receipts: receiptsOf(messages, undefined, attempts) };
      if (final !== undefined) return { kind: final };
      const waitMs = publishDelay(attempts - 1);
      assertMayRetry({ messages, cause, kinds, attempts, elapsedMs: performance.now() - startedMs }, tools.deadlineMs - waitMs);
      await delay(waitMs);
    }
  }
}

/** @throws NotConnected while there is no server to ask */
function isNewEnough({ info }: NatsConnection): boolean {
  if (info === undefined) throw new NotConnected();
  const [major = 0, minor = 0] = info.version.split(".").map(Number);
  return major > FIRST_VERSION[0] || (major === FIRST_VERSION[0] && minor >= FIRST_VERSION[1]);
}

interface Failure {
  readonly messages: readonly OutgoingMessage[];
  readonly cause: unknown;
  readonly kinds: Set<FailureKind>;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** Notes the kind of a failure, and throws when another attempt would not help or come too late. */
function assertMayRetry({ messages, cause, kinds, attempts, elapsedMs }: Failure, limitMs: number): void {
  const kind = cause instanceof NotConnected || apiCode(cause) === TOO_MANY ? "retry" : classifyFailure(cause);
  kinds.add(kind);
  if (kind !== "refused" && kind !== "closed" && elapsedMs < limitMs) return;
  const { subject = "", id = "" } = messages[0] ?? {};
  throw publishError({ subject, id, attempts, elapsedMs, kinds, cause });
}

/** What a refusal says of the whole batch; `undefined` when it may be sent again. */
function finalOutcome(cause: unknown, mayBeStored: boolean): AtomicOutcome["kind"] | undefined {
  const code = apiCode(cause);
  if (code === DISABLED) return "unsupported";
  if (code !== DUPLICATE) return undefined;
  return mayBeStored ? "stored" : "duplicate";
}

/** The first message asks whether the stream takes batches, the last one commits; nobody answers those between. */
async function sendOnce(messages: readonly OutgoingMessage[], { connection, acks, signer, attemptMs }: AtomicTools): Promise<Ack> {
  const batch = randomUUID();
  const wire = await Promise.all(
    messages.map(async (message, index) => {
      const { lines, size } = await encodeOutgoing(message, signer, batchHeaders(batch, index + 1, messages.length));
      assertFits(message, size, connection);
      return { ...message, lines };
    }),
  );
  for (const [index, { subject, payload, lines }] of wire.entries()) {
    const isLast = index === wire.length - 1;
    if (isLast) return parseAck(await acks.ask(subject, payload, lines, attemptMs));
    if (index > 0) connection.publish(subject, payload, { headers: lines });
    else assertStarted((await acks.ask(subject, payload, lines, attemptMs)).string());
  }
  throw new Error("the batch is empty");
}

function batchHeaders(batch: string, sequence: number, count: number): HeaderRecord {
  const place = { "Nats-Batch-Id": batch, "Nats-Batch-Sequence": String(sequence) };
  return sequence === count ? { ...place, "Nats-Batch-Commit": "1" } : place;
}

/** A batch that began is answered with nothing. */
function assertStarted(answer: string): void {
  if (answer === "") return;
  const { error } = JSON.parse(answer) as { readonly error?: ConstructorParameters<typeof JetStreamApiError>[0] };
  if (error !== undefined) throw new JetStreamApiError(error);
}

function apiCode(cause: unknown): number | undefined {
  return cause instanceof JetStreamApiError ? cause.code : undefined;
}

/** The messages of a batch are neighbours in the stream. */
function receiptsOf(messages: readonly OutgoingMessage[], ack: Ack | undefined, attempts: number): PublishReceipt[] {
  return messages.map(({ subject, id }, index) => {
    const sequence = ack === undefined ? 0 : ack.seq - messages.length + 1 + index;
    return { subject, id, stream: ack?.stream ?? "", sequence, duplicate: ack === undefined, attempts };
  });
}
