/** Distribution of durations in constant memory. */

/** Summary of a distribution, in milliseconds; everything is 0 before the first value. */
export interface LatencySnapshot {
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Quantiles, at most a tenth too high. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

const SMALLEST_MS = 0.001;
const STEPS_PER_DOUBLING = 8;
// 38 doublings of a microsecond: three days.
const BUCKETS = 38 * STEPS_PER_DOUBLING;

/** Counts durations in buckets each 9 % wider than the one before. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;

  /** Adds one duration; a negative one, as clocks of two machines produce, counts as 0. */
  record(durationMs: number): void {
    const ms = Math.max(0, durationMs);
    const step = Math.ceil(Math.log2(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * STEPS_PER_DOUBLING);
    const bucket = Math.min(BUCKETS - 1, step);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += ms;
    this.#minMs = Math.min(this.#minMs, ms);
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** Summary of everything recorded. */
  snapshot(): LatencySnapshot {
    const count = this.#count;
    if (count === 0) return { count, meanMs: 0, minMs: 0, maxMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
    const quantiles = { p50Ms: this.#quantile(0.5), p95Ms: this.#quantile(0.95), p99Ms: this.#quantile(0.99) };
    return { count, meanMs: this.#sumMs / count, minMs: this.#minMs, maxMs: this.#maxMs, ...quantiles };
  }

  /** How many durations were at most each of these, at most a tenth off. Ascending, in milliseconds. */
  countsBelow(boundsMs: readonly number[]): number[] {
    let sum = 0;
    let bucket = 0;
    return boundsMs.map((bound) => {
      for (; bucket < BUCKETS && SMALLEST_MS * 2 ** (bucket / STEPS_PER_DOUBLING) <= bound; bucket += 1) sum += this.#counts[bucket] ?? 0;
      return sum;
    });
  }

  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.max(this.#minMs, Math.min(this.#maxMs, SMALLEST_MS * 2 ** (bucket / STEPS_PER_DOUBLING)));
    }
    return this.#maxMs;
  }
}
