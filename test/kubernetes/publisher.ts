import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";

const ATTEMPT_MS = 250;
const PAUSE_MS = 10;

/** Publishes one message after the other on a connection that is always there, tries each until it is acknowledged, and remembers the longest time between two acknowledgements. */
export async function startPublisher(spec: ConnectionSpec, subject: string) {
  const acknowledged: string[] = [];
  const run = crypto.randomUUID();
  let stopped = false;
  let longestGapMs = 0;
  const publish = async (id: string): Promise<void> => {
    while (!stopped) {
      // The same id a second time is recognised by the stream, so that a lost answer makes no second message.
      const ack = await openConnection(spec)
        .then((connection) => jetstream(connection).publish(subject, id, { msgID: id, timeout: ATTEMPT_MS }))
        .catch(() => undefined);
      if (ack !== undefined) return void acknowledged.push(id);
    }
  };
  const work = (async () => {
    let last = performance.now();
    for (let count = 0; !stopped; count += 1) {
      await publish(`${run}-${count}`);
      longestGapMs = Math.max(longestGapMs, performance.now() - last);
      last = performance.now();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await work;
      return { acknowledged, longestGapMs };
    },
    /** Those acknowledged messages that the stream does not hold. */
    missing: async (admin: NatsConnection, stream: string): Promise<string[]> => {
      const held = await readAll(admin, stream);
      return acknowledged.filter((id) => !held.has(id));
    },
  };
}

async function readAll(connection: NatsConnection, stream: string): Promise<Set<string>> {
  const held = new Set<string>();
  const { state } = await (await jetstreamManager(connection)).streams.info(stream);
  if (state.messages === 0) return held;
  const consumer = await jetstream(connection).consumers.get(stream);
  for await (const message of await consumer.consume()) {
    held.add(message.string());
    if (message.info.pending === 0) break;
  }
  return held;
}
