/** Bounds how many messages are sent and not confirmed, lane by lane, so that a flood of one priority never holds up another. */
import { BusError } from "../core/errors.ts";
import type { Priority } from "./priority.ts";

/** Bounds of an {@link InFlightWindow}. */
export interface WindowLimits {
  /** Messages of one lane that may be unconfirmed at a time. */
  readonly maxInFlight: number;
  /** Messages of one lane that may wait for that. */
  readonly maxQueued: number;
}

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

/** A counting lock a lane, served in order of arrival. */
export class InFlightWindow {
  readonly #limits: WindowLimits;
  readonly #lanes = new Map<Priority, Lane>();
  #idle: (() => void)[] = [];
  #running = 0;
  #waiting = 0;

  constructor(limits: WindowLimits) {
    this.#limits = limits;
  }

  /** Messages sent and not confirmed, over all lanes. */
  get inFlight(): number {
    return this.#running;
  }

  /** Messages that wait for room, over all lanes. */
  get queued(): number {
    return this.#waiting;
  }

  /**
   * Takes room, at once or when the promise resolves; every taker calls {@link release} once.
   * @throws ERR_CLIENT_BACKPRESSURE at once when too many wait already
   */
  acquire(priority: Priority): Promise<void> | undefined {
    const lane = this.#lane(priority);
    if (lane.running < this.#limits.maxInFlight) {
      lane.running += 1;
      this.#running += 1;
      return undefined;
    }
    if (lane.waiting.length >= this.#limits.maxQueued) {
      throw new BusError(
        "ERR_CLIENT_BACKPRESSURE",
        `${lane.waiting.length} messages of priority ${priority} wait to be published already`,
        {
          remedy: "await the publishes, publish less at a time, or raise publishing.maxQueued",
        },
      );
    }
    this.#waiting += 1;
    return new Promise<void>((resolve) => lane.waiting.push(resolve));
  }

  /** Gives the room to the next in the lane. */
  release(priority: Priority): void {
    const lane = this.#lane(priority);
    const next = lane.waiting.shift();
    if (next !== undefined) {
      this.#waiting -= 1;
      next();
      return;
    }
    lane.running -= 1;
    this.#running -= 1;
    if (this.#running > 0) return;
    for (const wake of this.#idle.splice(0)) wake();
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #lane(priority: Priority): Lane {
    const known = this.#lanes.get(priority);
    if (known !== undefined) return known;
    const lane: Lane = { running: 0, waiting: [] };
    this.#lanes.set(priority, lane);
    return lane;
  }
}
