/** Brings one object to its wanted value: observe, decide the next step, take it, until there is none; then wait for the replicas. */
import { setTimeout as delay } from "node:timers/promises";
import { BusError, type ErrorCode, isBusError } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import type { Asset, Observed, Write } from "./asset.ts";
import { canMigrate, diffSpecs, renderChange, sameValue } from "./diff.ts";
import type { FieldTable } from "./field.ts";
import { laggards } from "./peers.ts";
import { assertOwned, type Policy, refusalOfChange } from "./policy.ts";
import type { StreamPort } from "./port.ts";
import type { WireConfig } from "./wire.ts";

/** What is wanted of one object. */
export interface Goal<S> {
  /** Wanted value, normalised. */
  readonly spec: S;
  /** Marker of the resource. */
  readonly owner: string;
  /** What may be done to data. */
  readonly policy: Policy;
  /** Whether this resource made or adopted the object before. */
  readonly known: boolean;
  /** Longest time for all of it, in milliseconds.
   * @default 30000 */
  readonly deadlineMs?: number;
  /** Whether a new object is done only when every replica is current; somebody who makes many waits for all of them together.
   * @default true */
  readonly waitForNew?: boolean;
}

/** What is known before the first look. */
export interface Known<S> {
  /** The object as it was seen a moment ago; `undefined` when there was none. */
  readonly seen: Observed<S> | undefined;
  /** Whether it is certain that no migration of it was begun.
   * @default false */
  readonly isAlone?: boolean;
}

/** One step towards a goal. */
export interface Step<S> {
  /** What to do. */
  readonly kind: "none" | "create" | "update" | "recreate" | "migrate";
  /** Value to write.
   * @default - nothing is written */
  readonly write?: Write<S>;
  /** What the step changes, in words. */
  readonly words: string;
  /** Whether replicas are made or moved, so that they have to be waited for. */
  readonly copies: boolean;
}

/** Longest time for one object when nobody says otherwise, in milliseconds. */
export const DEADLINE_MS = 30_000;
// What ends by itself soon or not at all, in milliseconds: an account that was just pushed, which JetStream does not serve yet; a server that was just
// started, which the leader still takes for gone.
const BRIEF_PATIENCE_MS: Partial<Record<ErrorCode, number>> = { ERR_JETSTREAM_OFF: 3_000, ERR_PEER_OFFLINE: 10_000 };
// While a leader changes nobody answers; asking again is quicker than waiting for that answer.
const POLL = { firstMs: 4, factor: 1.5, longestMs: 100, answerMs: 400 };
const MAX_STEPS = 8;
// An election after the loss of a leader takes up to about nine seconds.
const READ_PATIENCE_MS = 12_000;
const READ_ANSWER_MS = 2_000;
const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  "ERR_JETSTREAM_TIMEOUT",
  "ERR_JETSTREAM_LEADER",
  "ERR_STREAM_CONFLICT",
  "ERR_JETSTREAM_OFF",
  "ERR_PEER_OFFLINE",
]);

/**
 * Creates, updates, adopts or recreates one object, whatever is needed, and answers how it is afterwards. Nothing is written when nothing differs.
 * After a time-out the object is read again, never assumed unchanged. `known` saves the first look.
 * @throws ERR_STREAM_FOREIGN, ERR_STREAM_IMMUTABLE before anything is touched; ERR_STREAM_REPLICAS when copies stay behind; the server's refusals
 */
export async function reconcile<S extends object>(
  asset: Asset<S>,
  port: StreamPort,
  goal: Goal<S>,
  known?: Known<S>,
): Promise<Observed<S>> {
  const patience = new Patience(goal.deadlineMs ?? DEADLINE_MS);
  const look = (timeoutMs?: number) => patience.insist(() => asset.observe(port, goal.spec, timeoutMs));
  let seen = await firstSight(asset, port, { goal, known, patience, look });
  const taken: string[] = [];
  while (taken.length < MAX_STEPS) {
    const step = nextStep(asset, seen, goal);
    if (step.kind === "none" || step.write === undefined) return mustExist(seen, asset.what(goal.spec));
    if (step.kind === "update" && step.words === taken.at(-1)) throw unheeded(asset.what(goal.spec), step.words);
    progress(`${asset.what(goal.spec)}: ${step.words}`);
    const done = await attempt(asset, port, { step, seen }, patience);
    // A try whose outcome is unknown is bounded by patience, and is no step.
    if (done !== undefined) taken.push(step.words);
    seen = done ?? (await look());
    if (seen !== undefined && isWaitedFor(step, goal)) seen = await waitCurrent(asset, seen, { look, goal, patience });
  }
  throw new BusError("ERR_STREAM_CONFLICT", `${asset.what(goal.spec)} keeps changing while it is reconciled`, {
    remedy: "find who else manages it, and let only one do so",
  });
}

/** The object as it is, `undefined` when there is none; asks again while nobody answers, as when a leader is being elected.
 * @throws what reading throws when that does not end in time */
export async function observeAsset<S>(asset: Asset<S>, port: StreamPort, spec: S): Promise<Observed<S> | undefined> {
  return insistOnReading(() => asset.observe(port, spec, READ_ANSWER_MS));
}

/** Asks again while nobody answers, as when a leader is being elected.
 * @throws what `call` throws when that does not end in time */
export function insistOnReading<T>(call: () => Promise<T>): Promise<T> {
  return new Patience(READ_PATIENCE_MS).insist(call);
}

/**
 * Deletes an object; nothing there is a success, as is one that belongs to somebody else by now. `known` saves the look.
 * @returns whether there was one to delete
 */
export async function removeAsset<S>(
  asset: Asset<S>,
  port: StreamPort,
  goal: Pick<Goal<S>, "spec" | "owner">,
  known?: Known<S>,
): Promise<boolean> {
  const patience = new Patience(DEADLINE_MS);
  const seen = known === undefined ? await patience.insist(() => asset.observe(port, goal.spec)) : known.seen;
  if (seen === undefined || (seen.owner !== undefined && seen.owner !== goal.owner)) return false;
  await patience.insist(() => asset.remove(port, goal.spec));
  return true;
}

/**
 * The next step from what is there to what is wanted. Pure.
 * @throws ERR_STREAM_FOREIGN when the object is not ours, ERR_STREAM_IMMUTABLE when the policies forbid what would be needed
 */
export function nextStep<S extends object>(asset: Asset<S>, seen: Observed<S> | undefined, goal: Goal<S>): Step<S> {
  const { spec: want, owner } = goal;
  if (seen === undefined)
    return { kind: "create", write: { spec: asset.approach(undefined, want), owner }, words: "creating", copies: true };
  assertOwned(asset.what(want), seen.owner, goal);
  const change = diffSpecs(asset.fields, seen.spec, want);
  const marked = seen.owner === owner;
  if (change.kind === "none" && marked) return { kind: "none", words: "", copies: false };
  const refusal = refusalOfChange(asset.what(want), change, goal.policy, seen.stake(want));
  if (refusal !== undefined) throw refusal;
  if (change.kind === "replace" && goal.policy.replacePolicy === "migrate" && canMigrate(change)) {
    return { kind: "migrate", write: { spec: want, owner }, words: change.fields.map(renderChange).join(", "), copies: true };
  }
  if (change.kind === "replace") {
    return { kind: "recreate", write: { spec: asset.approach(undefined, want), owner }, words: "making it anew", copies: true };
  }
  const spec = asset.approach(seen.spec, want);
  const keys = change.fields.map((field) => field.key);
  const words = change.fields.length === 0 ? "taking it over" : change.fields.map(renderChange).join(", ");
  return {
    kind: "update",
    write: { spec, owner, unknown: seen.unknown, kept: { ...unchangedParts(asset.fields, seen, spec), ...seen.kept } },
    words,
    copies: keys.includes("replicas") || keys.includes("placement"),
  };
}

async function firstSight<S>(asset: Asset<S>, port: StreamPort, first: FirstLook<S>): Promise<Observed<S> | undefined> {
  const made = first.known === undefined ? await makeUnseen(asset, port, first) : undefined;
  return made ?? firstLook(asset, port, first);
}

/** A new object needs no look: the server tells one that is there already from one it makes. Without an owner's marker it could not. */
async function makeUnseen<S>(asset: Asset<S>, port: StreamPort, waiting: Waiting<S>): Promise<Observed<S> | undefined> {
  const { spec, owner, known, waitForNew = true } = waiting.goal;
  if (known || owner === "") return undefined;
  const made = await asset.createUnseen?.(port, { spec: asset.approach(undefined, spec), owner });
  return made === undefined || !waitForNew ? made : waitCurrent(asset, made, waiting);
}

interface FirstLook<S> {
  readonly goal: Goal<S>;
  readonly known: Known<S> | undefined;
  readonly patience: Patience;
  readonly look: () => Promise<Observed<S> | undefined>;
}

/** The object after what an interrupted run left undone was brought to its end. */
async function firstLook<S>(
  asset: Asset<S>,
  port: StreamPort,
  { goal, known, patience, look }: FirstLook<S>,
): Promise<Observed<S> | undefined> {
  const seen = known === undefined ? await look() : known.seen;
  if (known?.isAlone === true) return seen;
  return (await patience.insist(() => asset.resume(port, goal, seen))) ? await look() : seen;
}

function isWaitedFor<S>(step: Step<S>, goal: Goal<S>): boolean {
  return step.copies && (step.kind === "update" || goal.waitForNew !== false);
}

/** Values with parts that stay as they are, as the server wrote them: a part that only a newer natsbus knows must outlive the update. */
function unchangedParts<S extends object>(fields: FieldTable, { spec, echo }: Observed<S>, want: S): WireConfig {
  const unchanged = Object.entries(fields).filter(([key, { wire }]) => {
    const hasParts = wire !== "" && wire !== "metadata" && typeof echo[wire] === "object" && echo[wire] !== null;
    return hasParts && sameValue((spec as WireConfig)[key], (want as WireConfig)[key]);
  });
  return Object.fromEntries(unchanged.map(([, { wire }]) => [wire, echo[wire]]));
}

/** One write. `undefined` when its outcome is unknown or somebody was faster: look again. */
async function attempt<S>(
  asset: Asset<S>,
  port: StreamPort,
  { step, seen }: { readonly step: Step<S>; readonly seen: Observed<S> | undefined },
  patience: Patience,
): Promise<Observed<S> | undefined> {
  if (step.write === undefined || step.kind === "none") return undefined;
  try {
    if (step.kind === "migrate") return seen && (await asset.migrate(port, step.write, seen));
    return await asset[step.kind](port, step.write);
  } catch (error) {
    await patience.pauseOr(error);
    return undefined;
  }
}

interface Waiting<S> {
  readonly look: (timeoutMs?: number) => Promise<Observed<S> | undefined>;
  readonly goal: Goal<S>;
  readonly patience: Patience;
}

async function waitCurrent<S>(asset: Asset<S>, first: Observed<S>, { look, goal, patience }: Waiting<S>): Promise<Observed<S>> {
  let seen = first;
  for (let waitMs = POLL.firstMs; ; waitMs = Math.min(waitMs * POLL.factor, POLL.longestMs)) {
    const behind = laggards(seen.peers, asset.copies(seen.spec));
    if (behind === undefined) return seen;
    if (patience.over()) throw replicasBehind(asset.what(goal.spec), behind);
    await delay(waitMs);
    seen = mustExist(await look(POLL.answerMs), asset.what(goal.spec));
  }
}

/** The time one operation has, and what it tries again within it. */
class Patience {
  readonly #startedMs = performance.now();
  readonly #deadlineMs: number;
  #pauseMs = 20;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  over(): boolean {
    return performance.now() - this.#startedMs > this.#deadlineMs;
  }

  /** Runs `call` until it succeeds or fails for good. */
  async insist<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        await this.pauseOr(error);
      }
    }
  }

  /** Waits a little before another try, or throws `error` when that is of no use. */
  async pauseOr(error: unknown): Promise<void> {
    if (!isBusError(error) || !RETRYABLE.has(error.code) || this.over()) throw error;
    if (performance.now() - this.#startedMs > (BRIEF_PATIENCE_MS[error.code] ?? Number.POSITIVE_INFINITY)) throw error;
    await delay(this.#pauseMs * (0.5 + Math.random()));
    this.#pauseMs = Math.min(this.#pauseMs * 2, 1_000);
  }
}

function mustExist<S>(seen: Observed<S> | undefined, what: string): Observed<S> {
  if (seen !== undefined) return seen;
  throw new BusError("ERR_STREAM_CONFLICT", `${what} vanished while it was reconciled`, { remedy: "find who deletes it, then run again" });
}

function unheeded(what: string, words: string): BusError {
  return new BusError("ERR_STREAM_REFUSED", `${what}: the server accepted ${words} and kept the old value`, {
    remedy: "leave the setting out, or check that the server version supports it",
  });
}

/** Replicas that stay behind. */
export function replicasBehind(what: string, behind: string): BusError {
  return new BusError("ERR_STREAM_REPLICAS", `${what}: replicas are not current in time (${behind})`, {
    remedy: 'bring every server up and run again; nothing is lost, "natsbus status" shows the servers',
  });
}
