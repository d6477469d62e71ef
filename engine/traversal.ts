import type { PropertyMap, Value } from "./values.ts";
import { Archive, Asset, Computed, OutputValue, ResourceReference, Secret } from "./values.ts";

/** Whether `value` is a property bag, that is neither a list, a scalar nor one of the special values. */
export function isMap(value: Value | undefined): value is PropertyMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isSpecial(value);
}

/** Whether a secret lies anywhere inside `value`. */
export function containsSecret(value: Value | undefined): boolean {
  return some(value, (part) => part instanceof Secret || (part instanceof OutputValue && part.secret));
}

/** Whether an unknown lies anywhere inside `value`. */
export function containsUnknown(value: Value | undefined): boolean {
  return some(value, (part) => part instanceof Computed || (part instanceof OutputValue && part.element === undefined));
}

/** `value` with every secret replaced by its content, at any depth; the same object when there is none. */
export function unwrapSecrets<T extends Value>(value: T): T {
  return rewrite(value, (part) => {
    if (part instanceof Secret) return part.element;
    if (part instanceof OutputValue && part.secret) return new OutputValue(part.element, false, part.dependencies);
    return part;
  }) as T;
}

/**
 * Rewrites a value from the top down: `change` gets every part before its children, and its answer again until it stays the same.
 * Parts that do not change keep their identity.
 */
export function rewrite(value: Value, change: (part: Value) => Value): Value {
  let current = change(value);
  // A replaced part may itself be replaceable (a secret inside a secret).
  for (let previous = value; current !== previous; ) {
    previous = current;
    current = change(current);
  }
  return rewriteChildren(current, change);
}

/** Sets `key`, also for keys that plain assignment would misunderstand (`__proto__`). */
export function setKey<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

type Special = Secret | Computed | Asset | Archive | ResourceReference | OutputValue;

function isSpecial(value: object): value is Special {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  return (
    value instanceof Secret ||
    value instanceof Computed ||
    value instanceof Asset ||
    value instanceof Archive ||
    value instanceof ResourceReference ||
    value instanceof OutputValue
  );
}

function some(value: Value | undefined, test: (part: Value) => boolean): boolean {
  if (value === undefined) return false;
  if (test(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  return children(value).some((child) => some(child, test));
}

function children(value: Exclude<Value, null | boolean | number | string>): readonly (Value | undefined)[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Secret || value instanceof OutputValue) return [value.element];
  if (value instanceof ResourceReference) return [value.id instanceof Computed ? value.id : undefined];
  if (value instanceof Archive) return [value.content.assets];
  if (value instanceof Asset || value instanceof Computed) return [];
  return Object.values(value);
}

function rewriteChildren(value: Value, change: (part: Value) => Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return rewriteList(value, change);
  if (isMap(value)) return rewriteMap(value, change);
  if (value instanceof Secret) {
    const element = rewrite(value.element, change);
    return element === value.element ? value : new Secret(element);
  }
  if (value instanceof OutputValue && value.element !== undefined) {
    const element = rewrite(value.element, change);
    return element === value.element ? value : new OutputValue(element, value.secret, value.dependencies);
  }
  return value;
}

function rewriteList(list: readonly Value[], change: (part: Value) => Value): readonly Value[] {
  const parts = list.map((part) => rewrite(part, change));
  return parts.every((part, index) => part === list[index]) ? list : parts;
}

function rewriteMap(map: PropertyMap, change: (part: Value) => Value): PropertyMap {
  let changed = false;
  const result: Record<string, Value> = {};
  for (const [key, part] of Object.entries(map)) {
    const next = rewrite(part, change);
    changed ||= next !== part;
    setKey(result, key, next);
  }
  return changed ? result : map;
}
