/** Many objects of one kind as one value: reading it, comparing it with the last one, writing it back. Pure. */
import type { Problem } from "../core/errors.ts";
import { isUnknown } from "../core/unknown.ts";
import { type Asset, consumerAsset, type Observed, streamAsset } from "./asset.ts";
import type { ConsumerSpec } from "./consumer-fields.ts";
import { type Change, diffSpecs, sameValue } from "./diff.ts";
import type { StreamSpec } from "./fields.ts";
import { canonical } from "./kinds.ts";
import type { Policy } from "./policy.ts";
import { consumerDialect, type Dialect, parsePolicy, streamDialect } from "./spec.ts";

/** Settings as a person wrote them. */
export type Settings = Readonly<Record<string, unknown>>;

/** A set of objects of one kind. */
export interface SetKind<S extends object> {
  /** The kind. */
  readonly asset: Asset<S>;
  /** Its language. */
  readonly dialect: Dialect<object, S>;
  /** Property that holds the members, keyed by their identity. */
  readonly members: "streams" | "consumers";
}

/** Sets of streams. */
export const STREAM_SET: SetKind<StreamSpec> = { asset: streamAsset, dialect: streamDialect, members: "streams" };
/** Sets of consumers. */
export const CONSUMER_SET: SetKind<ConsumerSpec> = { asset: consumerAsset, dialect: consumerDialect, members: "consumers" };

/** One object of a set. */
export interface Member<S> {
  /** Its key: `ORDERS`, or `ORDERS/billing` for a consumer. */
  readonly key: string;
  /** Complete value, normalised. */
  readonly spec: S;
  /** What may be done to its data. */
  readonly policy: Policy;
  /** Who made it, where that is not the set.
   * @default - the set */
  readonly owner?: string;
}

/** A difference between the last known and the wanted set. */
export interface MemberChange<S> {
  /** Key of the object. */
  readonly key: string;
  /** Last known object; `undefined` for a new one. */
  readonly was: Member<S> | undefined;
  /** Wanted object; `undefined` for one that goes. */
  readonly want: Member<S> | undefined;
  /** What separates them; `none` when only the owner or a policy does. */
  readonly change: Change;
}

/**
 * Settings of the members, keyed by identity, each as JSON text: a value is one step for engine and SDK, whose work on records of records would take longer than
 * the servers' at thousands of objects.
 */
export function membersOf({ members }: { readonly members: string }, props: Settings): Readonly<Record<string, string>> {
  const held = props[members];
  return typeof held === "object" && held !== null ? (held as Record<string, string>) : {};
}

/** Writes the settings of a member. */
export function renderMember(settings: object): string {
  return JSON.stringify(settings);
}

/** Reads one object with the set's defaults. */
export function readMember<S extends object>(
  kind: SetKind<S>,
  props: Settings,
  key: string,
): { member: Member<S>; problems: readonly Problem[] } {
  const { owner, ...own } = parseMember(membersOf(kind, props)[key]);
  const settings = { ...defaultsOf(props), ...own, ...identityOf(kind, key) };
  const path = `${kind.members}.${key}`;
  const read = kind.dialect.parse(settings, path);
  const policy = parsePolicy(settings, path);
  const taken = Object.keys(own).filter((one) => kind.dialect.identity.includes(one));
  const problems = [...taken.map((one) => identityProblem(`${path}.${one}`)), ...read.problems, ...policy.problems];
  return { member: { key, spec: read.value, policy: policy.value, ...(typeof owner === "string" ? { owner } : {}) }, problems };
}

/** Keys whose settings are not, word for word, those of `olds`; everything else needs no second look. */
export function changedKeys<S extends object>(kind: SetKind<S>, olds: Settings, news: Settings): readonly string[] {
  const [was, want] = [membersOf(kind, olds), membersOf(kind, news)];
  if (canonical(defaultsOf(olds)) !== canonical(defaultsOf(news))) return [...new Set([...Object.keys(was), ...Object.keys(want)])];
  const changed = Object.keys(want).filter((key) => was[key] !== want[key]);
  return [...changed, ...Object.keys(was).filter((key) => want[key] === undefined)];
}

/** Everything that differs between the last known set and the wanted one, object by object. */
export function diffSets<S extends object>(kind: SetKind<S>, olds: Settings, news: Settings): readonly MemberChange<S>[] {
  const [was, want] = [membersOf(kind, olds), membersOf(kind, news)];
  return changedKeys(kind, olds, news).flatMap((key): MemberChange<S>[] => {
    const before = was[key] === undefined ? undefined : readMember(kind, olds, key).member;
    const after = want[key] === undefined ? undefined : readMember(kind, news, key).member;
    if (before === undefined || after === undefined) return [{ key, was: before, want: after, change: { kind: "create", fields: [] } }];
    const change = diffSpecs(kind.asset.fields, before.spec, after.spec);
    const same = change.kind === "none" && canonical(before.policy) === canonical(after.policy) && before.owner === after.owner;
    return same ? [] : [{ key, was: before, want: after, change }];
  });
}

/**
 * An object as it is, in the words it was declared with: the very settings where they say what is there, with the departures written over them otherwise.
 * So an undisturbed object takes no more room in the state than its declaration.
 */
export function settingsOfMember<S extends object>(
  kind: SetKind<S>,
  at: { props: Settings; key: string; owner: string },
  seen: Observed<S>,
): string {
  const written = membersOf(kind, at.props)[at.key];
  const { owner: past, ...own } = parseMember(written);
  const { spec } = readMember(kind, at.props, at.key).member;
  const found = departures(kind, spec, seen.spec);
  const foreign = seen.owner === at.owner ? {} : { owner: seen.owner ?? "" };
  const untouched = written !== undefined && past === undefined && Object.keys(found).length + Object.keys(foreign).length === 0;
  return untouched ? written : renderMember({ ...own, ...found, ...foreign });
}

function parseMember(written: string | undefined): Settings {
  return written === undefined ? {} : (JSON.parse(written) as Settings);
}

function departures<S extends object>({ asset, dialect }: SetKind<S>, said: S, found: S): Settings {
  const change = diffSpecs(asset.fields, said, found);
  const rendered = dialect.render(found) as Settings;
  const entries = change.fields.map(({ key }) => [key, rendered[key] ?? explicit(asset.fields[key]?.kind.render(valueAt(found, key)))]);
  return Object.fromEntries(entries);
}

/** `null` takes a setting back to its default, which is what a missing text of a value means. */
function explicit(rendered: unknown): unknown {
  return rendered === undefined ? null : rendered;
}

/** Whether two sets differ in what stands beside their members. */
export function besideDiffers(olds: Settings, news: Settings): boolean {
  const connection = isUnknown(news["connection"]) ? olds["connection"] : news["connection"];
  return !sameValue([olds["connection"], olds["owner"]], [connection, news["owner"]]) || !sameValue(defaultsOf(olds), defaultsOf(news));
}

/** Identity of a member, from its key. A key with too few parts leaves them empty, which reading reports. */
function identityOf<S extends object>({ dialect }: SetKind<S>, key: string): Settings {
  const parts = dialect.identity.length === 1 ? [key] : key.split("/");
  const last = parts.slice(dialect.identity.length - 1).join("/");
  return Object.fromEntries(
    dialect.identity.map((name, index) => [name, index === dialect.identity.length - 1 ? last : (parts[index] ?? "")]),
  );
}

function defaultsOf(props: Settings): Settings {
  return (props["defaults"] ?? {}) as Settings;
}

function valueAt(spec: object, key: string): unknown {
  return (spec as Settings)[key];
}

function identityProblem(path: string): Problem {
  return { code: "ERR_STREAM_KEY", path, message: "the name stands before the settings already", remedy: "leave this line out" };
}
