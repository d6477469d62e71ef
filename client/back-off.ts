/** How long to wait before trying again. Pure but for the random part. */

const RECONNECT = { firstMs: 50, longestMs: 5_000 };
const PUBLISH = { firstMs: 25, longestMs: 1_000 };

/** Wait before the attempt to reconnect after `losses` failed ones, so that thousands of clients do not come back at one moment.
 * @param random 0 to 1 */
export function reconnectDelay(losses: number, random = Math.random()): number {
  return jittered(RECONNECT, losses, random);
}

/** Wait before sending a message again after `attempts` failed ones.
 * @param random 0 to 1 */
export function publishDelay(attempts: number, random = Math.random()): number {
  return jittered(PUBLISH, attempts, random);
}

/** Half of a doubling wait is fixed, half random. */
function jittered({ firstMs, longestMs }: typeof RECONNECT, failures: number, random: number): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 20));
  return fullMs / 2 + (fullMs / 2) * random;
}

/** Wait before the next delivery of a message that failed `failures` times: the entry of the list, its last one from then on. */
export function retryDelay(delaysMs: readonly number[], failures: number): number {
  return delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 0;
}
