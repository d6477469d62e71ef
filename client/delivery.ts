/** One delivery of a stored message, and the answers it takes. */
import type { JsMsg } from "@nats-io/jetstream";
import { type Msg, nanos } from "@nats-io/transport-node";
import { type ArrivedHeaders, headersOf } from "./header-block.ts";

/** What is read of a stored message, whichever way it came. */
export type StoredMessage = Pick<JsMsg, "subject" | "data" | "seq" | "time"> & {
  readonly info: Pick<JsMsg["info"], "stream" | "deliveryCount" | "timestampNanos">;
};

const ACK_PREFIX = "$JS.ACK.";
const [ACK, WORKING, NAK] = ["+ACK", "+WPI", "-NAK"].map((text) => Buffer.from(text));
// `$JS.ACK.<stream>.<consumer>.…`, or with domain and account in front of the stream.
const SHORT_TOKENS = 9;
const LONG_TOKENS = 11;

/** Whether what arrived is a delivery, not a word from the server about the pull. */
export function isDelivery({ reply }: Msg): boolean {
  return reply?.startsWith(ACK_PREFIX) === true;
}

/** A delivered message; the first answer is the one that counts. */
export class Delivery implements StoredMessage {
  readonly seq: number;
  readonly data: Uint8Array;
  readonly headers: ArrivedHeaders;
  readonly info: StoredMessage["info"];
  readonly #message: Msg;
  #isSettled = false;

  /** @throws Error when {@link isDelivery} does not hold */
  constructor(message: Msg) {
    const tokens = (message.reply ?? "").split(".");
    if (tokens.length !== SHORT_TOKENS && tokens.length < LONG_TOKENS) throw new Error("the message has no place in a stream");
    const first = tokens.length === SHORT_TOKENS ? 2 : 4;
    this.#message = message;
    this.data = message.data;
    this.headers = headersOf(message);
    this.seq = Number(tokens[first + 3]);
    this.info = { stream: tokens[first] ?? "", deliveryCount: Number(tokens[first + 2]), timestampNanos: Number(tokens[first + 5]) };
  }

  get subject(): string {
    return this.#message.subject;
  }

  get time(): Date {
    return new Date(Math.floor(this.info.timestampNanos / 1e6));
  }

  /** The message is done. */
  ack(): void {
    this.#settle(ACK);
  }

  /** Deliver it again, after a while if given. */
  nak(delayMs?: number): void {
    this.#settle(delayMs === undefined || delayMs <= 0 ? NAK : Buffer.from(`-NAK ${JSON.stringify({ delay: nanos(delayMs) })}`));
  }

  /** Never deliver it again. */
  term(reason: string): void {
    this.#settle(Buffer.from(`+TERM ${reason}`));
  }

  /** It needs more time. */
  working(): void {
    if (!this.#isSettled) this.#message.respond(WORKING);
  }

  #settle(answer: Uint8Array | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#message.respond(answer);
  }
}
