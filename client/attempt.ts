/** One run of a handler over one message, and what it decided. */
import type { JsMsg } from "@nats-io/jetstream";
import { parseDuration } from "../core/units.ts";
import { HEADER } from "./headers.ts";
import { plainHeaders } from "./inbound.ts";
import type { MessageInHand } from "./route.ts";

/** What came of an attempt. `acknowledged` and `returned` are sent already. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "acknowledged" }
  | { readonly kind: "returned" }
  | { readonly kind: "terminated"; readonly detail: string }
  | { readonly kind: "failed"; readonly detail: string };

/** What an attempt needs. */
export interface AttemptOptions {
  /** The newest delivery of the message; asked at each use. */
  readonly current: () => JsMsg;
  readonly run: (message: MessageInHand) => Promise<void>;
  /** How long it may take. */
  readonly limitMs: number;
  /** Aborts when the worker gives up waiting. */
  readonly stopped: AbortSignal;
}

/** Runs the handler; never throws. What the handler does after it took too long has no effect. */
export async function attemptMessage({ current, run, limitMs, stopped }: AttemptOptions): Promise<Outcome> {
  const controller = new AbortController();
  let decision: Outcome | undefined;
  let isOpen = true;
  const decide = (outcome: Outcome, send?: () => void): void => {
    if (!isOpen || decision !== undefined) return;
    decision = outcome;
    send?.();
  };
  const message = inHand(current, controller.signal, decide, () => isOpen);
  const limit = cutOff(limitMs, stopped);
  try {
    const late = await Promise.race([run(message).then(() => undefined), limit.reached]);
    if (late !== undefined) controller.abort(new Error(late));
    return decision ?? (late === undefined ? { kind: "done" } : { kind: "failed", detail: late });
  } catch (error) {
    return decision ?? { kind: "failed", detail: error instanceof Error ? error.message : String(error) };
  } finally {
    isOpen = false;
    limit.clear();
  }
}

function inHand(
  current: () => JsMsg,
  signal: AbortSignal,
  decide: (outcome: Outcome, send?: () => void) => void,
  isOpen: () => boolean,
): MessageInHand {
  const first = current();
  return {
    subject: first.subject,
    id: first.headers?.get(HEADER.id) || undefined,
    headers: plainHeaders(first.headers),
    sequence: first.seq,
    deliveries: first.info.deliveryCount,
    storedAt: first.time,
    signal,
    ack: () => decide({ kind: "acknowledged" }, () => current().ack()),
    nak: (delay) => {
      const delayMs = delay === undefined ? undefined : parseDuration(delay, "delay");
      decide({ kind: "returned" }, () => current().nak(delayMs));
    },
    term: (detail) => decide({ kind: "terminated", detail }),
    working: () => {
      if (isOpen()) current().working();
    },
  };
}

/** Resolves with the reason when time is up or the worker stops. */
function cutOff(limitMs: number, stopped: AbortSignal): { readonly reached: Promise<string>; readonly clear: () => void } {
  let clear = (): void => undefined;
  const reached = new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve(`the handler took longer than ${limitMs} ms`), limitMs);
    const stop = (): void => resolve("the worker stopped");
    stopped.addEventListener("abort", stop, { once: true });
    if (stopped.aborted) stop();
    clear = () => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", stop);
    };
  });
  return { reached, clear: () => clear() };
}
