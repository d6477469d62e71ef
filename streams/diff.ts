/** What separates an object from the wanted one, and what that means. Pure. */
import type { Field, FieldTable } from "./field.ts";
import { canonical } from "./kinds.ts";

/** One field that differs. */
export interface FieldChange {
  /** Name a person writes. */
  readonly key: string;
  /** Present value, as a person would write it. */
  readonly was: string;
  /** Wanted value, as a person would write it. */
  readonly want: string;
  /** Whether the server takes the new value in place. */
  readonly inPlace: boolean;
  /** Why it does not.
   * @default - it does */
  readonly reason?: string;
  /** Whether it can be had by a verified copy instead.
   * @default false */
  readonly migrates?: boolean;
}

/** Everything between the present object and the wanted one. */
export interface Change {
  /** `none` equal · `create` there is no object · `update` in place · `replace` only by making it anew. */
  readonly kind: "none" | "create" | "update" | "replace";
  /** The fields that differ, in the order of the table. */
  readonly fields: readonly FieldChange[];
}

/** Compares an object (`undefined`: there is none) with the wanted one; both must be normalised. */
export function diffSpecs(fields: FieldTable, was: object | undefined, want: object): Change {
  if (was === undefined) return { kind: "create", fields: [] };
  const changes = Object.entries(fields)
    .filter(([key, field]) => !isFilledIn(key, field, { was, want }))
    .flatMap(([key, field]) => changeOf(key, field, [valueAt(was, key), valueAt(want, key)]));
  if (changes.length === 0) return { kind: "none", fields: [] };
  return { kind: changes.every((change) => change.inPlace) ? "update" : "replace", fields: changes };
}

/** Whether everything that cannot be changed in place can be had by a verified copy. */
export function canMigrate({ fields }: Change): boolean {
  return fields.every((field) => field.inPlace || field.migrates === true);
}

/** A change in one line: `maxAge 7d → 1d`. */
export function renderChange(change: FieldChange): string {
  return `${change.key} ${change.was} → ${change.want}`;
}

/** Whether two values of a field mean the same; the order of texts and of records in a list carries no meaning. */
export function sameValue(a: unknown, b: unknown): boolean {
  return a === b || canonical(orderless(a)) === canonical(orderless(b));
}

function changeOf(key: string, field: Field<unknown>, [was, want]: readonly [unknown, unknown]): FieldChange[] {
  if (field.change.rule === "server-owned" || sameValue(was, want)) return [];
  const inPlace = field.change.allows?.(was, want) ?? field.change.rule === "update";
  const words = { key, was: describe(field, was), want: describe(field, want), inPlace };
  if (inPlace || field.change.reason === undefined) return [words];
  return [{ ...words, reason: field.change.reason, ...(field.change.migrates === false ? {} : { migrates: true }) }];
}

/** Whether nothing is wanted of the field and it holds what the server put there by itself, and would put there again. */
function isFilledIn(key: string, field: Field<unknown>, { was, want }: { readonly was: object; readonly want: object }): boolean {
  if (field.filledIn === undefined || !sameValue(valueAt(want, key), field.kind.absent)) return false;
  const filled = [was, want].map((spec) => field.filledIn?.(spec as Readonly<Record<string, unknown>>));
  return filled.every((value) => sameValue(valueAt(was, key), value));
}

function describe(field: Field<unknown>, value: unknown): string {
  const rendered = field.kind.render(value);
  if (rendered === undefined || rendered === "") return "none";
  return typeof rendered === "string" ? rendered : canonical(rendered);
}

function orderless(value: unknown): unknown {
  if (!Array.isArray(value) || value.every((item) => typeof item === "number")) return value;
  return value.map((item) => canonical(item)).toSorted();
}

function valueAt(spec: object, key: string): unknown {
  return (spec as Readonly<Record<string, unknown>>)[key];
}
