/** Where two plain values differ, leaf by leaf. Pure. */

/** One leaf that differs; `undefined` on the side where it is absent. */
export interface LeafChange {
  /** Path with dots; an entry of a list of named things by its name, other entries by number: `spec.containers[nats].image`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Step = readonly [label: string, before: unknown, after: unknown];

/** Every leaf that differs, in the order of the values. */
export function leafChanges(before: unknown, after: unknown, path = ""): LeafChange[] {
  const steps = stepsInto(before, after);
  if (steps !== undefined) return steps.flatMap(([label, was, is]) => leafChanges(was, is, join(path, label)));
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function stepsInto(before: unknown, after: unknown): readonly Step[] | undefined {
  const sides = [before, after].filter((side) => side !== undefined);
  if (sides.length === 0) return undefined;
  if (sides.every(isNamedList)) return pair(byName(before), byName(after), (key) => `[${key}]`);
  if (sides.every(Array.isArray)) return pair(byIndex(before), byIndex(after), (key) => `[${key}]`);
  if (sides.every((side) => isRecord(side) && Object.keys(side).length > 0)) return pair(before ?? {}, after ?? {}, (key) => key);
  return undefined;
}

function pair(before: unknown, after: unknown, label: (key: string) => string): Step[] {
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].map((key) => [label(key), was[key], is[key]]);
}

function byName(list: unknown): Record<string, unknown> {
  return Object.fromEntries(((list ?? []) as readonly { readonly name: string }[]).map((item) => [item.name, item]));
}

function byIndex(list: unknown): Record<string, unknown> {
  return Object.fromEntries(((list ?? []) as readonly unknown[]).map((item, index) => [String(index), item]));
}

function isNamedList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isRecord(item) && typeof item["name"] === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, label: string): string {
  return path === "" || label.startsWith("[") ? `${path}${label}` : `${path}.${label}`;
}
