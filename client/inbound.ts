/** A delivered message, verified and read. Never throws. */

import { subjectCovers } from "../core/names.ts";
import type { Rejection } from "./codec.ts";
import type { StoredMessage } from "./delivery.ts";
import type { ArrivedHeaders } from "./header-block.ts";
import { DEAD_HEADER } from "./headers.ts";
import { isDeadLetterSubject } from "./priority.ts";
import type { Opened, Route } from "./route.ts";
import { SubjectMemo } from "./subject-memo.ts";
import type { MessageVerifier } from "./verifier.ts";

/** How to open messages. */
export interface Opener {
  readonly routes: SubjectMemo<Route | undefined>;
  readonly skipsUnrouted: boolean;
  readonly verifier: MessageVerifier | undefined;
}

/** A message with its headers read once. */
export interface Inbound {
  readonly message: StoredMessage;
  readonly headers: ArrivedHeaders;
}

/** The first route that covers a subject. */
export function routesBySubject(routes: readonly Route[]): SubjectMemo<Route | undefined> {
  return new SubjectMemo((subject) => routes.find(({ pattern }) => subjectCovers(pattern, subject)));
}

/**
 * Verifies the signature, finds the route and reads the payload, in this order: nothing of an unverified payload is parsed. Only a signature takes a promise.
 */
export function openMessage(opener: Opener, inbound: Inbound): Opened | Promise<Opened> {
  const { verifier } = opener;
  const { message, headers } = inbound;
  // A consumer without filters is delivered its own dead letters.
  if (isDeadLetterSubject(message.subject) && headers.plain[DEAD_HEADER.reason]) return { kind: "skip" };
  if (verifier === undefined) return readMessage(opener, inbound);
  try {
    const refusal = verifyMessage(verifier, inbound);
    if (!(refusal instanceof Promise)) return refused(refusal) ?? readMessage(opener, inbound);
    return refusal.then((found) => refused(found) ?? readMessage(opener, inbound)).catch(unreadable);
  } catch (error) {
    return unreadable(error);
  }
}

function verifyMessage(verifier: MessageVerifier, { message, headers }: Inbound): ReturnType<MessageVerifier["verify"]> {
  return verifier.verify({
    ...{ subject: message.subject, headers: headers.joined, payload: message.data },
    storedAtMs: message.time.getTime(),
    origin: `${message.info.stream}:${message.seq}`,
  });
}

function refused(refusal: Rejection | undefined): Opened | undefined {
  return refusal === undefined ? undefined : { kind: "rejected", ...refusal };
}

function readMessage({ routes, skipsUnrouted }: Opener, { message, headers }: Inbound): Opened {
  try {
    const found = routes.of(message.subject);
    if (found !== undefined) return found.open({ headers: headers.plain, data: message.data });
    if (skipsUnrouted) return { kind: "skip" };
    return { kind: "rejected", reason: "no-route", detail: `nothing here handles ${message.subject}` };
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): Opened {
  return { kind: "rejected", reason: "malformed", detail: `the message cannot be read: ${String(error)}` };
}
