/** What a handler gets. */
import type { Duration } from "../core/units.ts";
import type { Delivery } from "./delivery.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import type { ReceivedMessage } from "./route.ts";

/** What a message's verbs and signal come from. */
interface Hand {
  readonly signal: AbortSignal;
  ack(): void;
  nak(delay?: Duration): void;
  term(reason: string): void;
  working(): void;
}

/** A message in a handler. Its verbs may be taken out of it: `({ value, nak }) => …`. */
export class MessageInHand implements ReceivedMessage<unknown> {
  readonly value: unknown;
  readonly subject: string;
  readonly id: string | undefined;
  readonly headers: HeaderRecord;
  readonly sequence: number;
  readonly deliveries: number;
  readonly #delivery: Delivery;
  readonly #hand: Hand;

  // Getters of an object literal would make a hidden class a message, which lives long and keeps the message alive.
  constructor({ value, headers }: { readonly value: unknown; readonly headers: HeaderRecord }, delivery: Delivery, hand: Hand) {
    this.value = value;
    this.subject = delivery.subject;
    this.id = headers[HEADER.id] || undefined;
    this.headers = headers;
    this.sequence = delivery.seq;
    this.deliveries = delivery.info.deliveryCount;
    this.#delivery = delivery;
    this.#hand = hand;
  }

  get storedAt(): Date {
    return this.#delivery.time;
  }

  get signal(): AbortSignal {
    return this.#hand.signal;
  }

  get ack(): () => void {
    return () => this.#hand.ack();
  }

  get nak(): (delay?: Duration) => void {
    return (delay) => this.#hand.nak(delay);
  }

  get term(): (reason: string) => void {
    return (reason) => this.#hand.term(reason);
  }

  get working(): () => void {
    return () => this.#hand.working();
  }
}
