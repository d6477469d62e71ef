/** Events a second over the last ten seconds, in constant memory. */

const SECONDS = 10;

/** Counts events in one slot a second. Times are milliseconds of one monotonic clock. */
export class RateMeter {
  readonly #slots = Array.from({ length: SECONDS }, () => ({ second: -1, count: 0 }));

  /** Counts one event at `nowMs`. */
  mark(nowMs = performance.now()): void {
    const second = Math.floor(nowMs / 1000);
    const slot = this.#slots[second % SECONDS];
    if (slot === undefined) return;
    if (slot.second !== second) Object.assign(slot, { second, count: 0 });
    slot.count += 1;
  }

  /** Mean rate over the last ten seconds; the running second counts as whole. */
  perSecond(nowMs = performance.now()): number {
    const second = Math.floor(nowMs / 1000);
    const recent = this.#slots.filter((slot) => slot.second > second - SECONDS && slot.second <= second);
    return recent.reduce((sum, slot) => sum + slot.count, 0) / SECONDS;
  }
}
