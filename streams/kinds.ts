/** Kinds of values a field can have: how a person writes one, how the program holds it, how the server writes it. */
import { z } from "zod";
import { isBusError } from "../core/errors.ts";
import { type Duration, parseDuration, parseSize, renderDuration, renderSize, type Size } from "../core/units.ts";

/** One kind of value in its three forms. (Methods, so that a table of different kinds is one type.) */
export interface Kind<S> {
  /** Reads what a person wrote; its issues carry messages fit for a person. */
  readonly schema: z.ZodType<S>;
  /** What a person writes for this value; the schema reads it back to an equal one. */
  render(value: S): unknown;
  /** The server's JSON for this value. */
  toWire(value: S): unknown;
  /** The value behind the server's JSON; `undefined` (field absent) gives {@link absent}. */
  fromWire(wire: unknown): S;
  /** The value a server means when it leaves the field out. */
  readonly absent: S;
}

const NANOSECONDS_PER_MS = 1_000_000;

/** Text; absent is empty. */
export const text = plain(z.string({ error: wants("a text") }), "");

/** Yes or no; absent is no. */
export const flag = plain(z.boolean({ error: wants("true or false") }), false);

/** A list of texts; absent is empty. */
export const texts: Kind<readonly string[]> = plain(
  z.array(z.string({ error: wants("a text") }), { error: wants("a list of texts") }).readonly(),
  [],
);

/** Texts by name; absent is empty. */
export const labels: Kind<Readonly<Record<string, string>>> = plain(
  z.record(z.string(), z.string({ error: wants("a text") })).readonly(),
  {},
);

/** A whole number from `min` to `max`. */
export function count(min: number, max: number, absent: number): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`;
  return plain(
    z
      .int({ error: wants(range) })
      .min(min, { error: wants(range) })
      .max(max, { error: wants(range) }),
    absent,
  );
}

/** A whole number that limits something; -1 and 0 are unlimited and become -1. `absent` is the server's own default. */
export function limit(absent = -1): Kind<number> {
  const wanted = wants("a whole number, -1 for unlimited");
  const schema = z.int({ error: wanted }).min(-1, { error: wanted }).transform(unlimited);
  return { ...plain(schema, absent), fromWire: (wire) => (typeof wire === "number" ? unlimited(wire) : absent) };
}

/** A size that limits something, in bytes; `"0"` is unlimited and becomes -1. */
export const sizeLimit: Kind<number> = {
  schema: quantity("a size such as 512MiB, 0 for unlimited", parseSize).transform(unlimited),
  render: (bytes): Size => (bytes < 0 ? "0" : renderSize(bytes)),
  toWire: (bytes) => bytes,
  fromWire: (wire) => unlimited(typeof wire === "number" ? wire : -1),
  absent: -1,
};

/** A length of time in milliseconds, nanoseconds on the wire. */
export function duration(absentMs = 0): Kind<number> {
  return {
    schema: quantity("a duration such as 30s", parseDuration),
    render: (ms): Duration => renderDuration(ms),
    toWire: (ms) => ms * NANOSECONDS_PER_MS,
    fromWire: (wire) => (typeof wire === "number" ? wire / NANOSECONDS_PER_MS : absentMs),
    absent: absentMs,
  };
}

/** Lengths of time; absent is empty. */
export const durations: Kind<readonly number[]> = listOf(duration());

/** One of some words; the first is what absent means. */
export function choice<const T extends readonly [string, ...string[]]>(...words: T): Kind<T[number]> {
  return plain(z.enum(words, { error: wants(words.join(", ")) }) as unknown as z.ZodType<T[number]>, words[0]);
}

/** An instant, ISO 8601 with zone; compared as an instant, so that `.000` and the zone's spelling do not matter. Absent is empty. */
export const instant: Kind<string> = {
  ...plain(z.iso.datetime({ offset: true, error: wants("an instant such as 2026-05-01T12:00:00Z") }).transform(canonicalInstant), ""),
  fromWire: (wire) => (typeof wire === "string" && wire !== "" ? canonicalInstant(wire) : ""),
};

/** A list of values of one kind; absent is empty. */
export function listOf<S>(item: Kind<S>): Kind<readonly S[]> {
  return {
    schema: z.array(item.schema, { error: wants("a list") }).readonly(),
    render: (values) => values.map(item.render),
    toWire: (values) => values.map(item.toWire),
    fromWire: (wire) => (Array.isArray(wire) ? wire.map(item.fromWire) : []),
    absent: [],
  };
}

/** A kind whose value may be missing altogether; `undefined` is absent. */
export function optional<S>(kind: Kind<S>): Kind<S | undefined> {
  return {
    schema: kind.schema as z.ZodType<S | undefined>,
    render: (value) => (value === undefined ? undefined : kind.render(value)),
    toWire: (value) => (value === undefined ? undefined : kind.toWire(value)),
    fromWire: (wire) => (wire === undefined || wire === null ? undefined : kind.fromWire(wire)),
    absent: undefined,
  };
}

/** `value` in a form in which equal values are the same text: keys sorted, `undefined` left out. */
export function canonical(value: unknown): string {
  if (typeof value !== "object") return JSON.stringify(value) ?? "";
  return (
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? ""
  );
}

/** A message that says what was given (never at length) and what is wanted; for the `error` of a zod schema. */
export function wants(wanted: string): (issue: { readonly input?: unknown }) => string {
  return (issue) => `${shorten(issue.input)} is not allowed; wanted is ${wanted}`;
}

function shorten(input: unknown): string {
  const written = input === undefined ? "nothing" : JSON.stringify(input);
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}

function plain<S>(schema: z.ZodType<S>, absent: S): Kind<S> {
  return {
    schema,
    render: (value) => value,
    toWire: (value) => value,
    fromWire: (wire) => (wire === undefined || wire === null ? absent : (wire as S)),
    absent,
  };
}

function quantity(wanted: string, parse: (text: string, path: string) => number): z.ZodType<number, string> {
  return z.string({ error: wants(wanted) }).transform((written, context) => {
    try {
      return parse(written, "value");
    } catch (error) {
      const reason = isBusError(error) ? error.message.replace(/^value: /, "") : `${shorten(written)} is not allowed`;
      context.addIssue({ code: "custom", message: `${reason}; wanted is ${wanted}`, params: { code: "ERR_UNIT" } });
      return z.NEVER;
    }
  });
}

function unlimited(value: number): number {
  return value <= 0 ? -1 : value;
}

function canonicalInstant(written: string): string {
  const instantMs = Date.parse(written);
  return Number.isNaN(instantMs) ? written : new Date(instantMs).toISOString().replace(".000Z", "Z");
}
