import type { Json } from "../../engine/events.ts";
import { SECRET_TEXT } from "../../engine/masking.ts";
import type { ResourceEntry } from "../../engine/model.ts";
import { SIGNATURE_KEY, SIGNATURES, UNKNOWN } from "../../engine/signatures.ts";
import { rewrite } from "../../engine/traversal.ts";
import { Archive, Asset, Computed, OutputValue, type PropertyMap, ResourceReference, Secret, type Value } from "../../engine/values.ts";

/** A property bag in the form of a state file, but secrets as `[secret]` and unknown values as the unknown sentinel. */
export function maskBag(bag: PropertyMap): { readonly [key: string]: Json } {
  return rewrite(bag, maskPart) as { readonly [key: string]: Json };
}

function maskPart(part: Value): Value {
  if (part instanceof Secret) return SECRET_TEXT;
  if (part instanceof Computed) return UNKNOWN;
  if (part instanceof OutputValue) return part.secret ? SECRET_TEXT : (part.element ?? UNKNOWN);
  if (part instanceof Asset) return fileMap(SIGNATURES.asset, part.hash, part.content);
  if (part instanceof Archive) return fileMap(SIGNATURES.archive, part.hash, part.content);
  return part instanceof ResourceReference ? referenceMap(part) : part;
}

function fileMap(signature: string, hash: string, content: Readonly<Record<string, Value | undefined>>): PropertyMap {
  const known = Object.entries(content).filter((entry): entry is [string, Value] => entry[1] !== undefined);
  return { [SIGNATURE_KEY]: signature, hash, ...Object.fromEntries(known) };
}

function referenceMap({ urn, id, packageVersion }: ResourceReference): PropertyMap {
  const shownId = id === undefined ? {} : { id: id instanceof Computed ? UNKNOWN : id };
  return { [SIGNATURE_KEY]: SIGNATURES.reference, urn, ...shownId, ...(packageVersion === "" ? {} : { packageVersion }) };
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** An entry of the state as a preview document shows it: empty fields left out, secrets masked. */
export function maskEntry(entry: ResourceEntry): { readonly [key: string]: Json } {
  const { inputs, outputs, custom, unknownFields, replacementTrigger, ...rest } = entry;
  const trigger = replacementTrigger === undefined ? {} : maskBag({ replacementTrigger });
  const fields = { ...unknownFields, ...rest, inputs: maskBag(inputs), outputs: maskBag(outputs), ...trigger };
  const kept = Object.entries(fields).filter(([, value]) => !isEmpty(value)) as [string, Json][];
  return Object.fromEntries([...kept, ["custom", custom]]);
}
