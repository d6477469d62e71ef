/** What changes between two folders of rendered files: objects field by field, the server configuration, and what is at stake. Pure. */
import { parseAllDocuments } from "yaml";
import { readConfigText } from "../../core/config-reading.ts";
import { type ConfigBlock, type ConfigValue, ConfigVariable, isBlock } from "../../core/config-text.ts";
import { type ChangeReason, classifyConfigChange } from "../../core/reload.ts";
import { CONTENTS_FILE, changedContents } from "./contents.ts";
import { type LeafChange, leafChanges } from "./leaf-changes.ts";
import { type Manifest, manifestKey } from "./manifest.ts";
import type { ChangedObject } from "./object-change.ts";
import { changeRisks } from "./risk.ts";

/** A file by its name and text. */
export interface ComparedFile {
  readonly name: string;
  readonly text: string;
}

/** One leaf of the servers' configuration that differs, with what its setting asks of a running server. */
export interface ChangedSetting extends ChangeReason, LeafChange {
  /** Path of the leaf: `accounts.APP.users[api].permissions.publish.allow[orders.>]`. */
  readonly path: string;
}

/** Everything that differs. */
export interface Comparison {
  /** Kubernetes objects, then what lives in the bus. */
  readonly objects: readonly ChangedObject[];
  readonly settings: readonly ChangedSetting[];
}

// Their content differs between any two machines, and belongs into no review.
const SKIPPED = new Set(["Secret", "ExternalSecret"]);

/** Compares rendered files, older ones first. */
export function compareFiles(before: readonly ComparedFile[], after: readonly ComparedFile[]): Comparison {
  const objects = [...changedObjects(objectsIn(before), objectsIn(after)), ...contentsBetween(before, after)];
  return { objects, settings: changedSettings(configIn(before), configIn(after)) };
}

/** Files of before there was such a text say nothing about what lived in the bus. */
function contentsBetween(before: readonly ComparedFile[], after: readonly ComparedFile[]): ChangedObject[] {
  const [was, is] = [before, after].map((files) => files.find(({ name }) => name === CONTENTS_FILE)?.text);
  const isTold = (was !== undefined || before.length === 0) && is !== undefined;
  return isTold ? changedContents(was, is) : [];
}

function changedObjects(before: ReadonlyMap<string, Manifest>, after: ReadonlyMap<string, Manifest>): ChangedObject[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((key): ChangedObject[] => {
    const [was, is] = [before.get(key), after.get(key)];
    const either = is ?? was;
    if (either === undefined) return [];
    const leaves = was === undefined || is === undefined ? [] : leafChanges(was, is);
    const op = was === undefined ? "create" : is === undefined ? "delete" : "update";
    if (op === "update" && leaves.length === 0) return [];
    const { kind, metadata } = either;
    return [{ kind, name: metadata.name, op, leaves, risks: changeRisks({ kind, op, leaves }) }];
  });
}

function objectsIn(files: readonly ComparedFile[]): ReadonlyMap<string, Manifest> {
  const documents = files
    .filter(({ name }) => /\.ya?ml$/.test(name))
    .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS() as unknown));
  return new Map(
    documents.filter(isManifest).flatMap((manifest) => (SKIPPED.has(manifest.kind) ? [] : [[manifestKey(manifest), manifest] as const])),
  );
}

function isManifest(value: unknown): value is Manifest {
  const { kind, metadata } = (value ?? {}) as Partial<Manifest>;
  return typeof kind === "string" && typeof metadata?.name === "string";
}

function configIn(files: readonly ComparedFile[]): string | undefined {
  return files.find(({ name }) => name.endsWith(".conf"))?.text;
}

function changedSettings(before: string | undefined, after: string | undefined): ChangedSetting[] {
  if (before === undefined || after === undefined) return [];
  const [was, is] = [readConfigText(before), readConfigText(after)];
  return classifyConfigChange(was, is).reasons.flatMap((reason) =>
    leafChanges(valueAt(was, reason.path), valueAt(is, reason.path), reason.path).map((leaf) => ({ ...reason, ...leaf })),
  );
}

function valueAt(tree: ConfigBlock, path: string): unknown {
  return readable(path.split(".").reduce<ConfigValue>((value, key) => (isBlock(value) ? value[key] : undefined), tree));
}

/** Variables by their names. */
function readable(value: ConfigValue): unknown {
  if (value instanceof ConfigVariable) return `$${value.variable}`;
  if (Array.isArray(value)) return (value as readonly ConfigValue[]).map(readable);
  return isBlock(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)])) : value;
}
