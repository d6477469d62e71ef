/** Between a complete value and the server's JSON. */
import type { FieldTable, SpecOf } from "./field.ts";
import { canonical } from "./kinds.ts";

/** A configuration as the server writes it. */
export type WireConfig = Readonly<Record<string, unknown>>;

/** A configuration read back. */
export interface ReadConfig<S> {
  /** Its value; metadata without the server's and natsbus's own keys. */
  readonly spec: S;
  /** Who made it, from the marker in its metadata.
   * @default - nobody known */
  readonly owner?: string;
  /** Fields this version does not know; an update must send them back. */
  readonly unknown: WireConfig;
}

/** Metadata key of the ownership marker. */
export const OWNER_KEY = "natsbus.owner";

const OWN_KEYS = "natsbus.";
const SERVER_KEYS = "_nats.";
/** Spelled in two ways, or derived, by the server; the tables hold one form. */
const KNOWN_BESIDE = ["name", "durable_name", "filter_subject"];

/**
 * The server's JSON of a value. Fields that mean the same when left out are left out, so that an older server never meets a name it does not know.
 * @param marks.owner written into the metadata
 * @param marks.unknown fields to send back as they were read
 */
export function writeConfig<T extends FieldTable>(
  fields: T,
  spec: SpecOf<T>,
  marks: { readonly owner?: string; readonly unknown?: WireConfig } = {},
): WireConfig {
  const written = Object.entries(fields).flatMap(([key, field]) => {
    const value = (spec as Record<string, unknown>)[key];
    const skip = field.wire === "" || field.wire === "metadata" || canonical(value) === canonical(field.kind.absent);
    return skip ? [] : [[field.wire, field.kind.toWire(value)] as const];
  });
  const labels = (spec as Record<string, unknown>)["metadata"] as Readonly<Record<string, string>>;
  const metadata = { ...labels, ...(marks.owner === undefined ? {} : { [OWNER_KEY]: marks.owner }) };
  return {
    ...marks.unknown,
    ...Object.fromEntries(written),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

/** The value of the server's JSON. `extra` gives fields that are no part of it. */
export function readConfig<T extends FieldTable>(
  fields: T,
  config: WireConfig,
  extra: Readonly<Record<string, unknown>> = {},
): ReadConfig<SpecOf<T>> {
  const source = mergeSpellings(config);
  const values = Object.entries(fields).map(([key, field]) => [
    key,
    field.wire === "" ? extra[key] : field.kind.fromWire(source[field.wire]),
  ]);
  const all = (source["metadata"] ?? {}) as Readonly<Record<string, string>>;
  const metadata = Object.fromEntries(Object.entries(all).filter(([key]) => !isInternal(key)));
  const owner = all[OWNER_KEY];
  const known = new Set([...Object.values(fields).map((field) => field.wire), ...KNOWN_BESIDE]);
  const unknown = Object.fromEntries(Object.entries(config).filter(([key]) => !known.has(key)));
  const spec = { ...Object.fromEntries(values), metadata } as SpecOf<T>;
  return { spec, unknown, ...(owner === undefined ? {} : { owner }) };
}

/** A record without some of its keys. */
export function withoutKeys(record: WireConfig, keys: readonly string[]): WireConfig {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** Whether a server made this consumer for itself: since 2.14 it does for mirrors and sources of interest and workqueue streams, durably, and takes it away with them. */
export function isServerMade({ metadata }: WireConfig): boolean {
  const labels = (metadata ?? {}) as Readonly<Record<string, string>>;
  return "_nats.src.stream" in labels || "_nats.mirror.stream" in labels;
}

/** The JetStream API level a server must have for this value. */
export function requiredLevel<T extends FieldTable>(fields: T, spec: SpecOf<T>): number {
  return Object.entries(fields).reduce((level, [key, field]) => {
    const used = canonical((spec as Record<string, unknown>)[key]) !== canonical(field.kind.absent);
    return used ? Math.max(level, field.level ?? 0) : level;
  }, 0);
}

/** Keys of the server and of natsbus itself are no part of what a person writes. */
function isInternal(key: string): boolean {
  return key.startsWith(OWN_KEYS) || key.startsWith(SERVER_KEYS);
}

function mergeSpellings(config: WireConfig): WireConfig {
  const single = config["filter_subject"];
  const merged = typeof single === "string" && single !== "" ? { ...config, filter_subjects: [single] } : config;
  return config["durable_name"] === undefined && config["name"] !== undefined ? { ...merged, durable_name: config["name"] } : merged;
}
