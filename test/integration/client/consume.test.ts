import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, type ConsumerConfig, type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection, nanos } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineSubject, MessageBus, type ReceivedMessage, route } from "../../../client/index.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const job = defineSubject("work.*.job", z.object({ key: z.string(), step: z.number() }));

let cluster: TestCluster;
let observer: NatsConnection;
let manager: JetStreamManager;
let bus: MessageBus;
let stream = "";
let count = 0;
beforeAll(async () => {
  cluster = await startCluster({ servers: 3 });
  observer = await connect({ servers: cluster.urls });
  manager = await jetstreamManager(observer);
});
beforeEach(async () => {
  bus = await MessageBus.connect({ servers: cluster.urls });
  count += 1;
  if (stream !== "") await manager.streams.delete(stream);
  stream = `WORK${count}`;
  await manager.streams.add({ name: stream, subjects: ["work.>"], storage: StorageType.Memory, num_replicas: 3 });
  return () => bus.close();
});
afterAll(async () => {
  await observer.close();
  await cluster[Symbol.asyncDispose]();
});

async function addConsumer(name: string, config: Partial<ConsumerConfig> = {}): Promise<string> {
  const own = {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    filter_subjects: ["critical", "high", "normal", "low"].map((lane) => `work.${lane}.>`),
  };
  await manager.consumers.add(stream, { ...own, ...config });
  return name;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await delay(10);
  }
}

const publish = (key: string, step: number, priority: "critical" | "normal" | "low" = "normal") =>
  bus.publish(job, { key, step }, { priority });
const unsettled = async (consumer: string) => {
  const { num_ack_pending, num_pending } = await manager.consumers.info(stream, consumer);
  return num_ack_pending + num_pending;
};

/** Dead letters of the stream: reason and original subject. */
async function dead(): Promise<string[]> {
  const { state } = await manager.streams.info(stream, { subjects_filter: "work.dead.>" });
  const letters: string[] = [];
  for (let sequence = 1; sequence <= state.last_seq; sequence += 1) {
    const stored = await manager.streams.getMessage(stream, { seq: sequence });
    if (stored?.subject.startsWith("work.dead."))
      letters.push(`${stored.header.get("Natsbus-Dead-Reason")} ${stored.header.get("Natsbus-Dead-Subject")} ${stored.string()}`);
  }
  return letters;
}

describe("a worker", () => {
  it("handles each message once, at most so many at a time, and acknowledges what its handlers return from", async () => {
    const consumer = await addConsumer("w");
    const seen: number[] = [];
    let running = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 200 }, (_, step) => publish("k", step)));
    const handler = async ({ value }: ReceivedMessage<{ key: string; step: number }>) => {
      running += 1;
      most = Math.max(most, running);
      await delay(2);
      running -= 1;
      seen.push(value.step);
    };
    await using worker = await bus.consume({ stream, consumer, routes: [route(job, handler)], concurrency: 8 });
    await until("all handled", () => seen.length === 200);
    await until("all acknowledged", async () => (await unsettled(consumer)) === 0);
    expect(new Set(seen).size).toBe(200);
    expect(most).toBe(8);
    expect([worker.running, worker.buffered]).toEqual([0, 0]);
    expect(bus.metrics().consume).toMatchObject({ received: 200, acknowledged: 200, retried: 0, deadLettered: 0 });
    expect(bus.metrics().consume.handling.count).toBe(200);
  });

  it("puts bad messages with the dead letters, says why, counts them, and goes on", async () => {
    const consumer = await addConsumer("w");
    const raw = await connect({ servers: cluster.urls });
    const labelled = headers();
    labelled.set("Natsbus-Schema-Version", "7");
    await raw.request("work.high.job", "{not json");
    await raw.request("work.low.job", '{"key":1,"step":2}');
    await raw.request("work.critical.job", '{"key":"k","step":2}', { headers: labelled, timeout: 2_000 });
    await raw.request("work.normal.other", "{}");
    await raw.close();
    await publish("good", 1);
    const seen: string[] = [];
    await using _worker = await bus.consume({ stream, consumer, routes: [route(job, ({ value }) => void seen.push(value.key))] });
    await until("all settled", async () => seen.length === 1 && (await unsettled(consumer)) === 0);
    expect((await dead()).sort()).toEqual([
      "malformed work.high.job {not json",
      "no-route work.normal.other {}",
      'schema work.low.job {"key":1,"step":2}',
      'version work.critical.job {"key":"k","step":2}',
    ]);
    expect(bus.metrics().consume).toMatchObject({ deadLettered: 4, rejected: { malformed: 1, schema: 1, version: 1, "no-route": 1 } });
  });

  it("tries a failing message again after the waits given, then buries it with the handler's reason", async () => {
    const consumer = await addConsumer("w", { max_deliver: 4 });
    const at: number[] = [];
    await publish("k", 1);
    const failing = route(job, () => {
      at.push(performance.now());
      throw new Error("no disk");
    });
    await using _worker = await bus.consume({ stream, consumer, routes: [failing], backOff: ["50ms", "100ms"] });
    await until("buried", async () => bus.metrics().consume.deadLettered === 1 && (await unsettled(consumer)) === 0);
    expect(at).toHaveLength(3);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(45);
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(95);
    expect(await dead()).toEqual(['handler work.normal.job {"key":"k","step":1}']);
  });

  it("buries what was delivered its last time without running it again, as after crashes of workers", async () => {
    const consumer = await addConsumer("w", { max_deliver: 2, ack_wait: nanos(300) });
    await publish("k", 1);
    const crashed = await manager.jetstream().consumers.get(stream, consumer);
    expect(await crashed.next({ expires: 1_000 })).not.toBeNull();
    let runs = 0;
    const counting = route(job, () => {
      runs += 1;
    });
    await using _worker = await bus.consume({ stream, consumer, routes: [counting] });
    await until("buried", () => bus.metrics().consume.deadLettered === 1);
    expect(runs).toBe(0);
    expect(await dead()).toEqual(['deliveries work.normal.job {"key":"k","step":1}']);
  });

  it("keeps the order of each key, also when messages fail, while keys run side by side", async () => {
    const consumer = await addConsumer("w");
    for (let step = 0; step < 10; step += 1) for (const key of ["a", "b", "c"]) await publish(key, step);
    const done: Record<string, number[]> = {};
    const failed = new Set<string>();
    let running = 0;
    let most = 0;
    const handler = async ({ value }: ReceivedMessage<{ key: string; step: number }>) => {
      running += 1;
      most = Math.max(most, running);
      await delay(3);
      running -= 1;
      const name = `${value.key}${value.step}`;
      if (value.step % 4 === 1 && !failed.has(name)) {
        failed.add(name);
        throw new Error("once more");
      }
      done[value.key] = [...(done[value.key] ?? []), value.step];
    };
    const orderBy = ({ value }: { value: unknown }) => (value as { key: string }).key;
    await using _worker = await bus.consume({ stream, consumer, routes: [route(job, handler)], orderBy, backOff: ["20ms"] });
    await until("all handled", () => Object.values(done).flat().length === 30);
    const steps = Array.from({ length: 10 }, (_, step) => step);
    expect(done).toEqual({ a: steps, b: steps, c: steps });
    expect(failed.size).toBe(9);
    expect(most).toBe(3);
  });

  it("keeps a message that takes longer than the server waits, and gives up one that takes too long", async () => {
    const consumer = await addConsumer("w", { ack_wait: nanos(600) });
    await publish("slow", 1);
    await publish("stuck", 2);
    const runs: string[] = [];
    const aborted: unknown[] = [];
    const handler = async ({ value, signal }: ReceivedMessage<{ key: string; step: number }>) => {
      runs.push(value.key);
      if (value.key === "slow") return void (await delay(1_500));
      signal.addEventListener("abort", (event) => aborted.push(event));
      await new Promise(() => undefined);
    };
    await using _worker = await bus.consume({ stream, consumer, routes: [route(job, handler)], handlerTimeout: "2s", maxAttempts: 1 });
    await until("settled", async () => (await unsettled(consumer)) === 0);
    expect(runs.sort()).toEqual(["slow", "stuck"]);
    expect(aborted).toHaveLength(1);
    expect(await dead()).toEqual(['handler work.normal.job {"key":"stuck","step":2}']);
  });

  it("obeys ack, nak and term of the handler", async () => {
    const consumer = await addConsumer("w");
    for (const key of ["ack", "nak", "term"]) await publish(key, 0);
    const runs: string[] = [];
    const handler = async (message: ReceivedMessage<{ key: string; step: number }>) => {
      runs.push(`${message.value.key} ${message.deliveries}`);
      if (message.value.key === "ack") {
        message.ack();
        throw new Error("too late to matter");
      }
      if (message.value.key === "nak" && message.deliveries === 1) message.nak("20ms");
      if (message.value.key === "term") message.term("cannot ever work");
    };
    await using _worker = await bus.consume({ stream, consumer, routes: [route(job, handler)] });
    await until("settled", async () => runs.length === 4 && (await unsettled(consumer)) === 0);
    expect(runs.sort()).toEqual(["ack 1", "nak 1", "nak 2", "term 1"]);
    expect(await dead()).toEqual(['terminated work.normal.job {"key":"term","step":0}']);
  });

  it("lets handlers finish when it is drained and gives the rest to another worker at once", async () => {
    const consumer = await addConsumer("w");
    const first: number[] = [];
    const second: number[] = [];
    await Promise.all(Array.from({ length: 20 }, (_, step) => publish("k", step)));
    const slow = route(job, async ({ value }) => {
      await delay(100);
      first.push(value.step);
    });
    const worker = await bus.consume({ stream, consumer, routes: [slow], concurrency: 2 });
    await until("running", () => worker.running === 2);
    await worker.drain();
    expect(first).toHaveLength(2);
    await using _other = await bus.consume({ stream, consumer, routes: [route(job, ({ value }) => void second.push(value.step))] });
    await until("all handled", () => first.length + second.length === 20);
    expect(new Set([...first, ...second]).size).toBe(20);
  });

  it("says when a consumer is missing or does not acknowledge", async () => {
    const routes = [route(job, () => undefined)];
    await addConsumer("silent", { ack_policy: AckPolicy.None });
    await expect(bus.consume({ stream, consumer: "nobody", routes })).rejects.toMatchObject({ code: "ERR_CLIENT_CONSUMER" });
    await expect(bus.consume({ stream, consumer: "silent", routes })).rejects.toMatchObject({ code: "ERR_CLIENT_CONSUMER" });
    await expect(bus.consume({ stream, lanes: {}, routes })).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION" });
  });
});

describe("signatures", () => {
  it("let allowed signers through and put forged, foreign and unsigned messages with the dead letters", async () => {
    const consumer = await addConsumer("w");
    const [ours, foreign] = [createKey("user"), createKey("user")];
    await using signing = await MessageBus.connect({ servers: cluster.urls, signing: ours.seed });
    await using stranger = await MessageBus.connect({ servers: cluster.urls, signing: foreign.seed });
    await using reader = await MessageBus.connect({ servers: cluster.urls, verification: { signers: { "work.>": [ours.publicKey] } } });
    const value = { key: "good", step: 1 };
    const { sequence } = await signing.publish(job, value, { priority: "high", headers: { trace: "t" } });
    await stranger.publish(job, value, { priority: "high" });
    await bus.publish(job, value, { priority: "high" });
    const stored = await manager.streams.getMessage(stream, { seq: sequence });
    const copy = headers();
    for (const [name, values] of stored!.header) copy.set(name, values[0]!);
    const raw = await connect({ servers: cluster.urls });
    await raw.request("work.critical.job", stored!.data, { headers: copy, timeout: 2_000 }).catch(() => undefined);
    copy.set("Nats-Msg-Id", "another");
    await raw.request("work.high.job", stored!.data, { headers: copy, timeout: 2_000 });
    await raw.close();
    const seen: string[] = [];
    await using _worker = await reader.consume({
      stream,
      consumer,
      routes: [route(job, (message) => void seen.push(message.headers["trace"] ?? ""))],
    });
    await until("settled", async () => seen.length === 1 && (await unsettled(consumer)) === 0);
    expect(seen).toEqual(["t"]);
    expect((await dead()).map((letter) => letter.split(" ")[0]).sort()).toEqual(["signature", "signer", "unsigned"]);
  });
});

describe("lanes", () => {
  it("serve a critical message at once while thousands of low ones wait for slow handlers", async () => {
    const lanes = {
      critical: await addConsumer("c", { filter_subjects: ["work.critical.>"] }),
      low: await addConsumer("l", { filter_subjects: ["work.low.>"] }),
    };
    await Promise.all(Array.from({ length: 2_000 }, (_, step) => publish("flood", step, "low")));
    const sentAt: number[] = [];
    const waited: number[] = [];
    let low = 0;
    const handler = async ({ subject, value }: ReceivedMessage<{ key: string; step: number }>) => {
      if (subject === "work.critical.job") return void waited.push(performance.now() - sentAt[value.step]!);
      await delay(200);
      low += 1;
    };
    await using worker = await bus.consume({ stream, lanes, routes: [route(job, handler)], concurrency: 4 });
    await until("the low lane is full", () => worker.running === 3 && worker.buffered > 4);
    for (let step = 0; step < 20; step += 1) {
      sentAt.push(performance.now());
      await publish("now", step, "critical");
      await delay(25);
    }
    await until("all critical handled", () => waited.length === 20);
    expect(Math.max(...waited)).toBeLessThan(150);
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThan(100);
  });

  it("serve the lower lanes their share when they are weighted", async () => {
    const lanes = {
      critical: await addConsumer("c", { filter_subjects: ["work.critical.>"] }),
      low: await addConsumer("l", { filter_subjects: ["work.low.>"] }),
    };
    await Promise.all(Array.from({ length: 100 }, (_, step) => publish("k", step, step % 2 === 0 ? "critical" : "low")));
    const order: string[] = [];
    const handler = async ({ subject }: ReceivedMessage<unknown>) => {
      await delay(2);
      order.push(subject.split(".")[1]!);
    };
    const options = { concurrency: 1, prefetch: 50, serve: { critical: 4, low: 1 } } as const;
    await using _worker = await bus.consume({ stream, lanes, routes: [route(job, handler)], ...options });
    await until("all handled", () => order.length === 100);
    const lowInMiddle = order.slice(10, 40).filter((lane) => lane === "low").length;
    expect(lowInMiddle).toBeGreaterThanOrEqual(4);
    expect(lowInMiddle).toBeLessThanOrEqual(8);
  });
});
