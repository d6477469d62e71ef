/** One run of a handler over one message, and what it decided. */

import { type Duration, parseDuration } from "../core/units.ts";
import type { Delivery } from "./delivery.ts";
import type { HeaderRecord } from "./headers.ts";
import { MessageInHand } from "./message-in-hand.ts";
import type { Handler } from "./route.ts";

/** What came of an attempt. `acknowledged` and `returned` are sent already. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "returned" }
  | { readonly kind: "terminated"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string };

const DONE: Outcome = { kind: "done" };

/** A handler at work. */
export class Attempt {
  readonly #held: { readonly message: Delivery };
  #cutOff: ((reason: string) => void) | undefined;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #decision: Outcome | undefined;
  #isOpen = true;

  /** @param held the message; its newest delivery is asked for at each use */
  constructor(held: { readonly message: Delivery }) {
    this.#held = held;
  }

  /** Aborts the handler's signal and ends the attempt; what the handler still does has no effect. */
  cutOff(reason: string): void {
    this.#cutOff?.(reason);
  }

  /** Runs the handler; never throws. A handler that returns no promise is done at once. */
  run(handler: Handler, content: { readonly value: unknown; readonly headers: HeaderRecord }, limitMs: number): Outcome | Promise<Outcome> {
    try {
      const running = handler(new MessageInHand(content, this.#held.message, this));
      if (running instanceof Promise) return this.#finish(running, limitMs);
      return this.#end(DONE);
    } catch (error) {
      return this.#end(failed(error));
    }
  }

  /** Aborts when the attempt is cut off. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    return this.#controller.signal;
  }

  /** Confirms the message. */
  ack(): void {
    if (this.#decide({ kind: "acknowledged" })) this.#held.message.ack();
  }

  /** Gives the message back. */
  nak(delay?: Duration): void {
    const delayMs = delay === undefined ? undefined : parseDuration(delay, "delay");
    if (this.#decide({ kind: "returned" })) this.#held.message.nak(delayMs);
  }

  /** Gives the message up. */
  term(detail: string): void {
    this.#decide({ kind: "terminated", detail });
  }

  /** Asks for more time. */
  working(): void {
    if (this.#isOpen) this.#held.message.working();
  }

  #finish(running: Promise<void>, limitMs: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.cutOff(`the handler took longer than ${limitMs} ms`), limitMs);
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        resolve(this.#end(outcome));
      };
      this.#cutOff = (reason) => {
        if (this.#isOpen) this.#abort(reason);
        settle({ kind: "failed", detail: reason });
      };
      running.then(
        () => settle(DONE),
        (error: unknown) => settle(failed(error)),
      );
    });
  }

  #end(outcome: Outcome): Outcome {
    this.#isOpen = false;
    return this.#decision ?? outcome;
  }

  /** Whether this is the first decision; later ones do not count. */
  #decide(outcome: Outcome): boolean {
    if (!this.#isOpen || this.#decision !== undefined) return false;
    this.#decision = outcome;
    return true;
  }

  #abort(reason: string): void {
    this.#abortReason = new Error(reason);
    this.#controller?.abort(this.#abortReason);
  }
}

function failed(error: unknown): Outcome {
  return { kind: "failed", detail: error instanceof Error ? error.message : String(error) };
}
