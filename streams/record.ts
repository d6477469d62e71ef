/** Values with named parts, such as a placement or a mirror, built from the kinds of their parts. */
import { z } from "zod";
import { canonical, type Kind, wants } from "./kinds.ts";

/** One part of a record: its name on the server and its kind. */
export interface Part<S> {
  /** Name in the server's JSON. */
  readonly wire: string;
  /** Kind of its value. */
  readonly kind: Kind<S>;
  /** Whether a person must write it.
   * @default false */
  readonly required?: boolean;
}

/** The value of a table of parts. */
export type RecordOf<P extends Record<string, Part<unknown>>> = {
  readonly [K in keyof P]: P[K] extends { kind: Kind<infer S> } ? S : never;
};

type Parts = Record<string, Part<unknown>>;

/** A value with named parts; parts left out have the value their kind calls absent, and are left out again when written. */
export function record<P extends Parts>(parts: P): Kind<RecordOf<P>> {
  const entries = Object.entries(parts);
  const shape = Object.fromEntries(
    entries.map(([key, part]) => [key, part.required === true ? part.kind.schema : part.kind.schema.optional()]),
  );
  const complete = (given: Record<string, unknown>) =>
    Object.fromEntries(entries.map(([key, part]) => [key, given[key] === undefined ? part.kind.absent : given[key]])) as RecordOf<P>;
  const schema = z
    .strictObject(shape, {
      error: (issue) =>
        strictMessage(
          issue,
          entries.map(([key]) => key),
        ),
    })
    .transform(complete);
  const absent = complete({});
  return {
    schema: schema as unknown as z.ZodType<RecordOf<P>>,
    render: (value) => pick(entries, (key, part) => [key, part.kind.render(value[key as keyof P])], value),
    toWire: (value) => pick(entries, (key, part) => [part.wire, part.kind.toWire(value[key as keyof P])], value),
    fromWire: (wire) => complete(readParts(entries, wire)),
    absent,
  };
}

function pick(
  entries: readonly [string, Part<unknown>][],
  write: (key: string, part: Part<unknown>) => [string, unknown],
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = entries.filter(([key, part]) => part.required === true || canonical(value[key]) !== canonical(part.kind.absent));
  return Object.fromEntries(given.map(([key, part]) => write(key, part)));
}

function readParts(entries: readonly [string, Part<unknown>][], wire: unknown): Record<string, unknown> {
  const source = typeof wire === "object" && wire !== null ? (wire as Record<string, unknown>) : {};
  return Object.fromEntries(entries.map(([key, part]) => [key, part.kind.fromWire(source[part.wire])]));
}

function strictMessage(
  issue: { readonly code?: string | undefined; readonly input?: unknown; readonly keys?: unknown },
  known: readonly string[],
): string {
  if (issue.code === "unrecognized_keys" && Array.isArray(issue.keys))
    return `unknown key ${issue.keys.join(", ")}; known are ${known.join(", ")}`;
  return wants(`an object with ${known.join(", ")}`)(issue);
}
