import { BusError } from "../core/errors.ts";
import { deepEqual } from "./equality.ts";
import type { DiffAnswer, DiffKind } from "./model.ts";
import type { PathSegment, PropertyPath } from "./paths.ts";
import { parsePath, pathContains, renderPath, resetPath } from "./paths.ts";
import { isMap, unwrapSecrets } from "./traversal.ts";
import type { PropertyMap, Value } from "./values.ts";

/** Answer for an unchanged resource. */
export const NO_CHANGE: DiffAnswer = { changes: "none", replaces: [], stables: [], diffs: [], deleteBeforeReplace: false };

/** Compares inputs where a provider does not say what changed: by content (secret marks do not count), leaf by leaf, lists by index. */
export function diffInputs(olds: PropertyMap, news: PropertyMap): DiffAnswer {
  const detailed: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  const keys = new Set<string>();
  walk([], unwrapSecrets(olds), unwrapSecrets(news), (path, kind) => {
    detailed[renderPath(path)] = { kind, inputDiff: true };
    keys.add(String(path[0]));
  });
  if (keys.size === 0) return NO_CHANGE;
  return { ...NO_CHANGE, changes: "some", diffs: [...keys].sort(), detailedDiff: detailed };
}

type Visit = (path: PropertyPath, kind: DiffKind) => void;

function walk(path: PropertyPath, olds: Value | undefined, news: Value | undefined, visit: Visit): void {
  if (deepEqual(olds, news)) return;
  if (olds === undefined) visit(path, "add");
  else if (news === undefined) visit(path, "delete");
  else if (Array.isArray(olds) && Array.isArray(news)) {
    for (let index = 0; index < Math.max(olds.length, news.length); index++) step(path, index, [olds[index], news[index]], visit);
  } else if (isMap(olds) && isMap(news)) {
    for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) step(path, key, [olds[key], news[key]], visit);
  } else visit(path, "update");
}

function step(path: PropertyPath, segment: PathSegment, sides: readonly [Value | undefined, Value | undefined], visit: Visit): void {
  walk([...path, segment], sides[0], sides[1], visit);
}

/**
 * New inputs with every ignored path put back to its old value.
 * @throws BusError ERR_ENGINE_PATH for a path that cannot be parsed, or that leads through something one side does not have
 */
export function applyIgnoreChanges(olds: PropertyMap, news: PropertyMap, paths: readonly string[]): PropertyMap {
  let result: Value = news;
  const missing: string[] = [];
  for (const path of paths) {
    const next = resetPath(parsePath(path), olds, result);
    if (next === undefined) missing.push(path);
    else result = next;
  }
  if (missing.length > 0) {
    throw new BusError(
      "ERR_ENGINE_PATH",
      `cannot ignore changes to the following properties because one or more elements of the path are missing: "${missing.join(", ")}"`,
    );
  }
  return result as PropertyMap;
}

/**
 * Turns differences covered by `replaceOnChanges` into replacements. A provider that names neither keys nor paths leaves nothing to cover.
 * @throws BusError ERR_ENGINE_PATH
 */
export function applyReplaceOnChanges(diff: DiffAnswer, paths: readonly string[], hasInitErrors: boolean): DiffAnswer {
  if (paths.length === 0) return diff;
  const patterns = paths.map(parsePath);
  const covers = (path: PropertyPath): boolean => patterns.some((pattern) => pathContains(pattern, path));
  const replaces = new Set(diff.replaces);
  for (const key of diff.diffs) if (covers([key])) replaces.add(key);
  const detailed = Object.entries(diff.detailedDiff ?? {}).map(([text, change]) => {
    const path = parsePath(text);
    return [text, covers(path) ? { ...change, kind: toReplace(change.kind) } : change] as const;
  });
  if (hasInitErrors && patterns.some((pattern) => pattern.length === 1 && pattern[0] === "*")) replaces.add("#initerror");
  return {
    ...diff,
    changes: replaces.size > 0 ? "some" : diff.changes,
    replaces: [...replaces],
    ...(diff.detailedDiff === undefined ? {} : { detailedDiff: Object.fromEntries(detailed) }),
  };
}

function toReplace(kind: DiffKind): DiffKind {
  return kind.endsWith("-replace") ? kind : (`${kind}-replace` as DiffKind);
}
