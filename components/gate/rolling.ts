/** Restarting servers one at a time. How one is restarted is the target's business; when, and in which order, is decided here. */
import { restartOrder } from "./blockers.ts";

/** What a rolling restart needs. */
export interface RollingOptions {
  /** Names of the servers to restart, in the order they are preferred. */
  readonly names: readonly string[];
  /** Waits until every server, stream and consumer is current.
   * @returns the meta leader's name */
  readonly waitCurrent: () => Promise<string>;
  /** Restarts one server; need not wait for it.
   * @param left servers to go, this one included */
  readonly restart: (name: string, left: number) => Promise<void>;
}

/**
 * Restarts servers one at a time: the next one only when every server, stream and consumer is current again, the meta leader last. Ends when all is current again.
 * @throws what `waitCurrent` and `restart` throw; servers that are not restarted then keep running as they are
 */
export async function restartOneByOne({ names, waitCurrent, restart }: RollingOptions): Promise<void> {
  const waiting = new Set(names);
  while (waiting.size > 0) {
    const leader = await waitCurrent();
    const [next] = restartOrder([...waiting], leader);
    if (next === undefined) break;
    await restart(next, waiting.size);
    waiting.delete(next);
  }
  await waitCurrent();
}
