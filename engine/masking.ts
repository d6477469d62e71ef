import type { Json } from "./events.ts";
import { UNKNOWN } from "./signatures.ts";
import { isMap } from "./traversal.ts";
import type { PropertyMap, Value } from "./values.ts";
import { Archive, Asset, Computed, OutputValue, ResourceReference, Secret } from "./values.ts";

/** Stands for a secret wherever values are shown. */
export const SECRET_TEXT = "[secret]";

/** A property bag as plain JSON for events and documents: secrets become `[secret]`, unknowns the unknown sentinel. */
export function maskMap(map: PropertyMap): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, maskValue(value)]));
}

/** A value as plain JSON; see {@link maskMap}. */
export function maskValue(value: Value): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(maskValue);
  if (value instanceof Secret) return SECRET_TEXT;
  if (isMap(value)) return maskMap(value);
  return maskSpecial(value);
}

function maskSpecial(value: Value): Json {
  if (value instanceof Computed) return UNKNOWN;
  if (value instanceof OutputValue) return maskOutput(value);
  if (value instanceof ResourceReference) return typeof value.id === "string" ? value.id : value.urn;
  if (value instanceof Asset) return { hash: value.hash, ...value.content };
  if (value instanceof Archive) return { hash: value.hash };
  return null;
}

function maskOutput(value: OutputValue): Json {
  if (value.secret) return SECRET_TEXT;
  return value.element === undefined ? UNKNOWN : maskValue(value.element);
}
