/** Drives a load: so many calls of one function, so many at a time, each timed. */

/** What to drive. */
export interface Drive {
  /** Number of calls. */
  readonly count: number;
  /** Calls that may be unanswered at a time. */
  readonly inFlight: number;
  /** Stops early.
   * @default - never */
  readonly signal?: AbortSignal | undefined;
}

/** How it went. */
export interface DriveResult {
  /** Calls that succeeded. */
  readonly done: number;
  /** Calls that failed. */
  readonly failed: number;
  /** From the first call to the last answer, in milliseconds. */
  readonly durationMs: number;
  /** Of the successful calls, in milliseconds, ascending. */
  readonly latencies: readonly number[];
  /** First error.
   * @default - none */
  readonly error?: unknown;
}

/** Calls `work` with 0, 1, 2 and so on. Failures are counted, not thrown. */
export async function drive({ count, inFlight, signal }: Drive, work: (index: number) => Promise<unknown>): Promise<DriveResult> {
  const latencies: number[] = [];
  const errors: unknown[] = [];
  let next = 0;
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < count && signal?.aborted !== true) {
      const begunMs = performance.now();
      const index = next++;
      try {
        await work(index);
        latencies.push(performance.now() - begunMs);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
  const durationMs = performance.now() - startedMs;
  const [error] = errors;
  return {
    done: latencies.length,
    failed: errors.length,
    durationMs,
    latencies: latencies.sort((a, b) => a - b),
    ...(error === undefined ? {} : { error }),
  };
}

/** Successful calls a second. */
export function rateOf({ done, durationMs }: Pick<DriveResult, "done" | "durationMs">): number {
  return durationMs <= 0 ? 0 : (done / durationMs) * 1000;
}

/** Value below which the share (0 to 1) of an ascending list lies; 0 for an empty one. */
export function percentile(ascending: readonly number[], share: number): number {
  if (ascending.length === 0) return 0;
  const index = Math.min(ascending.length - 1, Math.max(0, Math.ceil(ascending.length * share) - 1));
  return ascending[index] ?? 0;
}

/** Arithmetic mean; 0 for an empty list. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
