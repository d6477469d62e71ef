/** Compares declared objects with live ones: what is missing, what is extra, what differs, what that means and what it costs. Pure. */
import { type BusError, isBusError } from "../core/errors.ts";
import { renderSize } from "../core/units.ts";
import { type Asset, consumerAsset, type Observed, observedConsumer, observedStream, streamAsset } from "../streams/asset.ts";
import { type Change, diffSpecs, type FieldChange } from "../streams/diff.ts";
import { assertOwned, type Policy, refusalOfChange, type Stake } from "../streams/policy.ts";
import type { StreamInfo } from "../streams/port.ts";
import type { Declared, ResolvedCatalog } from "../streams/resolve.ts";
import { parsePolicy } from "../streams/spec.ts";
import { type Noun, nounOfStream, settingName } from "./bucket-words.ts";
import { consumerKey, type LiveBus } from "./live-bus.ts";

/** One field that differs. */
export interface FieldDifference {
  /** Name a person writes. */
  readonly key: string;
  /** Value on the servers, as a person would write it. */
  readonly was: string;
  /** Declared value, as a person would write it. */
  readonly want: string;
  /** `update` in place · `one-way` in place and never back · `replace` only by making the object anew. */
  readonly effect: "update" | "one-way" | "replace";
  /** Why it cannot be changed in place.
   * @default - it can */
  readonly reason?: string;
  /** What the change does to data and service, in words. */
  readonly costs: readonly string[];
}

/** One object that is not as declared. */
export interface Difference {
  /** `missing` declared and not there · `extra` there and not declared · `differs` · `unknown` its servers do not answer. */
  readonly kind: "missing" | "extra" | "differs" | "unknown";
  /** What it is. */
  readonly noun: Noun;
  /** Its name; `STREAM/NAME` for a consumer. */
  readonly name: string;
  /**
   * What `up` would do: `create` · `update` in place · `adopt` mark it as ours, and update what differs · `recreate` delete it and make it anew ·
   * `refuse` nothing, for the reason given · `leave` nothing, as it is not declared · `wait` nothing before its servers are back.
   */
  readonly step: "create" | "update" | "adopt" | "recreate" | "refuse" | "leave" | "wait";
  /** The fields that differ. */
  readonly fields: readonly FieldDifference[];
  /** Why it is refused, what is lost, what an extra object holds.
   * @default - nothing to say */
  readonly reason?: string;
  /** What a person can do about a refusal.
   * @default - nothing to do */
  readonly remedy?: string;
}

/** The ownership marker of each kind of object. */
export interface Owners {
  stream(args: { readonly name: string }): string;
  consumer(args: { readonly stream: string; readonly name: string }): string;
  keyValue(args: { readonly bucket: string }): string;
  objectStore(args: { readonly bucket: string }): string;
}

/** What a comparison gave. */
export interface Comparison {
  /** Number of declared objects that are there as declared. */
  readonly equal: number;
  /** Everything else, in the order of the catalogue; then, by name, what is there and not declared. */
  readonly differences: readonly Difference[];
}

/** Compares every declared object with the live one of its name. */
export function compareBus(declared: ResolvedCatalog, live: LiveBus, owners: Owners): Comparison {
  const entries = [
    ...declared.streams.map((one) => streamEntry("stream", one.args.name, one, owners.stream(one.args))),
    ...declared.consumers.map((one) => consumerEntry(one, owners.consumer(one.args))),
    ...declared.keyValue.map((one) => streamEntry("key-value bucket", one.args.bucket, one, owners.keyValue(one.args))),
    ...declared.objectStores.map((one) => streamEntry("object store", one.args.bucket, one, owners.objectStore(one.args))),
  ];
  const wanted = new Set(entries.map(({ key }) => key));
  const changed = entries.flatMap(({ compare }) => compare(live) ?? []);
  return { equal: entries.length - changed.length, differences: [...changed, ...extras(live, wanted)] };
}

/** Whether something separates the cluster from the catalogue for certain; what is unknown does not count. */
export function isDifferent({ differences }: Comparison): boolean {
  return differences.some(({ kind }) => kind !== "unknown");
}

interface Entry {
  /** Name of the stream, or key of the consumer, in the live bus. */
  readonly key: string;
  readonly compare: (live: LiveBus) => Difference | undefined;
}

function streamEntry<A extends object>(
  ...[noun, name, { spec, args }, owner]: [Noun, string, Declared<A, Parameters<typeof streamAsset.what>[0]>, string]
): Entry {
  const object = { noun, name, spec, owner, policy: policyOf(args) };
  return {
    key: spec.name,
    compare(live) {
      if (live.unknown.has(spec.name)) return unknown(object);
      const info = live.streams.get(spec.name);
      return compareObject(streamAsset, object, info && observedStream(info));
    },
  };
}

function consumerEntry({ spec, args }: ResolvedCatalog["consumers"][number], owner: string): Entry {
  const key = consumerKey(spec);
  const object: Wanted<typeof spec> = { noun: "consumer", name: key, spec, owner, policy: policyOf(args) };
  return {
    key,
    compare(live) {
      const found = live.consumers.get(key);
      if (found === undefined && (live.unknown.has(key) || live.unknown.has(spec.stream))) return unknown(object);
      return compareObject(consumerAsset, object, found && observedConsumer(found.info, spec.stream));
    },
  };
}

interface Wanted<S> {
  readonly noun: Noun;
  readonly name: string;
  readonly spec: S;
  readonly owner: string;
  readonly policy: Policy;
}

function compareObject<S extends object>(asset: Asset<S>, wanted: Wanted<S>, seen: Observed<S> | undefined): Difference | undefined {
  const { noun, name, spec, owner } = wanted;
  if (seen === undefined) return { kind: "missing", noun, name, step: "create", fields: [] };
  const change = diffSpecs(asset.fields, seen.spec, spec);
  if (change.kind === "none" && seen.owner === owner) return undefined;
  const stake = seen.stake(spec);
  const fields = change.fields.map((field) => describeField(asset, wanted, { was: seen.spec, field, stake }));
  return { kind: "differs", noun, name, fields, ...verdict(asset, wanted, { seen, change, stake }) };
}

interface Judged<S> {
  readonly seen: Observed<S>;
  readonly change: Change;
  readonly stake: Stake;
}

/** What `up` would do, by the rules it follows itself. */
function verdict<S extends object>(
  asset: Asset<S>,
  { spec, owner, policy }: Wanted<S>,
  { seen, change, stake }: Judged<S>,
): Pick<Difference, "step" | "reason" | "remedy"> {
  const what = asset.what(spec);
  const refusal = refusalOfOwner(what, seen.owner, { owner, policy }) ?? refusalOfChange(what, change, policy, stake);
  if (refusal !== undefined) return refused(refusal);
  if (change.kind === "replace") {
    return {
      step: "recreate",
      reason: stake.loss === undefined ? "it would be made anew; it holds nothing" : `it would be made anew and lose ${stake.loss}`,
    };
  }
  if (seen.owner === owner) return { step: "update" };
  return { step: "adopt", reason: seen.owner === undefined ? "natsbus did not make it" : `it belongs to ${seen.owner}` };
}

function refused({ message, remedy }: BusError): Pick<Difference, "step" | "reason" | "remedy"> {
  return { step: "refuse", reason: message, ...(remedy === undefined ? {} : { remedy }) };
}

/** Without a state nobody knows what this stack made before: only the marker tells. */
function refusalOfOwner(what: string, found: string | undefined, claim: { owner: string; policy: Policy }): BusError | undefined {
  try {
    assertOwned(what, found, { ...claim, known: false });
    return undefined;
  } catch (error) {
    if (isBusError(error)) return error;
    throw error;
  }
}

function describeField<S extends object>(
  asset: Asset<S>,
  { noun, spec }: Wanted<S>,
  { was, field, stake }: { readonly was: S; readonly field: FieldChange; readonly stake: Stake },
): FieldDifference {
  const { key, inPlace, reason } = field;
  const values = [was, spec].map((one) => (one as Readonly<Record<string, unknown>>)[key]);
  const isFinal = asset.fields[key]?.change.allows?.(values[1], values[0]) === false;
  return {
    key: settingName(noun, key),
    was: field.was,
    want: field.want,
    effect: !inPlace ? "replace" : isFinal ? "one-way" : "update",
    ...(reason === undefined ? {} : { reason }),
    costs: stake.costs.filter((cost) => cost.key === key).map(({ text }) => text),
  };
}

function extras(live: LiveBus, wanted: ReadonlySet<string>): readonly Difference[] {
  const streams = [...live.streams].filter(([key]) => !wanted.has(key)).map(([key, info]) => extraStream(key, info));
  // Those of an extra stream go with it.
  const consumers = [...live.consumers]
    .filter(([key, { stream }]) => !wanted.has(key) && wanted.has(stream))
    .map(([key, { info }]) => extra({ noun: "consumer", name: key }, `${info.pending} messages wait for it`));
  const silent = [...live.unknown]
    .filter((key) => !wanted.has(key) && !live.streams.has(key))
    .map((key) => unknown({ noun: "stream", name: key }));
  return [...streams, ...consumers, ...silent].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function extraStream(key: string, info: StreamInfo): Difference {
  const holds = `${info.messages} messages, ${renderSize(info.bytes)}, ${info.consumers} consumers`;
  return extra(nounOfStream(key, info.config["subjects"]), holds);
}

function extra({ noun, name }: Pick<Difference, "noun" | "name">, holds: string): Difference {
  return { kind: "extra", noun, name, step: "leave", fields: [], reason: holds };
}

function unknown({ noun, name }: Pick<Difference, "noun" | "name">): Difference {
  return { kind: "unknown", noun, name, step: "wait", fields: [], reason: "its servers do not answer" };
}

function policyOf(args: object): Policy {
  return parsePolicy(args as Readonly<Record<string, unknown>>, "").value;
}
