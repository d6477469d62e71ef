/** A delivered message, verified and read. Never throws. */
import type { JsMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { subjectCovers } from "../core/names.ts";
import { DEAD_HEADER, type HeaderRecord } from "./headers.ts";
import { isDeadLetterSubject } from "./priority.ts";
import type { Opened, Route } from "./route.ts";
import type { MessageVerifier } from "./verifier.ts";

/** How to open messages. */
export interface Opener {
  readonly routes: readonly Route[];
  readonly skipsUnrouted: boolean;
  readonly verifier: MessageVerifier | undefined;
}

/** Verifies the signature, finds the route and reads the payload, in this order: nothing of an unverified payload is parsed. */
export function openMessage({ routes, skipsUnrouted, verifier }: Opener, message: JsMsg): Opened {
  const header = (name: string): string | undefined => message.headers?.last(name);
  // A consumer without filters is delivered its own dead letters.
  if (isDeadLetterSubject(message.subject) && header(DEAD_HEADER.reason)) return { kind: "skip" };
  try {
    const refusal = verifier?.verify({
      ...{ subject: message.subject, headers: message.headers ?? [], payload: message.data, header },
      storedAtMs: message.time.getTime(),
      origin: `${message.info.stream}:${message.seq}`,
    });
    if (refusal !== undefined) return { kind: "rejected", ...refusal };
    const found = routes.find((candidate) => subjectCovers(candidate.pattern, message.subject));
    if (found !== undefined) return found.open({ header, data: message.data });
    if (skipsUnrouted) return { kind: "skip" };
    return { kind: "rejected", reason: "no-route", detail: `nothing here handles ${message.subject}` };
  } catch (error) {
    return { kind: "rejected", reason: "malformed", detail: `the message cannot be read: ${String(error)}` };
  }
}

/** Headers as a plain record; of several values the last. */
export function plainHeaders(headers: MsgHdrs | undefined): HeaderRecord {
  return Object.fromEntries([...(headers ?? [])].map(([name, values]) => [name, values.at(-1) ?? ""]));
}
