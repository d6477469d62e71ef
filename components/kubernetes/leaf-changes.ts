/** Where two plain values differ, leaf by leaf. Pure. */

/** One leaf that differs; `undefined` on the side where it is absent. */
export interface LeafChange {
  /** Path with dots; an entry of a list of named things by its name, a text of a list by itself, other entries by number: `spec.containers[nats].image`. */
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
  if (areSets(sides)) return pair(byText(before), byText(after), (key) => `[${key}]`);
  if (sides.every(Array.isArray)) return pair(byIndex(before), byIndex(after), (key) => `[${key}]`);
  if (sides.every((side) => isRecord(side) && Object.keys(side).length > 0)) return pair(before ?? {}, after ?? {}, (key) => key);
  return undefined;
}

function pair(before: unknown, after: unknown, label: (key: string) => string): Step[] {
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].map((key) => [label(key), was[key], is[key]]);
}

function byName(list: unknown): Record<string, unknown> {
  return Object.fromEntries(((list ?? []) as readonly Named[]).map((item) => [nameOf(item), item]));
}

function byText(list: unknown): Record<string, unknown> {
  return Object.fromEntries(((list ?? []) as readonly string[]).map((text) => [text, text]));
}

function byIndex(list: unknown): Record<string, unknown> {
  return Object.fromEntries(((list ?? []) as readonly unknown[]).map((item, index) => [String(index), item]));
}

/** What tells entries of a list apart: Kubernetes's names, and the servers' users. */
interface Named {
  readonly name?: unknown;
  readonly user?: unknown;
  readonly nkey?: unknown;
}

function nameOf({ name, user, nkey }: Named): unknown {
  return name ?? user ?? nkey;
}

function isNamedList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  const names = value.map((item) => (isRecord(item) ? nameOf(item) : undefined));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

/** Lists of different texts. Where only their order differs, or a text comes twice, their places tell it. */
function areSets(sides: readonly unknown[]): boolean {
  if (!sides.every((side) => Array.isArray(side) && side.every((text) => typeof text === "string"))) return false;
  const texts = (sides as readonly (readonly string[])[]).map((side) => [...side].sort().join("\0"));
  const distinct = (sides as readonly (readonly string[])[]).every((side) => new Set(side).size === side.length);
  return distinct && new Set(texts).size === sides.length;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, label: string): string {
  return path === "" || label.startsWith("[") ? `${path}${label}` : `${path}.${label}`;
}
