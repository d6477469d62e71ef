/** Which lane's message comes next. Pure but for the turns that weights take. */

/** What bounds a {@link LanePolicy}. */
export interface LaneLimits {
  /** Handlers that may run at a time, over all lanes. */
  readonly concurrency: number;
  /** Handlers kept free for the most urgent lane, so that it never waits for slow ones of the others. */
  readonly reserved: number;
  /** Share of each lane, most urgent first.
   * @default - strict: the most urgent lane that has a message */
  readonly weights?: readonly number[] | undefined;
}

/** Chooses among lanes, most urgent first. */
export class LanePolicy {
  readonly #limits: LaneLimits;
  readonly #credit: number[] = [];

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  /**
   * Index of the lane to serve; `undefined` when none has a message or none may run another handler.
   * @param ready whether each lane has a message
   * @param running handlers of each lane that run
   */
  pick(ready: readonly boolean[], running: readonly number[]): number | undefined {
    const { concurrency, reserved, weights } = this.#limits;
    const total = running.reduce((sum, count) => sum + count, 0);
    if (total >= concurrency) return undefined;
    const others = total - (running[0] ?? 0);
    const allowed = ready.flatMap((isReady, lane) => (isReady && (lane === 0 || others < concurrency - reserved) ? [lane] : []));
    return weights === undefined || allowed.length < 2 ? allowed[0] : this.#turn(allowed, weights);
  }

  /** Each lane gains its weight a turn, and the chosen one pays for all: smooth shares in every stretch of turns. */
  #turn(allowed: readonly number[], weights: readonly number[]): number | undefined {
    let sum = 0;
    let best: number | undefined;
    for (const lane of allowed) {
      const weight = weights[lane] ?? 1;
      sum += weight;
      this.#credit[lane] = (this.#credit[lane] ?? 0) + weight;
      if (best === undefined || (this.#credit[lane] ?? 0) > (this.#credit[best] ?? 0)) best = lane;
    }
    if (best !== undefined) this.#credit[best] = (this.#credit[best] ?? 0) - sum;
    return best;
  }
}
