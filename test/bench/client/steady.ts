import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { z } from "zod";
import { defineSubject, MessageBus, type Priority, route } from "../../../client/index.ts";
import { createKey } from "../../../core/nats-keys.ts";
import type { TestCluster } from "../../support/cluster.ts";

const job = defineSubject("steady.*.job", z.object({ n: z.number(), sentMs: z.number() }));
const FLOOD = 20_000;
const CRITICAL = 300;

/** Latencies in milliseconds. */
interface Latencies {
  readonly title: string;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** How long critical messages take while the low lane is empty, and while it is full of messages whose handlers take 20 ms and more keep coming. */
export async function measureLanes(cluster: TestCluster): Promise<Latencies[]> {
  await using bus = await MessageBus.connect({ servers: cluster.urls });
  const manager = await jetstreamManager(bus.connection);
  await manager.streams.add({ name: "STEADY", subjects: ["steady.>"], storage: StorageType.File, num_replicas: 3 });
  for (const lane of ["critical", "low"]) {
    await manager.consumers.add("STEADY", { durable_name: lane, ack_policy: AckPolicy.Explicit, filter_subject: `steady.${lane}.>` });
  }
  const waits: number[] = [];
  const handler = route(job, async ({ value, subject }) => {
    if (subject === "steady.critical.job") waits.push(performance.now() - value.sentMs);
    else await delay(20);
  });
  const publish = (n: number, priority: Priority) => bus.publish(job, { n, sentMs: performance.now() }, { priority });
  const lanes = { critical: "critical", low: "low" };
  await using worker = await bus.consume({ stream: "STEADY", lanes, routes: [handler], concurrency: 16 });
  const critical = async (title: string): Promise<Latencies> => {
    waits.length = 0;
    for (let n = 0; n < CRITICAL; n += 1) await Promise.all([publish(n, "critical"), delay(5)]);
    while (waits.length < CRITICAL) await delay(5);
    return summary(title, waits);
  };
  await critical("warm up");
  const idle = await critical("low lane empty");
  let next = 0;
  const flooding = Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let n = next++; n < FLOOD; n = next++) await publish(n, "low");
    }),
  );
  while (worker.running < 15 || worker.buffered === 0) await delay(5);
  const full = await critical("low lane full, its 15 handlers busy, more being published");
  await flooding;
  const later = await critical("low lane full, its 15 handlers busy");
  await worker.drain();
  await manager.streams.delete("STEADY");
  return [idle, full, later];
}

function summary(title: string, waits: readonly number[]): Latencies {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { title, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Memory after each tenth of so many messages. */
export async function* measureMemory(
  cluster: TestCluster,
  total: number,
): AsyncGenerator<{ count: number; heapMb: number; residentMb: number }> {
  const key = createKey("user");
  const verification = { signers: { "steady.>": [key.publicKey] } };
  await using bus = await MessageBus.connect({ servers: cluster.urls, signing: key.seed, verification });
  const manager = await jetstreamManager(bus.connection);
  await manager.streams.add({ name: "STEADY", subjects: ["steady.>"], storage: StorageType.Memory, max_msgs: 50_000 });
  await manager.consumers.add("STEADY", { durable_name: "w", ack_policy: AckPolicy.Explicit, max_ack_pending: 10_000 });
  let handled = 0;
  const counting = route(job, () => {
    handled += 1;
  });
  await using _worker = await bus.consume({ stream: "STEADY", consumer: "w", routes: [counting], prefetch: 256 });
  for (let done = 0; done < total; done += total / 10) {
    let next = done;
    const lane = async (): Promise<void> => {
      for (let n = next++; n < done + total / 10; n = next++) await bus.publish(job, { n, sentMs: 0 }, { priority: "low" });
    };
    await Promise.all(Array.from({ length: 256 }, lane));
    while (handled < done + total / 10) await delay(10);
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    yield { count: done + total / 10, heapMb: heapUsed / 1e6, residentMb: rss / 1e6 };
  }
  await manager.streams.delete("STEADY");
}
