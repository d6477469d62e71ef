/** Brings a whole set to its wanted value: one look at everything, then only what differs is written, many requests at a time. What fails does not stop the rest. */
import { setTimeout as delay } from "node:timers/promises";
import { type BusError, type ErrorCode, isBusError } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import type { Observed } from "./asset.ts";
import { laggards } from "./peers.ts";
import type { StreamPort } from "./port.ts";
import { DEADLINE_MS, nextStep, reconcile, removeAsset, replicasBehind } from "./reconcile.ts";
import type { Member, SetKind } from "./set.ts";
import { type Listing, listMembers } from "./set-listing.ts";
import { sideBySide } from "./side-by-side.ts";

/** What is wanted of a set. */
export interface SetGoal<S> {
  /** Objects it shall hold. */
  readonly want: readonly Member<S>[];
  /** Objects it held and shall not hold any more. */
  readonly gone: readonly Member<S>[];
  /** Keys this set made or adopted before. */
  readonly known: ReadonlySet<string>;
  /** Marker of the set. */
  readonly owner: string;
  /** Longest time for one object, and for the replicas of all, in milliseconds.
   * @default 30000 */
  readonly deadlineMs?: number;
}

/** What became of a set. */
export interface SetResult<S> {
  /** Objects as they are afterwards, by key; those that failed are not among them. */
  readonly done: ReadonlyMap<string, Observed<S>>;
  /** What failed, by key. */
  readonly failed: ReadonlyMap<string, Error>;
}

/** After one of these nothing will succeed for the next object either. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(["ERR_JETSTREAM_TIMEOUT", "ERR_JETSTREAM_LEADER", "ERR_JETSTREAM_OFF"]);
const POLL = { firstMs: 20, factor: 1.5, longestMs: 500 };

/**
 * Reconciles every object of a set; each by the rules of {@link reconcile}, none before the policies of all were looked at.
 * @throws what listing throws when nothing answers; everything about single objects is in the result
 */
export async function reconcileSet<S extends object>(kind: SetKind<S>, port: StreamPort, goal: SetGoal<S>): Promise<SetResult<S>> {
  const listing = await listMembers(kind, port, [...goal.want, ...goal.gone]);
  const run = new SetRun(kind, port, goal, listing);
  await run.writeAll();
  await run.waitForCopies();
  await run.removeAll();
  return run;
}

class SetRun<S extends object> implements SetResult<S> {
  readonly done = new Map<string, Observed<S>>();
  readonly failed = new Map<string, Error>();
  readonly #kind: SetKind<S>;
  readonly #port: StreamPort;
  readonly #goal: SetGoal<S>;
  readonly #listing: Listing<S>;
  #hopeless: BusError | undefined;
  #succeededMs = 0;

  constructor(...[kind, port, goal, listing]: [SetKind<S>, StreamPort, SetGoal<S>, Listing<S>]) {
    this.#kind = kind;
    this.#port = port;
    this.#goal = goal;
    this.#listing = listing;
  }

  async writeAll(): Promise<void> {
    const pending = this.#goal.want.filter((member) => !this.#isSettled(member));
    if (pending.length > 0) progress(`${pending.length} of ${this.#goal.want.length} ${this.#kind.members} to write`);
    await sideBySide(pending, (member) => this.#attempt(member.key, () => this.#write(member)));
  }

  /** Objects that are as wanted are done without a request; those of which nothing is known are left alone. */
  #isSettled(member: Member<S>): boolean {
    const { key } = member;
    const unknown = this.#listing.unknown.get(key);
    if (unknown !== undefined) this.failed.set(key, unknown);
    const seen = this.#listing.seen.get(key);
    if (seen === undefined || seen.isMigrating === true || unknown !== undefined) return unknown !== undefined;
    try {
      if (nextStep(this.#kind.asset, seen, this.#goalOf(member)).kind !== "none") return false;
      this.done.set(key, seen);
    } catch (error) {
      this.failed.set(key, error as Error);
    }
    return true;
  }

  async #write(member: Member<S>): Promise<void> {
    const seen = this.#listing.seen.get(member.key);
    const isAlone = this.#listing.isAlone(member.key);
    this.done.set(member.key, await reconcile(this.#kind.asset, this.#port, this.#goalOf(member), { seen, isAlone }));
  }

  #goalOf({ key, spec, policy }: Member<S>) {
    const { owner, known, deadlineMs = DEADLINE_MS } = this.#goal;
    return { spec, owner, policy, known: known.has(key), deadlineMs, waitForNew: false };
  }

  /** Waits until every replica of what was written is current, all at once by lists. */
  async waitForCopies(): Promise<void> {
    const { asset } = this.#kind;
    const startedMs = performance.now();
    const behind = ({ key }: Member<S>) => {
      const seen = this.done.get(key);
      return seen === undefined ? undefined : laggards(seen.peers, asset.copies(seen.spec));
    };
    let waiting = this.#goal.want.filter((member) => behind(member) !== undefined);
    for (let waitMs = POLL.firstMs; waiting.length > 0; waitMs = Math.min(waitMs * POLL.factor, POLL.longestMs)) {
      if (performance.now() - startedMs > (this.#goal.deadlineMs ?? DEADLINE_MS)) break;
      await delay(waitMs);
      await this.#lookAgain(waiting);
      waiting = waiting.filter((member) => behind(member) !== undefined);
    }
    for (const member of waiting) this.failed.set(member.key, replicasBehind(asset.what(member.spec), behind(member) ?? ""));
  }

  async #lookAgain(members: readonly Member<S>[]): Promise<void> {
    try {
      const { seen } = await listMembers(this.#kind, this.#port, members);
      for (const [key, observed] of seen) if (this.done.has(key)) this.done.set(key, observed);
    } catch (error) {
      if (!isBusError(error)) throw error;
    }
  }

  async removeAll(): Promise<void> {
    const { asset, members } = this.#kind;
    const fatal = this.#goal.gone.filter(({ policy }) => policy.deletionPolicy === "delete");
    const kept = this.#goal.gone.length - fatal.length;
    if (kept > 0) progress(`${kept} ${members} stay on the servers (deletionPolicy: retain)`);
    const { owner } = this.#goal;
    await sideBySide(fatal, ({ key, spec }) =>
      this.#attempt(key, async () => {
        const unknown = this.#listing.unknown.get(key);
        if (unknown !== undefined) throw unknown;
        await removeAsset(asset, this.#port, { spec, owner }, { seen: this.#listing.seen.get(key) });
      }),
    );
  }

  /** A failure is kept for the end. When one says that nobody answers and nothing succeeded meanwhile, what is left is not tried. */
  async #attempt(key: string, work: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    try {
      if (this.#hopeless !== undefined) throw this.#hopeless;
      await work();
      this.#succeededMs = performance.now();
    } catch (error) {
      if (!isBusError(error)) throw error;
      if (HOPELESS.has(error.code) && this.#succeededMs < startedMs) this.#hopeless ??= error;
      this.failed.set(key, error);
    }
  }
}
