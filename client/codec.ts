/** Payloads as JSON, validated on both sides. Reading never throws: what cannot be read comes back with the reason. */
import { BusError } from "../core/errors.ts";
import { HEADER, type HeaderRecord, type RejectReason } from "./headers.ts";
import { messageOf } from "./options.ts";
import type { Subject } from "./subject.ts";

/** Why a message cannot be processed. */
export interface Rejection {
  readonly reason: RejectReason;
  /** The same in words, without the payload's values. */
  readonly detail: string;
}

/** What reading a payload came to. */
export type Decoded<Out> =
  | { readonly kind: "value"; readonly value: Out }
  | { readonly kind: "skip" }
  | ({ readonly kind: "rejected" } & Rejection);

/** A message as it arrives. */
export interface RawMessage {
  /** A header that is not there is "" or missing. */
  readonly headers: HeaderRecord;
  readonly data: Uint8Array;
}

// Refuses what is no UTF-8.
const TEXT = new TextDecoder("utf-8", { fatal: true });
const JSON_TYPE = "application/json";

/**
 * Validates a value and writes it as JSON.
 * @throws ERR_CLIENT_SCHEMA when the value does not fit or is not JSON, ERR_CLIENT_SIZE when it is too large
 */
export function encodePayload<In, Out>(subject: Subject<In, Out>, value: In): { readonly payload: Buffer; readonly headers: HeaderRecord } {
  const problem = subject.schema.check(value);
  if (problem.error !== undefined) throw schemaError(subject.pattern, problem.error);
  const payload = toJson(subject.pattern, value);
  if (payload.length > subject.maxBytes) {
    throw new BusError(
      "ERR_CLIENT_SIZE",
      `a payload for ${subject.pattern} has ${payload.length} bytes; at most ${subject.maxBytes} are allowed`,
      {
        remedy: "raise maxSize of the subject, or put the content into an object store and publish its name",
      },
    );
  }
  const labels = { [HEADER.schema]: subject.schemaId, [HEADER.schemaVersion]: String(subject.version) };
  return { payload, headers: { [HEADER.contentType]: JSON_TYPE, ...labels } };
}

/** Reads and validates a payload. One without schema headers, as other clients publish it, is taken for the present version. */
export function decodePayload<In, Out>(subject: Subject<In, Out>, message: RawMessage): Decoded<Out> {
  const size = message.data.length;
  if (size > subject.maxBytes) return rejected("size", `the payload has ${size} bytes; at most ${subject.maxBytes} are allowed`);
  const label = schemaLabel(subject, message);
  if (label.kind !== "value") return label;
  const parsed = parseJson(message.data);
  if (parsed.kind !== "value") return parsed;
  const current = upgrade(subject, label.value, parsed.value);
  if (current.kind !== "value") return current;
  const checked = subject.schema.check(current.value);
  return checked.error === undefined ? { kind: "value", value: checked.value } : rejected("schema", checked.error);
}

/** The version to read a payload as. */
function schemaLabel<In, Out>(subject: Subject<In, Out>, { headers }: RawMessage): Decoded<number> {
  const id = headers[HEADER.schema] || subject.schemaId;
  if (id !== subject.schemaId) return rejected("version", `the payload follows the schema ${quoted(id)}, not ${quoted(subject.schemaId)}`);
  const text = headers[HEADER.schemaVersion];
  if (!text) return { kind: "value", value: subject.version };
  const version = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (version === subject.version || Object.hasOwn(subject.upgrades, text)) return { kind: "value", value: version };
  if (subject.unknownVersions === "validate") return { kind: "value", value: subject.version };
  if (subject.unknownVersions === "skip") return { kind: "skip" };
  return rejected("version", `version ${quoted(text)} of the schema ${quoted(id)} is not known; the present one is ${subject.version}`);
}

function upgrade<In, Out>(subject: Subject<In, Out>, from: number, payload: unknown): Decoded<unknown> {
  let value = payload;
  try {
    for (let version = from; version < subject.version; version += 1) {
      const step = subject.upgrades[version];
      if (step === undefined) return rejected("version", `there is no upgrade from version ${version} of the schema`);
      value = step(value);
    }
    return { kind: "value", value };
  } catch (error) {
    return rejected("version", `the upgrade from version ${from} failed: ${messageOf(error)}`);
  }
}

function parseJson(data: Uint8Array): Decoded<unknown> {
  try {
    return { kind: "value", value: JSON.parse(TEXT.decode(data)) };
  } catch {
    return rejected("malformed", "the payload is not JSON in UTF-8");
  }
}

function toJson(pattern: string, value: unknown): Buffer {
  try {
    const text = JSON.stringify(value);
    if (text !== undefined) return Buffer.from(text);
  } catch (error) {
    throw schemaError(pattern, messageOf(error));
  }
  throw schemaError(pattern, "the value has no JSON form");
}

function schemaError(pattern: string, detail: string): BusError {
  return new BusError("ERR_CLIENT_SCHEMA", `a payload for ${pattern} does not fit its schema: ${detail}`, {
    remedy: "correct the payload, or give the subject's schema a new version",
  });
}

function rejected(reason: RejectReason, detail: string): { readonly kind: "rejected" } & Rejection {
  return { kind: "rejected", reason, detail };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
