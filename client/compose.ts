/** Makes a message of a value: subject, payload, headers and id, all checked. Pure but for the random id. */
import { randomUUID } from "node:crypto";
import { BusError } from "../core/errors.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import { encodePayload } from "./codec.ts";
import { HEADER, HEADER_NAME, type HeaderRecord } from "./headers.ts";
import type { MessageContext } from "./middleware.ts";
import { assertShape } from "./options.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import type { Priority } from "./priority.ts";
import { resolveSubject, type Subject, type SubjectChoice } from "./subject.ts";

const literals = new WeakMap<object, Map<Priority | undefined, string>>();
const RESERVED = /^nats(bus)?-/i;

/**
 * The message for a value, without headers of the application's own.
 * @throws ERR_CLIENT_SCHEMA, ERR_CLIENT_SUBJECT, ERR_CLIENT_SIZE, ERR_CLIENT_OPTION, ERR_UNIT
 */
export function composeMessage<In, Out>(
  subject: Subject<In, Out>,
  value: In,
  args: SubjectChoice & { readonly id?: string; readonly deadline?: Duration },
): OutgoingMessage {
  const { id = randomUUID(), deadline } = args;
  const literal = args.subject === undefined ? literalOf(subject, args.priority) : resolveSubject(subject.pattern, args);
  const { payload, headers } = encodePayload(subject, value);
  const deadlineMs = deadline === undefined ? undefined : parseDuration(deadline, "deadline");
  if (args.id !== undefined) assertHeaderValue(HEADER.id, id);
  return { subject: literal, payload, headers, id, deadlineMs };
}

/** Literal subject for a priority, looked up once a definition. */
function literalOf<In, Out>(subject: Subject<In, Out>, priority: Priority | undefined): string {
  if (typeof subject !== "object") return resolveSubject(undefined, {});
  const known = literals.get(subject) ?? new Map<Priority | undefined, string>();
  literals.set(subject, known);
  const literal = known.get(priority) ?? resolveSubject(subject.pattern, priority === undefined ? {} : { priority });
  known.set(priority, literal);
  return literal;
}

/**
 * The message with headers of the application's own.
 * @throws ERR_CLIENT_OPTION for a name that is not the application's to use, or a value that does not survive the way
 */
export function withHeaders(message: OutgoingMessage, headers: HeaderRecord | undefined): OutgoingMessage {
  return headers === undefined ? message : { ...message, headers: { ...ownHeaders(headers), ...message.headers } };
}

/** What middleware sees of a message that is sent; it gets a copy of the headers to add to. */
export function contextOf(
  kind: MessageContext["kind"],
  pattern: string,
  { subject, id, payload }: OutgoingMessage,
  headers: HeaderRecord = {},
): MessageContext {
  return { kind, subject, pattern, id, headers: { ...headers }, size: payload.length };
}

/** Servers obey some headers of their own, and the client writes the others. */
function ownHeaders(headers: HeaderRecord): HeaderRecord {
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED.test(name) || !HEADER_NAME.test(name)) {
      throw new BusError("ERR_CLIENT_OPTION", `headers: ${JSON.stringify(name)} is not a name for a header of one's own`, {
        path: "headers",
        remedy: "use visible ASCII characters without a colon, and no name that begins with Nats- or Natsbus-",
      });
    }
    assertHeaderValue(name, value);
  }
  return headers;
}

// Spaces at the ends do not survive the way, and a signature covers what arrives.
function assertHeaderValue(name: string, value: string): void {
  assertShape(`the header ${name}`, typeof value === "string", "a text");
  if (value !== "" && !/[\r\n]/.test(value) && value.trim() === value) return;
  throw new BusError("ERR_CLIENT_OPTION", `the header ${name} is empty, has several lines, or begins or ends with white space`, {
    path: "headers",
  });
}
