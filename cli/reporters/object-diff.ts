import type { Json } from "../../engine/events.ts";

/** A property bag of plain JSON. */
export type JsonObject = { readonly [key: string]: Json };

/** How one value differs from another. */
export type ValueDiff =
  | { readonly kind: "same"; readonly value: Json }
  | { readonly kind: "add"; readonly new: Json }
  | { readonly kind: "delete"; readonly old: Json }
  | { readonly kind: "update"; readonly old: Json; readonly new: Json; readonly object?: ObjectDiff; readonly list?: readonly ValueDiff[] };

/** Every key of either side with its difference, sorted by key. */
export type ObjectDiff = ReadonlyMap<string, ValueDiff>;

/** Keys that Pulumi itself puts into property bags (`__provider`, `__defaults`); never shown. */
export function isInternalKey(key: string): boolean {
  return key.startsWith("__");
}

/** Whether a JSON value is an object, not a list or null. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Compares two property bags deeply. */
export function diffObjects(old: JsonObject, current: JsonObject): ObjectDiff {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(current)])].filter((key) => !isInternalKey(key)).sort();
  return new Map(keys.map((key) => [key, diffValues(old[key], current[key])]));
}

function diffValues(old: Json | undefined, current: Json | undefined): ValueDiff {
  if (old === undefined) return { kind: "add", new: current ?? null };
  if (current === undefined) return { kind: "delete", old };
  if (isJsonObject(old) && isJsonObject(current)) {
    const object = diffObjects(old, current);
    return hasChanges(object) ? { kind: "update", old, new: current, object } : { kind: "same", value: current };
  }
  if (isList(old) && isList(current)) {
    const list = Array.from({ length: Math.max(old.length, current.length) }, (_, index) => diffValues(old[index], current[index]));
    return list.some((item) => item.kind !== "same") ? { kind: "update", old, new: current, list } : { kind: "same", value: current };
  }
  return old === current ? { kind: "same", value: current } : { kind: "update", old, new: current };
}

/** Whether anything in the difference is not `same`. */
export function hasChanges(diff: ObjectDiff): boolean {
  return [...diff.values()].some((value) => value.kind !== "same");
}
