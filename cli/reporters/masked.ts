import type { Json } from "../../engine/events.ts";
import type { ResourceEntry } from "../../engine/model.ts";
import { SIGNATURE_KEY, SIGNATURES, UNKNOWN } from "../../engine/signatures.ts";
import { Archive, Asset, Computed, OutputValue, type PropertyMap, ResourceReference, Secret, type Value } from "../../engine/values.ts";

/** What stands in place of a secret. */
export const SECRET_TEXT = "[secret]";

/** A value as plain JSON: secrets as `[secret]`, unknown values as the unknown sentinel, assets and references in their state form. */
export function maskValue(value: Value): Json {
  if (value instanceof Secret) return SECRET_TEXT;
  if (value instanceof Computed) return UNKNOWN;
  if (value instanceof OutputValue) return value.secret ? SECRET_TEXT : value.element === undefined ? UNKNOWN : maskValue(value.element);
  if (value instanceof Asset || value instanceof Archive) return maskFile(value);
  if (value instanceof ResourceReference) return maskReference(value);
  if (Array.isArray(value)) return value.map(maskValue);
  if (typeof value === "object" && value !== null) return maskMap(value as PropertyMap);
  return value as Json;
}

/** A property bag as plain JSON; see {@link maskValue}. */
export function maskMap(map: PropertyMap): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, maskValue(value)]));
}

function maskFile(file: Asset | Archive): Json {
  const content = Object.entries(file.content).map(([key, value]) => [key, typeof value === "string" ? value : maskMap(value)]);
  return {
    [SIGNATURE_KEY]: file instanceof Asset ? SIGNATURES.asset : SIGNATURES.archive,
    hash: file.hash,
    ...Object.fromEntries(content),
  };
}

function maskReference(reference: ResourceReference): Json {
  const { urn, id, packageVersion } = reference;
  const shownId = id === undefined ? {} : { id: id instanceof Computed ? UNKNOWN : id };
  return { [SIGNATURE_KEY]: SIGNATURES.reference, urn, ...shownId, ...(packageVersion === "" ? {} : { packageVersion }) };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** An entry of the state as a preview document shows it: empty fields left out, secrets masked, no stack traces. */
export function maskEntry(entry: ResourceEntry): { readonly [key: string]: Json } {
  const { inputs, outputs, custom, unknownFields, replacementTrigger, ...rest } = entry;
  const plain = Object.entries({ ...unknownFields, ...rest }).filter(([, value]) => !isEmpty(value)) as [string, Json][];
  const bags = Object.entries({ inputs: maskMap(inputs), outputs: maskMap(outputs) }).filter(([, bag]) => !isEmpty(bag));
  const trigger = replacementTrigger === undefined ? [] : [["replacementTrigger", maskValue(replacementTrigger)] as const];
  return Object.fromEntries([...plain, ["custom", custom] as const, ...bags, ...trigger]);
}
