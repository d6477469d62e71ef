/** What the providers of sets do. A set that could be made only in part keeps what is done in the state; the next run goes on from there. */
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError, isBusError } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { reporting } from "../core/reporting.ts";
import { isUnknown } from "../core/unknown.ts";
import { renderChange } from "./diff.ts";
import { openStreamPort } from "./nats-port.ts";
import type { Operations, Properties } from "./operations.ts";
import { effectsOfChange, refusalOfChange } from "./policy.ts";
import {
  besideDiffers,
  CONSUMER_SET,
  changedKeys,
  diffSets,
  type Member,
  type MemberChange,
  membersOf,
  readMember,
  type SetKind,
  STREAM_SET,
  settingsOfMember,
} from "./set.ts";
import { type Listing, listMembers } from "./set-listing.ts";
import { reconcileSet, type SetResult } from "./set-reconcile.ts";

/** Sets of streams. */
export const streamSetOperations: Operations = setOperationsOf(STREAM_SET);
/** Sets of durable consumers. */
export const consumerSetOperations: Operations = setOperationsOf(CONSUMER_SET);

const PREVIEW_TIMEOUT_MS = 2_000;
const BESIDE = ["connection", "owner", "defaults", "__provider"];
/** Lines a plan or an error says about single objects before it only counts them. */
const MOST_LINES = 20;

function setOperationsOf<S extends object>(kind: SetKind<S>): Operations {
  return reporting({
    check: (olds: Properties, news: Properties) => check(kind, olds, news),
    diff: (_id: string, olds: Properties, news: Properties) => diff(kind, olds, news),
    create: async (inputs: Properties) => ({ id: String(inputs["owner"]), outs: await apply(kind, {}, inputs) }),
    read: (id: string, props: Properties) => read(kind, id, props),
    update: async (_id: string, olds: Properties, news: Properties) => ({ outs: await apply(kind, olds, news) }),
    delete: (_id: string, props: Properties) => remove(kind, props),
  });
}

async function check<S extends object>(kind: SetKind<S>, olds: Properties, news: Properties) {
  const extra = Object.keys(news).filter((key) => key !== kind.members && !BESIDE.includes(key));
  const failures = extra.map((key) => ({
    property: key,
    reason: `there is no setting "${key}" [ERR_STREAM_KEY]; use ${kind.members} or defaults`,
  }));
  if (isUnknown(news[kind.members]) || isUnknown(news["defaults"])) return { inputs: news, failures };
  for (const key of changedKeys(kind, olds, news).filter((one) => one in membersOf(kind, news))) {
    const { problems } = readMember(kind, news, key);
    failures.push(
      ...problems.map(({ path, message, code, remedy }) => ({ property: path, reason: `${path}: ${message} [${code}]; ${remedy}` })),
    );
  }
  if (failures.length === 0) failures.push(...(await refusals(kind, olds, news)).map(refusalFailure));
  return { inputs: news, failures };
}

async function diff<S extends object>(kind: SetKind<S>, olds: Properties, news: Properties) {
  if (isUnknown(news[kind.members]) || isUnknown(news["defaults"])) return { changes: true };
  const changes = diffSets(kind, olds, news);
  if (changes.length === 0) return { changes: besideDiffers(olds, news) };
  const [refusal] = await refusals(kind, olds, news);
  if (refusal !== undefined) throw refusal;
  await sayChanges(kind, changes, news);
  return { changes: true };
}

async function apply<S extends object>(kind: SetKind<S>, olds: Properties, news: Properties): Promise<Properties> {
  const port = await openStreamPort(news["connection"] as ConnectionSpec);
  const [was, want] = [membersOf(kind, olds), membersOf(kind, news)];
  const goal = {
    want: Object.keys(want).map((key) => readMember(kind, news, key).member),
    gone: Object.keys(was)
      .filter((key) => want[key] === undefined)
      .map((key) => readMember(kind, olds, key).member),
    known: new Set(Object.keys(was)),
    owner: String(news["owner"]),
  };
  const result = await reconcileSet(kind, port, goal);
  const outs = outputsOf(kind, { olds, news }, result);
  if (result.failed.size > 0) throw partly(kind, { outs, total: goal.want.length + goal.gone.length }, result);
  return outs;
}

async function read<S extends object>(kind: SetKind<S>, id: string, props: Properties): Promise<{ id: string; props: Properties }> {
  const port = await openStreamPort(props["connection"] as ConnectionSpec);
  const held = membersOf(kind, props);
  const members = Object.keys(held).map((key) => readMember(kind, props, key).member);
  const { seen, unknown } = await listMembers(kind, port, members, true);
  const owner = String(props["owner"]);
  const entries = members.flatMap(({ key }): [string, unknown][] => {
    const found = seen.get(key);
    // Unknown is never absent: what nobody answers for stays as it was last seen.
    if (found === undefined) return unknown.has(key) ? [[key, held[key]]] : [];
    return [[key, settingsOfMember(kind, { props, key, owner }, found)]];
  });
  if (unknown.size > 0) progress(`${unknown.size} of ${members.length} ${kind.members} could not be seen: their servers do not answer`);
  return { id, props: { ...withoutInternal(props), [kind.members]: Object.fromEntries(entries) } };
}

async function remove<S extends object>(kind: SetKind<S>, props: Properties): Promise<void> {
  const gone = Object.keys(membersOf(kind, props)).map((key) => readMember(kind, props, key).member);
  const kept = gone.every(({ policy }) => policy.deletionPolicy === "retain");
  if (kept) return progress(`${gone.length} ${kind.members} stay on the servers (deletionPolicy: retain)`);
  const port = await openStreamPort(props["connection"] as ConnectionSpec);
  const result = await reconcileSet(kind, port, { want: [], gone, known: new Set(), owner: String(props["owner"]) });
  if (result.failed.size > 0) throw failure(kind, gone.length, result);
}

/** What the policies forbid; the servers are asked only about changes that could cost data. */
async function refusals<S extends object>(kind: SetKind<S>, olds: Properties, news: Properties): Promise<readonly BusError[]> {
  const risky = diffSets(kind, olds, news).filter(({ change }) => isRisky(change));
  const stakes = await lookAt(kind, risky, news);
  return risky.flatMap((one) => {
    const stake = stakes === undefined || stakes.unknown.has(one.key) ? "unknown" : stakes.seen.get(one.key)?.stake(wanted(one).spec);
    const policy = wanted(one).policy;
    return (stake && refusalOfChange(kind.asset.what(wanted(one).spec), one.change, policy, stake)) ?? [];
  });
}

/** How the objects are now; `undefined` when no server can be asked. */
async function lookAt<S extends object>(
  kind: SetKind<S>,
  changes: readonly MemberChange<S>[],
  news: Properties,
): Promise<Listing<S> | undefined> {
  const members = changes.flatMap(({ was }) => was ?? []);
  if (members.length === 0) return { seen: new Map(), unknown: new Map(), isAlone: () => false };
  if (isUnknown(news["connection"])) return undefined;
  try {
    return await listMembers(
      kind,
      await openStreamPort({ ...(news["connection"] as ConnectionSpec), timeoutMs: PREVIEW_TIMEOUT_MS }),
      members,
    );
  } catch (error) {
    if (isBusError(error)) return undefined;
    throw error;
  }
}

async function sayChanges<S extends object>(kind: SetKind<S>, changes: readonly MemberChange<S>[], news: Properties): Promise<void> {
  const told = changes.slice(0, MOST_LINES);
  const stakes = await lookAt(
    kind,
    told.filter(({ change }) => change.fields.length > 0),
    news,
  );
  for (const one of told) progress(wordsOf(kind, one, stakes));
  if (changes.length > told.length) progress(`and ${changes.length - told.length} more ${kind.members}`);
}

function wordsOf<S extends object>(
  { asset }: SetKind<S>,
  { key, was, want, change }: MemberChange<S>,
  stakes: Listing<S> | undefined,
): string {
  if (want === undefined)
    return `${asset.what((was as Member<S>).spec)}: ${(was as Member<S>).policy.deletionPolicy === "delete" ? "is deleted" : "stays on the servers (deletionPolicy: retain)"}`;
  const what = asset.what(want.spec);
  if (was === undefined) return `${what}: is created`;
  if (change.fields.length === 0) return `${what}: owner or policies`;
  const stake = stakes === undefined || stakes.unknown.has(key) ? "unknown" : stakes.seen.get(key)?.stake(want.spec);
  return [`${what}: ${change.fields.map(renderChange).join(", ")}`, ...effectsOfChange(change, want.policy, stake)].join("; ");
}

function outputsOf<S extends object>(
  kind: SetKind<S>,
  { olds, news }: { olds: Properties; news: Properties },
  result: SetResult<S>,
): Properties {
  const [was, want] = [membersOf(kind, olds), membersOf(kind, news)];
  const owner = String(news["owner"]);
  const made = Object.keys(want).flatMap((key): [string, unknown][] => {
    const seen = result.done.get(key);
    if (seen !== undefined) return [[key, settingsOfMember(kind, { props: news, key, owner }, seen)]];
    return was[key] === undefined ? [] : [[key, was[key]]];
  });
  const stuck = Object.keys(was).filter((key) => want[key] === undefined && result.failed.has(key));
  return { ...withoutInternal(news), [kind.members]: Object.fromEntries([...made, ...stuck.map((key) => [key, was[key]])]) };
}

/** The set exists by now, in part: the error carries the state, so that the engine keeps what is done. */
function partly<S extends object>(kind: SetKind<S>, { outs, total }: { outs: Properties; total: number }, result: SetResult<S>): Error {
  const error = failure(kind, total, result);
  return Object.assign(error, { id: String(outs["owner"]), properties: outs, reasons: [error.message] });
}

function failure<S extends object>({ members }: SetKind<S>, total: number, { failed }: SetResult<S>): BusError {
  const lines = [...failed]
    .slice(0, MOST_LINES)
    .map(([key, error]) => `  ${key}: ${error.message}${isBusError(error) ? ` [${error.code}]` : ""}`);
  const more = failed.size > lines.length ? [`  and ${failed.size - lines.length} more`] : [];
  const [first] = failed.values();
  const code = failed.size === 1 && isBusError(first) ? first.code : "ERR_STREAM_SET";
  const remedy = failed.size === 1 && isBusError(first) ? first.remedy : undefined;
  return new BusError(code, [`${failed.size} of ${total} ${members} failed, the others are done:`, ...lines, ...more].join("\n"), {
    remedy: remedy ?? "correct what is named and run again; what is done is kept",
  });
}

function isRisky({ kind, fields }: MemberChange<object>["change"]): boolean {
  return kind === "replace" || fields.some((field) => field.key === "retention");
}

function wanted<S>({ want }: MemberChange<S>): Member<S> {
  return want as Member<S>;
}

function refusalFailure(refusal: BusError): { property: string; reason: string } {
  return { property: refusal.path ?? "", reason: `${refusal.message} [${refusal.code}]; ${refusal.remedy ?? ""}` };
}

function withoutInternal(props: Properties): Properties {
  return Object.fromEntries(Object.entries(props).filter(([key]) => !key.startsWith("__")));
}
