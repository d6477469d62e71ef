import { randomUUID } from "node:crypto";
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { z } from "zod";
import { defineSubject, MessageBus, route } from "../../../client/index.ts";
import { createKey } from "../../../core/nats-keys.ts";
import type { TestCluster } from "../../support/cluster.ts";

/** How fast each way was: messages a second in each round, and this process's own CPU time a message. */
interface Speed {
  readonly perSecond: number[];
  readonly cpuUs: number[];
}

/** Speeds by the name of the way; `raw` is the floor. */
export type Speeds = Record<string, Speed>;

/** What to measure with. */
export interface Load {
  readonly cluster: TestCluster;
  readonly storage: "file" | "memory";
  readonly replicas: number;
  /** Messages a round and way. */
  readonly messages: number;
  readonly rounds: number;
  /** Messages unconfirmed at a time. */
  readonly inFlight: number;
}

const schema = z.object({
  host: z.string().min(1),
  severity: z.enum(["info", "warning", "error"]),
  text: z.string().max(500),
  at: z.number().int(),
  tags: z.array(z.string()),
  source: z.object({ address: z.string(), port: z.number().int().min(0).max(65_535) }),
});
const alert = defineSubject("security.*.alert", schema);
type Alert = z.infer<typeof schema>;

/** A payload of about 230 bytes. */
function payload(index: number): Alert {
  return {
    host: `node-${index % 100}`,
    severity: "warning",
    text: `login refused for the ${index}th time today, which is more than the limit that was agreed on`,
    at: 1_790_000_000_000 + index,
    tags: ["login", "ssh", "refused"],
    source: { address: "10.20.30.40", port: 22_000 + (index % 100) },
  };
}

async function measured(speeds: Speeds, name: string, messages: number, work: () => Promise<unknown>): Promise<void> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  speeds[name] ??= { perSecond: [], cpuUs: [] };
  speeds[name].perSecond.push(messages / seconds);
  speeds[name].cpuUs.push((user + system) / messages);
}

/** Runs `send` for every index, so many at a time. */
async function inWindow(count: number, atATime: number, send: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await send(next++);
  };
  await Promise.all(Array.from({ length: atATime }, lane));
}

/** Publishes with the library alone and with the client, in turns. */
export async function measurePublish({ cluster, storage, replicas, messages, rounds, inFlight }: Load): Promise<Speeds> {
  const raw = await connect({ servers: cluster.urls, noAsyncTraces: true });
  const manager = await jetstreamManager(raw);
  const settings = { storage: storage === "file" ? StorageType.File : StorageType.Memory, num_replicas: replicas };
  await manager.streams.add({ name: "BENCH", subjects: ["security.>"], max_bytes: 256 * 2 ** 20, ...settings });
  const js = jetstream(raw);
  const key = createKey("user");
  const servers = { servers: cluster.urls, publishing: { maxInFlight: inFlight } };
  await using plain = await MessageBus.connect(servers);
  await using signing = await MessageBus.connect({ ...servers, signing: key.seed });
  const ways: Record<string, (index: number) => Promise<unknown>> = {
    raw: (index) => js.publish("security.low.alert", JSON.stringify(payload(index)), { msgID: randomUUID(), timeout: 30_000 }),
    validated: (index) => plain.publish(alert, payload(index), { priority: "low" }),
    "validated and signed": (index) => signing.publish(alert, payload(index), { priority: "low" }),
  };
  const speeds: Speeds = {};
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, send] of rotated(Object.entries(ways), round)) {
      await manager.streams.purge("BENCH");
      // The first round warms up.
      await measured(round < 0 ? {} : speeds, name, messages, () => inWindow(messages, inFlight, send));
    }
  }
  await manager.streams.delete("BENCH");
  await raw.close();
  return speeds;
}

// Whoever comes first in a round may find the servers in another state than who comes last.
function rotated<T>(list: readonly T[], by: number): T[] {
  const start = ((by % list.length) + list.length) % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** Consumes the same messages with the library alone and with the client, in turns. */
export async function measureConsume({ cluster, storage, replicas, messages, rounds, inFlight }: Load): Promise<Speeds> {
  const raw = await connect({ servers: cluster.urls, noAsyncTraces: true });
  const manager = await jetstreamManager(raw);
  const settings = { storage: storage === "file" ? StorageType.File : StorageType.Memory, num_replicas: replicas };
  await manager.streams.add({ name: "BENCH", subjects: ["security.>"], retention: RetentionPolicy.Limits, ...settings });
  const key = createKey("user");
  await using plain = await MessageBus.connect({ servers: cluster.urls });
  await using signing = await MessageBus.connect({ servers: cluster.urls, signing: key.seed, publishing: { maxInFlight: inFlight } });
  await using verifying = await MessageBus.connect({ servers: cluster.urls, verification: { signers: { "security.>": [key.publicKey] } } });
  await inWindow(messages, inFlight, (index) => signing.publish(alert, payload(index), { priority: "low" }));
  const ways: Record<string, (consumer: string) => Promise<void>> = {
    raw: (consumer) => consumeRaw(raw, consumer, messages),
    validated: (consumer) => consumeWith(plain, consumer, messages),
    "validated and verified": (consumer) => consumeWith(verifying, consumer, messages),
    "validated, async handler": (consumer) => consumeWith(plain, consumer, messages, true),
  };
  const speeds: Speeds = {};
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, consume] of rotated(Object.entries(ways), round)) {
      const consumer = `w${round + 1}-${name.replaceAll(/\W+/g, "-")}`;
      await manager.consumers.add("BENCH", { durable_name: consumer, ack_policy: AckPolicy.Explicit, max_ack_pending: 10_000 });
      await measured(round < 0 ? {} : speeds, name, messages, () => consume(consumer));
      await manager.consumers.delete("BENCH", consumer);
    }
  }
  await manager.streams.delete("BENCH");
  await raw.close();
  return speeds;
}

async function consumeRaw(connection: Awaited<ReturnType<typeof connect>>, name: string, count: number): Promise<void> {
  const consumer = await jetstream(connection).consumers.get("BENCH", name);
  let seen = 0;
  const messages = await consumer.consume();
  for await (const message of messages) {
    message.json<Alert>();
    message.ack();
    seen += 1;
    if (seen === count) break;
  }
  await messages.close();
  await connection.flush();
}

async function consumeWith(bus: MessageBus, consumer: string, count: number, isAsync = false): Promise<void> {
  let seen = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const handle = (): void => {
    seen += 1;
    if (seen === count) resolve();
  };
  const counting = route(alert, isAsync ? async () => handle() : handle);
  await using _worker = await bus.consume({ stream: "BENCH", consumer, routes: [counting] });
  await promise;
  await bus.connection.flush();
}
