/** What is there of a set: one paged list for many objects, one question each for a few. */
import { type BusError, isBusError } from "../core/errors.ts";
import { type Observed, observedConsumer, observedStream } from "./asset.ts";
import { placeName } from "./consumer-move.ts";
import { copyName } from "./migration-mark.ts";
import type { StreamPort } from "./port.ts";
import { insistOnReading, observeAsset } from "./reconcile.ts";
import { type Member, type SetKind, STREAM_SET } from "./set.ts";
import { IN_FLIGHT, sideBySide } from "./side-by-side.ts";

/** What is known of the members of a set. */
export interface Listing<S> {
  /** Objects that are there, by key. */
  readonly seen: ReadonlyMap<string, Observed<S>>;
  /** Why nothing is known of an object, by key: its servers do not answer, which never means that it is absent. */
  readonly unknown: ReadonlyMap<string, BusError>;
  /** Whether it is certain that no migration of the object was begun. */
  isAlone(key: string): boolean;
}

/**
 * Looks at the members. More than {@link IN_FLIGHT} of them are looked up in the list of all, and when `confirm` is set, what a list left out is asked for by name.
 * @throws what listing throws when nothing answers
 */
export async function listMembers<S extends object>(
  kind: SetKind<S>,
  port: StreamPort,
  members: readonly Member<S>[],
  confirm = false,
): Promise<Listing<S>> {
  const found = { seen: new Map<string, Observed<S>>(), unknown: new Map<string, BusError>(), isAlone: (_key: string) => false };
  const ask = (some: readonly Member<S>[]) => sideBySide(some, (member) => askFor(kind, port, { member, into: found }));
  if (members.length <= IN_FLIGHT) {
    await ask(members);
    return found;
  }
  const list = await listAll(kind, port, members);
  for (const [key, seen] of list.seen) found.seen.set(key, seen);
  const unsure = members.filter(({ key }) => !found.seen.has(key) && (confirm || list.unsure.has(key)));
  await ask(unsure);
  return {
    ...found,
    isAlone: (key) =>
      !list.unsure.has(key) && ![copyName(key), placeName(key)].some((name) => list.seen.has(name) || list.unsure.has(name)),
  };
}

interface Question<S> {
  readonly member: Member<S>;
  readonly into: { readonly seen: Map<string, Observed<S>>; readonly unknown: Map<string, BusError> };
}

async function askFor<S extends object>(kind: SetKind<S>, port: StreamPort, { member, into }: Question<S>): Promise<void> {
  try {
    const seen = await observeAsset(kind.asset, port, member.spec);
    if (seen !== undefined) into.seen.set(member.key, seen);
  } catch (error) {
    if (!isBusError(error)) throw error;
    into.unknown.set(member.key, error);
  }
}

interface Found<S> {
  readonly seen: ReadonlyMap<string, Observed<S>>;
  /** Keys whose servers did not answer the list. */
  readonly unsure: ReadonlySet<string>;
}

async function listAll<S extends object>(kind: SetKind<S>, port: StreamPort, members: readonly Member<S>[]): Promise<Found<S>> {
  const found = (kind as unknown) === STREAM_SET ? await listStreams(port) : await listConsumers(port, members);
  return found as unknown as Found<S>;
}

async function listStreams(port: StreamPort): Promise<Found<object>> {
  const { streams, unknown } = await insistOnReading(() => port.listStreams());
  const seen = new Map(streams.map((info) => [String(info.config["name"]), observedStream(info)]));
  return { seen, unsure: new Set(unknown) };
}

async function listConsumers(port: StreamPort, members: readonly Member<object>[]): Promise<Found<object>> {
  const seen = new Map<string, Observed<object>>();
  const unsure = new Set<string>();
  const streams = new Set(members.map(({ key }) => key.slice(0, key.indexOf("/"))));
  await sideBySide(streams, async (stream) => {
    const list = await known(() => port.listConsumers(stream));
    for (const info of list?.consumers ?? []) seen.set(`${stream}/${String(info.config["durable_name"])}`, observedConsumer(info, stream));
    const silent = list?.unknown ?? members.flatMap(({ key }) => (key.startsWith(`${stream}/`) ? [key.slice(stream.length + 1)] : []));
    for (const name of silent) unsure.add(`${stream}/${name}`);
  });
  return { seen, unsure };
}

/** The answer; `undefined` when there is none, so that each object has to be asked for by itself. */
async function known<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isBusError(error)) return undefined;
    throw error;
  }
}
