/** Messages that could not be processed, as they are kept: the same payload and headers, and why. Pure. */
import { DEAD_HEADER, HEADER, HEADER_NAME, type HeaderRecord, type RejectReason } from "./headers.ts";

/** What is known of a message that is given up. */
export interface LostMessage {
  readonly subject: string;
  readonly stream: string;
  readonly sequence: number;
  readonly consumer: string;
  readonly deliveries: number;
  readonly headers: HeaderRecord;
  readonly payload: Uint8Array;
  readonly reason: RejectReason;
  readonly detail: string;
}

/** A dead letter as it is stored. */
export interface DeadLetter {
  /** Stream the dead letter is in. */
  readonly stream: string;
  /** Its place in that stream, from 1. */
  readonly sequence: number;
  /** Subject of the dead letter. */
  readonly subject: string;
  /** When it was given up. */
  readonly storedAt: Date;
  /** Subject of the message it was. */
  readonly originalSubject: string;
  /** Stream and sequence of the message it was. */
  readonly origin: string;
  /** Consumer that gave it up. */
  readonly consumer: string;
  /** How often the message had been delivered. */
  readonly deliveries: number;
  /** Why, for programs. */
  readonly reason: string;
  /** Why, in words. */
  readonly detail: string;
  /** Headers of the message it was. */
  readonly headers: HeaderRecord;
  /** Payload of the message it was, as it was published; empty when it was too large. */
  readonly payload: Uint8Array;
  /** Whether the payload was too large to be kept; the message itself may still be in its stream. */
  readonly isPayloadOmitted: boolean;
}

const LONGEST_DETAIL = 300;
const OMITTED = "omitted";

/** Id of a message's dead letter: one a consumer, however often it is buried. */
export function deadLetterId({ stream, sequence, consumer }: LostMessage): string {
  return `dead:${stream}:${sequence}:${consumer}`;
}

/** Headers of the dead letter: the message's own without those that servers obey, and why it is dead. */
export function deadLetterHeaders(lost: LostMessage, isPayloadOmitted: boolean): HeaderRecord {
  return {
    ...carriedHeaders(lost.headers),
    [DEAD_HEADER.reason]: lost.reason,
    [DEAD_HEADER.detail]: lost.detail.replaceAll(/\s+/g, " ").slice(0, LONGEST_DETAIL).trim() || lost.reason,
    [DEAD_HEADER.subject]: lost.subject,
    [DEAD_HEADER.stream]: lost.stream,
    [DEAD_HEADER.sequence]: String(lost.sequence),
    [DEAD_HEADER.consumer]: lost.consumer,
    [DEAD_HEADER.deliveries]: String(lost.deliveries),
    ...(isPayloadOmitted ? { [DEAD_HEADER.payload]: OMITTED } : {}),
  };
}

/** A stored message as a dead letter; `undefined` when it is none. */
export function parseDeadLetter(
  stored: Pick<DeadLetter, "stream" | "sequence" | "subject" | "storedAt" | "headers" | "payload">,
): DeadLetter | undefined {
  const { headers } = stored;
  const reason = headers[DEAD_HEADER.reason];
  const originalSubject = headers[DEAD_HEADER.subject];
  if (reason === undefined || originalSubject === undefined) return undefined;
  const dead: readonly string[] = Object.values(DEAD_HEADER);
  return {
    ...stored,
    originalSubject,
    origin: `${headers[DEAD_HEADER.stream] ?? ""}:${headers[DEAD_HEADER.sequence] ?? ""}`,
    consumer: headers[DEAD_HEADER.consumer] ?? "",
    deliveries: Number(headers[DEAD_HEADER.deliveries] ?? 0),
    reason,
    detail: headers[DEAD_HEADER.detail] ?? "",
    headers: Object.fromEntries(Object.entries(carriedHeaders(headers)).filter(([name]) => !dead.includes(name))),
    isPayloadOmitted: headers[DEAD_HEADER.payload] === OMITTED,
  };
}

/** A signature does not outlive a change of subject; ids and other headers of the server's belong to one place. */
function carriedHeaders(headers: HeaderRecord): HeaderRecord {
  const signed: readonly string[] = [HEADER.key, HEADER.signedAt, HEADER.signature, HEADER.proof];
  const kept = Object.entries(headers).filter(([name]) => HEADER_NAME.test(name) && !/^nats-/i.test(name) && !signed.includes(name));
  // What other clients wrote need not be fit to be written again.
  return Object.fromEntries(kept.map(([name, value]) => [name, value.replaceAll(/[\r\n]+/g, " ")]));
}
