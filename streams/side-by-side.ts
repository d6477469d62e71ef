/** Many requests at a time over one connection: enough to keep servers busy, few enough not to make them slower. */

/** Requests in flight. More makes creating replicated streams slower on the servers. */
export const IN_FLIGHT = 32;

/** Does `work` for every item, {@link IN_FLIGHT} at a time; the first failure ends it. */
export async function sideBySide<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const remaining = { [Symbol.iterator]: () => queue };
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const item of remaining) await work(item);
    }),
  );
}
