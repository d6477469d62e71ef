/** What a rolling restart is watched with: a client that publishes all the time, and the order in which servers come back. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { expect } from "vitest";

const WATCH_MS = 15;

/** One server as seen from outside. */
export interface SeenServer {
  /** Server name. */
  readonly name: string;
  /** Changes with every start of the server, for instance its process and start time; `undefined` while it does not run. */
  readonly instance: string | undefined;
}

/** Publishes one message after the other and remembers those the stream acknowledged. */
export async function startPublisher(connection: NatsConnection) {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "CONTRACT", subjects: ["contract"], num_replicas: 3 });
  const client = jetstream(connection);
  const acknowledged: string[] = [];
  let stopped = false;
  let longestGapMs = 0;
  const work = (async () => {
    let last = performance.now();
    for (let id = 0; !stopped; id += 1) {
      // A lost answer is not an acknowledgement; the message may or may not be there.
      const ack = await client.publish("contract", String(id), { timeout: 1_000 }).catch(() => undefined);
      if (ack === undefined) continue;
      acknowledged.push(String(id));
      longestGapMs = Math.max(longestGapMs, performance.now() - last);
      last = performance.now();
    }
  })();
  return {
    reach: (count: number) => expect.poll(() => acknowledged.length, { timeout: 20_000, interval: WATCH_MS }).toBeGreaterThanOrEqual(count),
    stop: async () => {
      stopped = true;
      await work;
      return acknowledged;
    },
    /** Longest time between two acknowledgements, in milliseconds. */
    longestGap: () => Math.round(longestGapMs),
    stored: () => readStored(connection),
  };
}

export async function readStored(connection: NatsConnection): Promise<Set<string>> {
  const consumer = await jetstream(connection).consumers.get("CONTRACT");
  const info = await (await jetstreamManager(connection)).streams.info("CONTRACT");
  const stored = new Set<string>();
  if (info.state.messages === 0) return stored;
  for await (const message of await consumer.consume()) {
    stored.add(message.string());
    if (message.info.pending === 0) break;
  }
  return stored;
}

/** Watches in which order servers come back as new ones, and how few ran at once. @param target its `servers` is asked every few milliseconds */
export function watchServers(target: { servers(): Promise<readonly SeenServer[]> }) {
  const order: string[] = [];
  let fewest = Number.POSITIVE_INFINITY;
  let stopped = false;
  const work = (async () => {
    const known = new Map((await target.servers()).map(({ name, instance }) => [name, instance]));
    while (!stopped) {
      const now = await target.servers();
      fewest = Math.min(fewest, now.filter((server) => server.instance !== undefined).length);
      for (const { name, instance } of now) {
        if (instance === undefined || instance === known.get(name)) continue;
        known.set(name, instance);
        order.push(name);
      }
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await work;
      return { order, fewest };
    },
  };
}
