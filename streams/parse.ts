/** Reads what a person wrote by a field table, and writes it back. All problems at once. */
import type { z } from "zod";
import { ERROR_CODES, type ErrorCode, type Problem } from "../core/errors.ts";
import { nearestWord } from "../core/nearest.ts";
import { isUnknown } from "../core/unknown.ts";
import type { FieldTable, SpecOf } from "./field.ts";
import { canonical } from "./kinds.ts";

/** What reading gives: the value, and what is wrong with it. Use the value only when nothing is. */
export interface Parsed<S> {
  /** The value; fields with a problem hold their default. */
  readonly value: S;
  /** Everything wrong, with paths. */
  readonly problems: readonly Problem[];
}

/**
 * Reads `input` by a table. Keys that are `null` or absent take their default, as do values that are not known yet.
 * @param path of the object, for instance `streams.ORDERS`
 * @param others keys that are allowed and read elsewhere
 */
export function parseFields<T extends FieldTable>(
  fields: T,
  input: Readonly<Record<string, unknown>>,
  path: string,
  others: readonly string[] = [],
): Parsed<SpecOf<T>> {
  const problems: Problem[] = unknownKeys(input, { fields, others }, path);
  const values = Object.entries(fields).map(([key, field]) => {
    const given = input[key];
    if (given === undefined || given === null || isUnknown(given)) return [key, field.fallback];
    const read = field.kind.schema.safeParse(given);
    if (read.success) return [key, read.data];
    problems.push(...read.error.issues.map((issue) => problemOf(issue, `${path}.${key}`)));
    return [key, field.fallback];
  });
  return { value: Object.fromEntries(values) as SpecOf<T>, problems };
}

/** Writes a value as a person would: fields at their default are left out, but for those named in `always`. {@link parseFields} reads it back. */
export function renderFields<T extends FieldTable>(fields: T, value: SpecOf<T>, always: readonly string[] = []): Record<string, unknown> {
  const written = Object.entries(fields).flatMap(([key, field]) => {
    const held = (value as Record<string, unknown>)[key];
    const rendered = field.kind.render(held);
    const isDefault = held === field.fallback || canonical(held) === canonical(field.fallback);
    const skip = rendered === undefined || (isDefault && !always.includes(key));
    return skip ? [] : [[key, rendered] as const];
  });
  return Object.fromEntries(written);
}

/** Problems for keys that do not exist, each with the nearest one that does. */
function unknownKeys(
  input: Readonly<Record<string, unknown>>,
  { fields, others }: { readonly fields: FieldTable; readonly others: readonly string[] },
  path: string,
): Problem[] {
  return Object.keys(input)
    .filter((key) => !Object.hasOwn(fields, key) && !others.includes(key))
    .map((key) => {
      const known = [...Object.keys(fields), ...others];
      const near = nearestWord(key, known);
      const remedy = near === undefined ? `use one of ${known.join(", ")}` : `write ${near} instead`;
      return { code: "ERR_STREAM_KEY", path: `${path}.${key}`, message: `there is no setting "${key}"`, remedy };
    });
}

function problemOf(issue: z.core.$ZodIssue, path: string): Problem {
  const inner = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return { code: codeOf(issue), path: `${path}${inner}`, message: issue.message, remedy: "correct the value" };
}

function codeOf(issue: z.core.$ZodIssue): ErrorCode {
  const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  return typeof code === "string" && code in ERROR_CODES ? (code as ErrorCode) : "ERR_STREAM_VALUE";
}
