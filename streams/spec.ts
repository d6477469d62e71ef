/** From what a person writes to complete values, one function a kind of object; all problems at once. */
import { isUnknown } from "../core/unknown.ts";
import type { KeyValueArgs, ObjectStoreArgs, StreamArgs } from "./args.ts";
import {
  bucketProblems,
  KEY_VALUE_FIELDS,
  keyValueOfStream,
  OBJECT_STORE_FIELDS,
  objectStoreOfStream,
  streamOfKeyValue,
  streamOfObjectStore,
} from "./bucket.ts";
import { consumerProblems, streamProblems } from "./checks.ts";
import type { ConsumerArgs } from "./consumer-args.ts";
import { CONSUMER_FIELDS, type ConsumerSpec } from "./consumer-fields.ts";
import { STREAM_FIELDS, type StreamSpec } from "./fields.ts";
import { normaliseConsumer, normaliseStream } from "./normalise.ts";
import { type Parsed, parseFields, renderFields } from "./parse.ts";
import { POLICY_FIELDS, type Policy } from "./policy.ts";

/** One kind of object as a person sees it. */
export interface Dialect<A extends object, S extends object> {
  /** What it is called in messages. */
  readonly noun: string;
  /** Its identity: a change of one of these settings means another object. */
  readonly identity: readonly string[];
  /** Every setting a person may write, policies included. */
  readonly settings: readonly string[];
  /** Reads settings into a complete, normalised value. Other keys in `beside` are allowed and ignored. */
  parse(args: Readonly<Record<string, unknown>>, path: string, beside?: readonly string[]): Parsed<S>;
  /** Writes a value as settings: identity and main settings always, others when they differ from their default. */
  render(spec: S): A;
}

/** Streams. */
export const streamDialect: Dialect<StreamArgs, StreamSpec> = {
  noun: "stream",
  identity: ["name"],
  settings: settingsOf(STREAM_FIELDS),
  parse(args, path, beside = []) {
    const read = parseFields(STREAM_FIELDS, args, path, [...POLICY_KEYS, ...beside]);
    return checked({ ...read, value: normaliseStream(read.value) }, args, (value) => streamProblems(value, path));
  },
  render: (spec) => renderFields(STREAM_FIELDS, spec, ["name", "subjects", "retention", "storage", "replicas"]) as unknown as StreamArgs,
};

/** Durable consumers. */
export const consumerDialect: Dialect<ConsumerArgs, ConsumerSpec> = {
  noun: "consumer",
  identity: ["stream", "name"],
  settings: settingsOf(CONSUMER_FIELDS),
  parse(args, path, beside = []) {
    const read = parseFields(CONSUMER_FIELDS, args, path, [...POLICY_KEYS, ...beside]);
    return checked({ ...read, value: normaliseConsumer(read.value) }, args, () => consumerProblems(read.value, path));
  },
  render: (spec) => renderFields(CONSUMER_FIELDS, spec, ["stream", "name", "ackPolicy"]) as unknown as ConsumerArgs,
};

/** Key-value buckets, as the streams they are. */
export const keyValueDialect: Dialect<KeyValueArgs, StreamSpec> = {
  noun: "key-value bucket",
  identity: ["bucket"],
  settings: settingsOf(KEY_VALUE_FIELDS),
  parse(args, path, beside = []) {
    const read = parseFields(KEY_VALUE_FIELDS, args, path, [...POLICY_KEYS, ...beside]);
    const value = normaliseStream(streamOfKeyValue(read.value));
    return checked({ value, problems: read.problems }, args, () => bucketProblems(read.value, path));
  },
  render: (spec) =>
    renderFields(KEY_VALUE_FIELDS, keyValueOfStream(spec), ["bucket", "history", "storage", "replicas"]) as unknown as KeyValueArgs,
};

/** Object stores, as the streams they are. */
export const objectStoreDialect: Dialect<ObjectStoreArgs, StreamSpec> = {
  noun: "object store",
  identity: ["bucket"],
  settings: settingsOf(OBJECT_STORE_FIELDS),
  parse(args, path, beside = []) {
    const read = parseFields(OBJECT_STORE_FIELDS, args, path, [...POLICY_KEYS, ...beside]);
    const value = normaliseStream(streamOfObjectStore(read.value));
    return checked({ value, problems: read.problems }, args, () => bucketProblems(read.value, path));
  },
  render: (spec) =>
    renderFields(OBJECT_STORE_FIELDS, objectStoreOfStream(spec), ["bucket", "storage", "replicas"]) as unknown as ObjectStoreArgs,
};

/** Reads the policy settings; other keys are left alone. */
export function parsePolicy(args: Readonly<Record<string, unknown>>, path: string): Parsed<Policy> {
  return parseFields(POLICY_FIELDS, Object.fromEntries(Object.entries(args).filter(([key]) => key in POLICY_FIELDS)), path);
}

const POLICY_KEYS = Object.keys(POLICY_FIELDS);

function settingsOf(fields: object): readonly string[] {
  return [...Object.keys(fields), ...Object.keys(POLICY_FIELDS)];
}

/** Adds the problems between fields; a field that could not be read is not judged again, and nothing is while a value is not known yet. */
function checked<S>(read: Parsed<S>, args: Readonly<Record<string, unknown>>, judge: (value: S) => Parsed<S>["problems"]): Parsed<S> {
  if (Object.entries(args).some(([key, value]) => key !== "connection" && isUnknown(value))) return read;
  const seen = new Set(read.problems.map((problem) => problem.path));
  return { ...read, problems: [...read.problems, ...judge(read.value).filter((problem) => !seen.has(problem.path))] };
}
