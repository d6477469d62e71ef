/** What a worker does with the messages of a subject. */
import type { Duration } from "../core/units.ts";
import { decodePayload, type RawMessage, type Rejection } from "./codec.ts";
import type { HeaderRecord } from "./headers.ts";
import { assertShape } from "./options.ts";
import type { Subject } from "./subject.ts";

/** Everything of a message but its value. */
interface MessageInHand {
  readonly subject: string;
  /** Id given by the publisher, for idempotent handlers.
   * @default - none, when another client published without one */
  readonly id: string | undefined;
  /** All headers; the last value of one that occurs several times. */
  readonly headers: HeaderRecord;
  /** Sequence in the stream. */
  readonly sequence: number;
  /** How often the message was delivered, this time included. */
  readonly deliveries: number;
  /** When the stream stored it. */
  readonly storedAt: Date;
  /** Aborts when the handler takes too long or the worker's time to drain is over. */
  readonly signal: AbortSignal;
  /** Confirms the message before the handler is done; a handler that returns confirms by itself. */
  ack(): void;
  /** Gives the message back for another delivery, after a while if given. */
  nak(delay?: Duration): void;
  /** Gives the message up: it goes to the dead letters with this reason once the handler returns. */
  term(reason: string): void;
  /** Asks for more time at once; the worker does so by itself while a handler runs. */
  working(): void;
}

/** A message with its validated value. */
export interface ReceivedMessage<Out> extends MessageInHand {
  /** Payload, validated and of the present version. */
  readonly value: Out;
}

/** A handler whose message's value was validated before. */
export type Handler = (message: ReceivedMessage<unknown>) => Promise<void> | void;

/** A payload that was read, or why it was not. */
export type Opened =
  | { readonly kind: "value"; readonly value: unknown; readonly run: Handler; readonly pattern: string }
  | { readonly kind: "skip" }
  | ({ readonly kind: "rejected" } & Rejection);

/** A subject with its handler; made by {@link route}. */
export interface Route {
  /** Subject or pattern. */
  readonly pattern: string;
  /** Reads a payload; never throws. */
  readonly open: (message: RawMessage) => Opened;
}

/**
 * Ties a subject to a handler. A handler that returns acknowledges the message; one that throws gets it again later.
 * @throws ERR_CLIENT_OPTION when the subject is no definition or the handler no function
 */
export function route<In, Out>(subject: Subject<In, Out>, handler: (message: ReceivedMessage<Out>) => Promise<void> | void): Route {
  assertShape("route", typeof subject?.pattern === "string", "what defineSubject returned");
  assertShape("route", typeof handler === "function", "a function as the handler");
  const run = handler as Handler;
  const open = (raw: RawMessage): Opened => {
    const decoded = decodePayload(subject, raw);
    if (decoded.kind !== "value") return decoded;
    const { value } = decoded;
    return { kind: "value", value, run, pattern: subject.pattern };
  };
  return { pattern: subject.pattern, open };
}
