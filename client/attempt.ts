/** One run of a handler over one message, and what it decided. */

import { type Duration, parseDuration } from "../core/units.ts";
import type { Delivery } from "./delivery.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import type { Handler, ReceivedMessage } from "./route.ts";

/** What came of an attempt. `acknowledged` and `returned` are sent already. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "returned" }
  | { readonly kind: "terminated"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string };

/** A handler at work. */
export class Attempt {
  readonly #current: () => Delivery;
  readonly #headers: HeaderRecord;
  readonly #late: Promise<string>;
  #cutOff: (reason: string) => void = () => undefined;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #decision: Outcome | undefined;
  #isOpen = true;

  /** @param current the newest delivery of the message; asked at each use */
  constructor(current: () => Delivery, headers: HeaderRecord) {
    this.#current = current;
    this.#headers = headers;
    this.#late = new Promise((resolve) => {
      this.#cutOff = resolve;
    });
  }

  /** Aborts the handler's signal and ends the attempt; what the handler still does has no effect. */
  cutOff(reason: string): void {
    this.#cutOff(reason);
  }

  /** Runs the handler; never throws. A handler that returns no promise is done at once. */
  run(handler: Handler, value: unknown, limitMs: number): Outcome | Promise<Outcome> {
    try {
      const running = handler(this.#message(value));
      if (running instanceof Promise) return this.#finish(running, limitMs);
      this.#isOpen = false;
      return this.#decision ?? { kind: "done" };
    } catch (error) {
      this.#isOpen = false;
      return this.#decision ?? failed(error);
    }
  }

  async #finish(running: Promise<void>, limitMs: number): Promise<Outcome> {
    const timer = setTimeout(() => this.cutOff(`the handler took longer than ${limitMs} ms`), limitMs);
    try {
      const late = await Promise.race([running, this.#late]);
      if (typeof late === "string") this.#abort(late);
      return this.#decision ?? (typeof late === "string" ? { kind: "failed", detail: late } : { kind: "done" });
    } catch (error) {
      return this.#decision ?? failed(error);
    } finally {
      this.#isOpen = false;
      clearTimeout(timer);
    }
  }

  #message(value: unknown): ReceivedMessage<unknown> {
    const first = this.#current();
    const attempt = this;
    return {
      value,
      subject: first.subject,
      id: this.#headers[HEADER.id] || undefined,
      sequence: first.seq,
      deliveries: first.info.deliveryCount,
      headers: this.#headers,
      get storedAt(): Date {
        return first.time;
      },
      get signal(): AbortSignal {
        return attempt.#signal();
      },
      ack: () => this.#decide({ kind: "acknowledged" }, (message) => message.ack()),
      nak: (delay?: Duration) => {
        const delayMs = delay === undefined ? undefined : parseDuration(delay, "delay");
        this.#decide({ kind: "returned" }, (message) => message.nak(delayMs));
      },
      term: (detail) => this.#decide({ kind: "terminated", detail }),
      working: () => {
        if (this.#isOpen) this.#current().working();
      },
    };
  }

  #decide(outcome: Outcome, send?: (message: Delivery) => void): void {
    if (!this.#isOpen || this.#decision !== undefined) return;
    this.#decision = outcome;
    send?.(this.#current());
  }

  #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    return this.#controller.signal;
  }

  #abort(reason: string): void {
    this.#abortReason = new Error(reason);
    this.#controller?.abort(this.#abortReason);
  }
}

function failed(error: unknown): Outcome {
  return { kind: "failed", detail: error instanceof Error ? error.message : String(error) };
}
