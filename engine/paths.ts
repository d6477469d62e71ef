import { BusError } from "../core/errors.ts";
import { isMap, setKey } from "./traversal.ts";
import type { Value } from "./values.ts";
import { Secret } from "./values.ts";

/** A step into a value: key of a map, index of a list; "*" matches either. */
export type PathSegment = string | number;

/** Way into a property bag. */
export type PropertyPath = readonly PathSegment[];

/**
 * Parses `a.b`, `a[0]`, `a["b.c"]`, `a[*]` and `*`.
 * @throws BusError ERR_ENGINE_PATH
 */
export function parsePath(text: string): PropertyPath {
  const segments: PathSegment[] = [];
  let rest = text;
  while (rest !== "") {
    const match = /^(?:\.?([^.[\]"]+)|\[(\d+)\]|\[(\*)\]|\["((?:[^"\\]|\\.)*)"\])/.exec(rest);
    if (match === null) throw invalid(text);
    const [whole, key, index, star, quoted] = match;
    if (key !== undefined && whole.startsWith(".") && segments.length === 0) throw invalid(text);
    segments.push(index !== undefined ? Number(index) : (key ?? star ?? unquote(quoted ?? "")));
    rest = rest.slice(whole.length);
  }
  return segments;
}

/** Text form of a path; parsing it gives the same path. */
export function renderPath(path: PropertyPath): string {
  return path.reduce<string>((text, segment) => text + renderSegment(segment, text === ""), "");
}

/** Whether `pattern` covers `path`: equal or a prefix of it, `*` matching any segment. */
export function pathContains(pattern: PropertyPath, path: PropertyPath): boolean {
  if (pattern.length > path.length) return false;
  return pattern.every((segment, index) => segment === "*" || segment === path[index]);
}

/**
 * `next` with what lies at `path` put back to how it is in `old`: replaced, or removed where `old` has none.
 * Undefined when an element on the way is missing on one side, so that nothing can be put back.
 */
export function resetPath(path: PropertyPath, old: Value | undefined, next: Value | undefined): Value | undefined {
  const [segment, ...rest] = path;
  const from = bare(old);
  const to = bare(next);
  if (segment === undefined || from === undefined || to === undefined) return undefined;
  const result = segment === "*" ? resetAll(rest, from, to) : resetOne(segment, rest, { from, to });
  return next instanceof Secret && result !== undefined ? new Secret(result) : result;
}

function resetAll(rest: PropertyPath, from: Value, to: Value): Value | undefined {
  const keys = Array.isArray(from) && Array.isArray(to) ? [...from.keys()] : mapKeys(from, to);
  if (keys === undefined) return undefined;
  let result: Value | undefined = to;
  for (const key of keys) result = result === undefined ? undefined : resetOne(key, rest, { from, to: result });
  return result;
}

function mapKeys(from: Value, to: Value): readonly string[] | undefined {
  if (!isMap(from) || !isMap(to)) return undefined;
  return [...new Set([...Object.keys(from), ...Object.keys(to)])];
}

function resetOne(segment: PathSegment, rest: PropertyPath, sides: { from: Value; to: Value }): Value | undefined {
  const { from, to } = sides;
  if (rest.length === 0) return assign(to, segment, at(from, segment));
  const oldChild = at(from, segment);
  const nextChild = at(to, segment);
  if (oldChild === undefined && nextChild === undefined) return to;
  const child = resetPath(rest, oldChild, nextChild);
  return child === undefined ? undefined : assign(to, segment, child);
}

function at(value: Value, segment: PathSegment): Value | undefined {
  if (typeof segment === "number") return Array.isArray(value) ? value[segment] : undefined;
  return isMap(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

function assign(value: Value, segment: PathSegment, child: Value | undefined): Value | undefined {
  if (typeof segment === "number") {
    if (!Array.isArray(value) || segment >= value.length || child === undefined) return undefined;
    return value.map((part, index) => (index === segment ? child : part));
  }
  if (!isMap(value)) return undefined;
  const copy: Record<string, Value> = {};
  for (const [key, part] of Object.entries(value)) if (key !== segment) setKey(copy, key, part);
  if (child !== undefined) setKey(copy, segment, child);
  return copy;
}

function bare(value: Value | undefined): Value | undefined {
  return value instanceof Secret ? value.element : value;
}

function renderSegment(segment: PathSegment, first: boolean): string {
  if (typeof segment === "number") return `[${segment}]`;
  if (/[.[\]"]/.test(segment) || segment === "") return `["${segment.replace(/["\\]/g, "\\$&")}"]`;
  return first ? segment : `.${segment}`;
}

function unquote(quoted: string): string {
  return quoted.replace(/\\(.)/g, "$1");
}

function invalid(text: string): BusError {
  return new BusError("ERR_ENGINE_PATH", `"${text}" is not a property path`, {
    path: text,
    remedy: 'write it like a.b, a[0], a["b.c"] or a[*]',
  });
}
