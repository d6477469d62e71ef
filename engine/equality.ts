import { isMap } from "./traversal.ts";
import type { PropertyMap, Value } from "./values.ts";
import { Archive, Asset, Computed, OutputValue, ResourceReference, Secret } from "./values.ts";

/**
 * Whether two values mean the same: order of keys does not matter, assets and archives are compared by hash where both have one, a secret equals
 * only a secret (use `unwrapSecrets` first to compare contents), unknowns equal each other, NaN equals NaN.
 */
export function deepEqual(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null)
    return Number.isNaN(left) && Number.isNaN(right);
  if (Array.isArray(left))
    return Array.isArray(right) && left.length === right.length && left.every((part, index) => deepEqual(part, right[index]));
  if (isMap(left)) return isMap(right) && equalMaps(left, right);
  return equalSpecials(left, right);
}

function equalMaps(left: PropertyMap, right: PropertyMap): boolean {
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]));
}

function equalSpecials(left: Value, right: Value): boolean {
  if (left instanceof Secret) return right instanceof Secret && deepEqual(left.element, right.element);
  if (left instanceof Computed) return right instanceof Computed;
  if (left instanceof ResourceReference)
    return right instanceof ResourceReference && left.urn === right.urn && deepEqual(left.id, right.id);
  if (left instanceof OutputValue) return right instanceof OutputValue && equalOutputs(left, right);
  if (left instanceof Asset) return right instanceof Asset && equalHashed(left, right);
  if (left instanceof Archive) return right instanceof Archive && equalHashed(left, right);
  return false;
}

function equalHashed(left: Asset | Archive, right: Asset | Archive): boolean {
  if (left.hash !== "" && right.hash !== "") return left.hash === right.hash;
  return deepEqual({ ...left.content }, { ...right.content });
}

function equalOutputs(left: OutputValue, right: OutputValue): boolean {
  return (
    left.secret === right.secret &&
    deepEqual(left.element, right.element) &&
    deepEqual([...left.dependencies].sort(), [...right.dependencies].sort())
  );
}
