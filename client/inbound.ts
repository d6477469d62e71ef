/** A delivered message, verified and read. Never throws. */

import type { MsgHdrs } from "@nats-io/transport-node";
import { subjectCovers } from "../core/names.ts";
import type { Rejection } from "./codec.ts";
import type { StoredMessage } from "./delivery.ts";
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

/** A message with its headers read once. */
export interface Inbound {
  readonly message: StoredMessage;
  readonly headers: HeaderRecord;
}

/**
 * Verifies the signature, finds the route and reads the payload, in this order: nothing of an unverified payload is parsed. Only a signature takes a promise.
 */
export function openMessage({ routes, skipsUnrouted, verifier }: Opener, inbound: Inbound): Opened | Promise<Opened> {
  const { message, headers } = inbound;
  // A consumer without filters is delivered its own dead letters.
  if (isDeadLetterSubject(message.subject) && headers[DEAD_HEADER.reason]) return { kind: "skip" };
  if (verifier === undefined) return readMessage(routes, skipsUnrouted, inbound);
  try {
    const refusal = verifyMessage(verifier, inbound);
    if (!(refusal instanceof Promise)) return refused(refusal) ?? readMessage(routes, skipsUnrouted, inbound);
    return refusal.then((found) => refused(found) ?? readMessage(routes, skipsUnrouted, inbound)).catch(unreadable);
  } catch (error) {
    return unreadable(error);
  }
}

function verifyMessage(verifier: MessageVerifier, { message, headers }: Inbound): ReturnType<MessageVerifier["verify"]> {
  return verifier.verify({
    ...{ subject: message.subject, headers: joinedHeaders(message.headers, headers), payload: message.data },
    storedAtMs: message.time.getTime(),
    origin: `${message.info.stream}:${message.seq}`,
  });
}

function refused(refusal: Rejection | undefined): Opened | undefined {
  return refusal === undefined ? undefined : { kind: "rejected", ...refusal };
}

function readMessage(routes: readonly Route[], skipsUnrouted: boolean, { message, headers }: Inbound): Opened {
  try {
    const found = routes.find(({ pattern }) => pattern === message.subject || subjectCovers(pattern, message.subject));
    if (found !== undefined) return found.open({ headers, data: message.data });
    if (skipsUnrouted) return { kind: "skip" };
    return { kind: "rejected", reason: "no-route", detail: `nothing here handles ${message.subject}` };
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): Opened {
  return { kind: "rejected", reason: "malformed", detail: `the message cannot be read: ${String(error)}` };
}

/** Headers as a plain record; of several values the last. */
export function plainHeaders(headers: MsgHdrs | undefined): HeaderRecord {
  // Without a prototype no name means anything but itself.
  const record: Record<string, string> = Object.create(null);
  if (headers !== undefined) for (const [name, values] of headers) record[name] = values[values.length - 1] ?? "";
  return record;
}

/** The same with every value, as signatures cover them. */
export function joinedHeaders(headers: MsgHdrs | undefined, plain: HeaderRecord): HeaderRecord {
  let joined: Record<string, string> | undefined;
  if (headers === undefined) return plain;
  for (const [name, values] of headers) {
    if (values.length < 2) continue;
    joined ??= Object.assign(Object.create(null), plain) as Record<string, string>;
    joined[name] = values.join("\n");
  }
  return joined ?? plain;
}
