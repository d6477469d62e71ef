/** A bus for pictures: four families of streams with publishers of different pace, and one worker that is too slow. */
import { setTimeout as delay } from "node:timers/promises";
import type { BusFacts, StreamFacts } from "../../observability/facts.ts";
import { startWatchedBus, type WatchedBus } from "../support/watched-bus.ts";

const FAMILIES = ["consciousness", "security", "performance", "orchestration"] as const;
const STREAM: Omit<StreamFacts, "name"> = { account: "$G", replicas: 3, refusesWhenFull: false, consumers: [] };
const MIRROR = "SECURITY_COPY";

const FACTS: BusFacts = {
  cluster: "natsbus-dev",
  servers: 3,
  tls: false,
  streams: [
    ...FAMILIES.map((family) => ({
      ...STREAM,
      name: family.toUpperCase(),
      consumers: [{ name: `${family}-worker`, backlogLimit: 100, maxAckPending: 1000 }],
    })),
    { ...STREAM, name: MIRROR, mirror: true },
  ],
};

/** A bus with load; the load ends before the bus does. */
export interface ShownBus extends AsyncDisposable {
  readonly bus: WatchedBus;
}

/** Starts it. */
export async function startShownBus(): Promise<ShownBus> {
  const bus = await startWatchedBus({
    facts: FACTS,
    cluster: { name: FACTS.cluster },
    async declare(manager) {
      for (const family of FAMILIES) {
        const name = family.toUpperCase();
        await manager.streams.add({ name, subjects: [`${family}.>`], num_replicas: 3, max_bytes: 4 * 1024 * 1024 });
        await manager.consumers.add(name, { durable_name: `${family}-worker`, ack_policy: "explicit" });
      }
      await manager.streams.add({ name: MIRROR, mirror: { name: "SECURITY" }, num_replicas: 3 });
      await manager.streams.add({ name: "NATSBUS_CANARY", subjects: ["canary.>"], num_replicas: 3, max_msgs: 1000 });
    },
  });
  const over = new AbortController();
  const loops = FAMILIES.flatMap((family, index) => [publish(bus, family, { index, over: over.signal }), work(bus, family, over.signal)]);
  return {
    bus,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.race([Promise.allSettled(loops), delay(3_000)]);
      await bus[Symbol.asyncDispose]();
    },
  };
}

async function publish(bus: WatchedBus, family: string, { index, over }: { readonly index: number; readonly over: AbortSignal }) {
  const payload = "x".repeat(300 * (index + 1));
  for (let round = 0; !over.aborted; round += 1) {
    const burst = 1 + index + Math.round(4 * (1 + Math.sin(round / 25 + 2 * index)));
    // While a leader is elected nothing is stored.
    for (let sent = 0; sent < burst; sent += 1) await bus.client.publish(`${family}.normal.event`, payload).catch(() => undefined);
    await delay(150);
  }
}

async function work(bus: WatchedBus, family: string, over: AbortSignal): Promise<void> {
  const consumer = await bus.client.consumers.get(family.toUpperCase(), `${family}-worker`);
  for await (const message of await consumer.consume({ max_messages: 40 })) {
    if (over.aborted) return;
    // One worker is too slow.
    if (family === "performance") await delay(120);
    message.ack();
  }
}
