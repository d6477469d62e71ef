/** The shape of the field tables, and the rules of change they speak of. */
import type { Kind } from "./kinds.ts";
import type { Part } from "./record.ts";

/**
 * What becomes of a changed value:
 * `update` the server takes it in place · `one-way` in place in one direction only · `replace` never, the object must be made anew ·
 * `create-only` read by the server when the object is made and at no other time · `server-owned` the server sets it, wanted values are not compared.
 */
export type Mutability = "update" | "one-way" | "replace" | "create-only" | "server-owned";

/** What a change of one field means. */
export interface ChangeRule<S> {
  /** The kind of rule. */
  readonly rule: Mutability;
  /** Why, in words that fit behind "because". */
  readonly reason?: string;
  /** How the server refuses, `status/code`.
   * @default - it does not */
  readonly refusal?: string;
  /** Whether a stream can get the new value by being copied (`replacePolicy: migrate`).
   * @default true */
  readonly migrates?: boolean;
  /** For values that the rule treats alike but the server does not: whether this very change can be made in place.
   * @default - by the rule alone */
  allows?(was: S, want: S): boolean;
  /** Servers older than a version, where they treat every change of the field otherwise. Plans keep to the rule, which never loses more.
   * @default - every supported server does the same */
  readonly before?: { readonly version: string; readonly inPlace: boolean; readonly refusal?: string };
}

/** One row of a field table. */
export interface Field<S> extends Part<S> {
  /** The value when a person writes nothing. */
  readonly fallback: S;
  /** First server version with the field. */
  readonly since: string;
  /** JetStream API level a server must have for any value but the server's own default.
   * @default 0 */
  readonly level?: number;
  /** What a change means. */
  readonly change: ChangeRule<S>;
  /** What some servers fill in where others leave the field out; such a value is no difference when none is wanted.
   * @default - nothing */
  filledIn?(spec: Readonly<Record<string, unknown>>): S;
}

/** Field tables of any kind of object, keyed by the name a person writes. */
export type FieldTable = Readonly<Record<string, Field<unknown>>>;

/** The complete value a table describes: durations in milliseconds, sizes in bytes. */
export type SpecOf<T extends FieldTable> = { readonly [K in keyof T]: T[K]["fallback"] };

/** Changes in place, both ways. */
export const inPlace: ChangeRule<unknown> = { rule: "update" };

/** Never in place. */
export function never(reason: string, refusal: string): ChangeRule<unknown> {
  return { rule: "replace", reason, refusal };
}

/** Neither in place nor by a copy. */
export function fixed(reason: string, refusal: string): ChangeRule<unknown> {
  return { ...never(reason, refusal), migrates: false };
}

/** Can be switched on, never off. */
export function onlyOn(reason: string, refusal = "500/10052"): ChangeRule<boolean> {
  return { rule: "one-way", reason, refusal, allows: (was, want) => want || !was };
}

/** Writes one row of a table: wire name, kind, default, first server version, then what a change means (in place, unless told) and the API level it needs (0). */
export function field<S>(
  ...row: [wire: string, kind: Kind<S>, fallback: NoInfer<S>, since: string, change?: ChangeRule<NoInfer<S>>, level?: number]
): Field<S> {
  const [wire, kind, fallback, since, change = inPlace, level = 0] = row;
  return { wire, kind, fallback, since, change, level };
}
