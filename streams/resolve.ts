/** The shipped catalogue and a stack's changes to it, made into what is to be declared. All problems at once, nothing asked of a server. */
import type { Problem } from "../core/errors.ts";
import type { KeyValueArgs, ObjectStoreArgs, StreamArgs } from "./args.ts";
import type { Catalog } from "./catalog.ts";
import type { ConsumerArgs } from "./consumer-args.ts";
import { CONSUMER_FIELDS, type ConsumerSpec } from "./consumer-fields.ts";
import type { KeyValueEntryArgs, ObjectEntryArgs } from "./entry-args.ts";
import type { FieldTable } from "./field.ts";
import { STREAM_FIELDS, type StreamSpec } from "./fields.ts";
import { canonical } from "./kinds.ts";
import { consumerDialect, type Dialect, keyValueDialect, objectStoreDialect, parsePolicy, streamDialect } from "./spec.ts";

/** A stack's changes, by name: a record changes or adds, `null` leaves a shipped one out. Inside a record, `null` takes a setting back to its default. */
export interface CatalogOverrides {
  /** Streams; `consumers` inside one are merged by name likewise. */
  readonly streams: Overrides;
  /** Key-value buckets. */
  readonly keyValue: Overrides;
  /** Object stores. */
  readonly objectStores: Overrides;
}

/** What the bus around the streams decides. */
export interface ResolveContext {
  /** Number of servers; with fewer than three, an object has one replica unless it says otherwise. */
  readonly servers: number;
  /** Deletion policy of everything that names none.
   * @default "retain" */
  readonly deletionPolicy?: "retain" | "delete";
}

/** One object to declare: settings as a person writes them, complete value, and what it needs of a server. */
export interface Declared<A, S> {
  /** Where it is written, for instance `streams.ORDERS`. */
  readonly path: string;
  /** Settings for the resource, policies included. */
  readonly args: A;
  /** Complete value; for a bucket the stream it is. */
  readonly spec: S;
  /** Settings that not every supported server knows, for a check against the server version. */
  readonly needs: readonly { readonly key: string; readonly since: string }[];
}

/** Everything to declare, in the order it is written. */
export interface ResolvedCatalog {
  /** Streams. */
  readonly streams: readonly Declared<StreamArgs, StreamSpec>[];
  /** Consumers of these streams. */
  readonly consumers: readonly Declared<ConsumerArgs, ConsumerSpec>[];
  /** Key-value buckets. */
  readonly keyValue: readonly Declared<KeyValueArgs, StreamSpec>[];
  /** Object stores. */
  readonly objectStores: readonly Declared<ObjectStoreArgs, StreamSpec>[];
  /** Entries of these buckets; their own checks are the resource's. */
  readonly entries: readonly KeyValueEntryArgs[];
  /** Objects of these stores. */
  readonly objects: readonly ObjectEntryArgs[];
}

type Settings = Readonly<Record<string, unknown>>;
type Overrides = Readonly<Record<string, Settings | null>>;

const ENOUGH_FOR_THREE = 3;
/** Records within an object that are merged by name. */
const INNER = ["consumers", "entries", "objects"];

/** Merges, checks and completes a catalogue. Use `specs` only when there is no problem. */
export function resolveStreams(
  catalog: Catalog,
  overrides: CatalogOverrides,
  context: ResolveContext,
): { readonly specs: ResolvedCatalog; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const declare = declarer(context, problems);
  const written = merge(catalog.streams, overrides.streams);
  const streams = written.map(([name, settings]) => {
    const { consumers: _elsewhere, ...own } = settings;
    return declare({ dialect: streamDialect, table: STREAM_FIELDS, path: `streams.${name}`, identity: { name }, settings: own });
  });
  const consumers = written.flatMap(([stream, settings]) =>
    merge({}, recordAt(settings, "consumers", `streams.${stream}`, problems)).map(([name, own]) => {
      const path = `streams.${stream}.consumers.${name}`;
      return declare({ dialect: consumerDialect, table: CONSUMER_FIELDS, path, identity: { stream, name }, settings: own });
    }),
  );
  const buckets = <A extends object>(dialect: Dialect<A, StreamSpec>, key: "keyValue" | "objectStores") =>
    merge(catalog[key], overrides[key]).map(([bucket, { entries: _entries, objects: _objects, ...settings }]) =>
      declare({ dialect, table: STREAM_FIELDS, path: `${key}.${bucket}`, identity: { bucket }, settings }),
    );
  const deletionPolicy = context.deletionPolicy ?? "retain";
  const within = (key: "keyValue" | "objectStores", inner: "entries" | "objects") =>
    merge(catalog[key], overrides[key]).flatMap(([bucket, settings]) =>
      entriesAt(settings, inner, `${key}.${bucket}`, problems).map(([name, own]) => ({
        deletionPolicy,
        ...own,
        bucket,
        [inner === "entries" ? "key" : "name"]: name,
      })),
    );
  const specs = {
    streams,
    consumers,
    keyValue: buckets(keyValueDialect, "keyValue"),
    objectStores: buckets(objectStoreDialect, "objectStores"),
    entries: within("keyValue", "entries") as unknown as KeyValueEntryArgs[],
    objects: within("objectStores", "objects") as unknown as ObjectEntryArgs[],
  };
  return { specs, problems };
}

interface Entry<A extends object, S extends object> {
  readonly dialect: Dialect<A, S>;
  readonly table: FieldTable;
  readonly path: string;
  readonly identity: Settings;
  readonly settings: Settings;
}

function declarer(context: ResolveContext, problems: Problem[]) {
  return <A extends object, S extends object>(entry: Entry<A, S>): Declared<A, S> => {
    const { dialect, path, identity } = entry;
    const taken = Object.keys(identity).filter((key) => key in entry.settings);
    problems.push(...taken.map((key) => identityProblem(path, key)));
    const defaults =
      dialect === (consumerDialect as unknown) ? {} : { replicas: context.servers >= ENOUGH_FOR_THREE ? ENOUGH_FOR_THREE : 1 };
    const settings = { deletionPolicy: context.deletionPolicy ?? "retain", ...defaults, ...withoutNulls(entry.settings), ...identity };
    const read = dialect.parse(settings, path);
    const policy = parsePolicy(settings, path);
    problems.push(...read.problems, ...policy.problems);
    return {
      path,
      args: pickKnown({ ...settings, ...policy.value }, dialect.settings) as A,
      spec: read.value,
      needs: needsOf(entry.table, read.value),
    };
  };
}

/** The catalogue's entries with a stack's changes; consumers inside a stream are merged by name. */
function merge(shipped: Readonly<Record<string, Settings>>, changes: Overrides): [string, Settings][] {
  const names = [...new Set([...Object.keys(shipped), ...Object.keys(changes)])];
  return names.flatMap((name): [string, Settings][] => {
    const change = changes[name];
    if (change === null) return [];
    const base = shipped[name] ?? {};
    const inner = change === undefined ? {} : Object.assign({}, ...INNER.map((key) => mergedWithin(key, base, change)));
    return [[name, { ...base, ...change, ...inner }]];
  });
}

function mergedWithin(key: string, base: Settings, change: Settings): Settings {
  const [shipped, changed] = [base[key], change[key]];
  if (!isRecord(shipped) || !isRecord(changed)) return {};
  return {
    [key]: { ...shipped, ...Object.fromEntries(Object.entries(changed).map(([name, own]) => [name, mergedRecord(shipped[name], own)])) },
  };
}

/** Entries of a bucket or objects of a store, by name; an entry may be written as its value alone. */
function entriesAt(settings: Settings, ...[key, path, problems]: [string, string, Problem[]]): [string, Settings][] {
  const held = settings[key] ?? {};
  const written = isRecord(held) ? Object.entries(held).filter(([, own]) => own !== null) : [];
  const read = written.map(([name, own]): [string, unknown] => [name, typeof own === "string" && key === "entries" ? { value: own } : own]);
  const wrong = read.filter(([, own]) => !isRecord(own));
  if (!isRecord(held)) wrong.push(["", held]);
  problems.push(
    ...wrong.map(
      ([name]): Problem => ({
        code: "ERR_STREAM_VALUE",
        path: `${path}.${key}${name === "" ? "" : `.${name}`}`,
        message: `a record of ${key} by name is needed`,
        remedy: key === "entries" ? "write the value, or settings, under its key" : "write content or file under its name",
      }),
    ),
  );
  return read.filter((entry): entry is [string, Settings] => isRecord(entry[1]));
}

function mergedRecord(base: unknown, change: unknown): unknown {
  return isRecord(base) && isRecord(change) ? { ...base, ...change } : change;
}

function recordAt(settings: Settings, key: string, path: string, problems: Problem[]): Overrides {
  const value = settings[key] ?? {};
  if (isRecord(value) && Object.values(value).every((item) => item === null || isRecord(item))) return value as Overrides;
  problems.push({
    code: "ERR_STREAM_VALUE",
    path: `${path}.${key}`,
    message: "a record of consumers by name is needed",
    remedy: "write each consumer's settings under its name",
  });
  return {};
}

function identityProblem(path: string, key: string): Problem {
  return {
    code: "ERR_STREAM_KEY",
    path: `${path}.${key}`,
    message: "the name stands before the settings already",
    remedy: "leave this line out",
  };
}

function withoutNulls(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null && value !== undefined));
}

function pickKnown(args: object, known: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(args).filter(([key]) => known.includes(key)));
}

function needsOf(table: FieldTable, spec: object): { key: string; since: string }[] {
  return Object.entries(table)
    .filter(([key, field]) => canonical((spec as Settings)[key]) !== canonical(field.kind.absent))
    .map(([key, field]) => ({ key, since: field.since }));
}

function isRecord(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
