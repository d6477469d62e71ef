import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection, nanos } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type DeadLetter, defineSubject, MessageBus, type ReplayArgs, route } from "../../../client/index.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const reading = defineSubject("metrics.*.reading", z.object({ n: z.number() }));

let cluster: TestCluster;
let observer: NatsConnection;
let manager: JetStreamManager;
let bus: MessageBus;
beforeAll(async () => {
  cluster = await startCluster({ servers: 3 });
  observer = await connect({ servers: cluster.urls });
  manager = await jetstreamManager(observer);
  bus = await MessageBus.connect({ servers: cluster.urls });
  for (const name of ["metrics", "jobs"]) {
    await manager.streams.add({ name: name.toUpperCase(), subjects: [`${name}.>`], storage: StorageType.File, num_replicas: 3 });
  }
  for (let n = 1; n <= 40; n += 1) {
    // So that one message has its millisecond to itself.
    if (n === 25 || n === 26) await delay(5);
    await bus.publish(reading, { n }, { priority: n % 2 === 0 ? "low" : "high" });
  }
});
afterAll(async () => {
  await bus.close();
  await observer.close();
  await cluster[Symbol.asyncDispose]();
});

async function replayed(args: Partial<ReplayArgs>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { value } of bus.replay(reading, { stream: "METRICS", ...args })) seen.push(value.n);
  return seen;
}

const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe("replay", () => {
  it("yields ranges by sequence, time, subject and number, in order, and leaves no consumer behind", async () => {
    expect(await replayed({})).toEqual(numbers(1, 40));
    expect(await replayed({ from: { sequence: 10 }, to: { sequence: 20 } })).toEqual(numbers(10, 20));
    expect(await replayed({ from: { sequence: 100 } })).toEqual([]);
    expect(await replayed({ limit: 3 })).toEqual([1, 2, 3]);
    expect(await replayed({ from: "last-per-subject" })).toEqual([39, 40]);
    expect(await replayed({ subject: "metrics.low.reading", from: { sequence: 35 } })).toEqual([36, 38, 40]);
    const middle = new Date((await manager.streams.getMessage("METRICS", { seq: 25 }))!.time);
    expect(await replayed({ from: { time: middle } })).toEqual(numbers(25, 40));
    expect(await replayed({ to: { time: middle } })).toEqual(numbers(1, 25));
    expect(await manager.consumers.list("METRICS").next()).toEqual([]);
  });

  it("ends where the stream ended when it began, also while others publish", async () => {
    const seen: number[] = [];
    for await (const { value } of bus.replay(reading, { stream: "METRICS", from: { sequence: 31 } })) {
      seen.push(value.n);
      if (seen.length < 6) await observer.request("metrics.high.reading", JSON.stringify({ n: 1000 }));
    }
    expect(seen).toEqual(numbers(31, 40));
  });

  it("keeps to its rate", async () => {
    const startedMs = performance.now();
    expect(await replayed({ limit: 11, rate: 50 })).toHaveLength(11);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(200);
    expect(tookMs).toBeLessThan(1_500);
  });

  it("leaves out what cannot be read and tells about it", async () => {
    await observer.request("metrics.critical.reading", "nonsense");
    const rejected: string[] = [];
    const onRejected = (one: { reason: string; subject: string }) => rejected.push(`${one.reason} ${one.subject}`);
    expect(await replayed({ subject: "metrics.critical.>", onRejected })).toEqual([]);
    expect(rejected).toEqual(["malformed metrics.critical.reading"]);
  });

  it("refuses bounds that make no sense and streams that do not exist", async () => {
    await expect(replayed({ limit: 0 })).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION", path: "limit" });
    await expect(replayed({ rate: 0 })).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION" });
    await expect(replayed({ from: { sequence: 0 } })).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION" });
    await expect(replayed({ to: { time: new Date("never") } })).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION" });
    await expect(replayed({ stream: "NOWHERE" })).rejects.toMatchObject({ code: "ERR_CLIENT_STREAM" });
  });
});

describe("dead letters", () => {
  const job = defineSubject("jobs.normal.run", z.object({ id: z.string() }));

  it("can be looked at, and sent again once the cause is mended", async () => {
    await manager.consumers.add("JOBS", {
      durable_name: "w",
      ack_policy: AckPolicy.Explicit,
      filter_subjects: ["jobs.normal.>"],
      max_deliver: 3,
    });
    let isBroken = true;
    const done: string[] = [];
    const handler = route(job, ({ value }) => {
      if (isBroken) throw new Error("database is away");
      done.push(value.id);
    });
    await using _worker = await bus.consume({ stream: "JOBS", consumer: "w", routes: [handler], backOff: ["10ms"] });
    await bus.publish(job, { id: "a" }, { headers: { trace: "t" } });
    const letters: DeadLetter[] = [];
    for (let tries = 0; letters.length === 0 && tries < 200; tries += 1) {
      for await (const letter of bus.deadLetters({ stream: "JOBS" })) letters.push(letter);
      await delay(20);
    }
    const [letter] = letters;
    expect(letter).toMatchObject({
      reason: "handler",
      detail: "database is away",
      originalSubject: "jobs.normal.run",
      origin: "JOBS:1",
      deliveries: 2,
    });
    expect(letter?.headers["trace"]).toBe("t");
    isBroken = false;
    const first = await bus.redrive(letter!);
    expect(first).toMatchObject({ subject: "jobs.normal.run", duplicate: false, isRemoved: true });
    expect(await bus.redrive(letter!)).toMatchObject({ duplicate: true, isRemoved: false });
    for (let tries = 0; done.length === 0 && tries < 200; tries += 1) await delay(20);
    expect(done).toEqual(["a"]);
    expect(await Array.fromAsync(bus.deadLetters({ stream: "JOBS" }))).toEqual([]);
  });
});

describe("a killed server", () => {
  it("stops neither a worker nor a replay, and loses no message", async () => {
    // What the killed server had sent and nobody received comes again after this.
    const ack_wait = nanos(3_000);
    await manager.consumers.add("JOBS", {
      durable_name: "all",
      ack_policy: AckPolicy.Explicit,
      ack_wait,
      filter_subjects: ["jobs.high.>"],
    });
    const job = defineSubject("jobs.high.run", z.object({ id: z.number() }));
    const done = new Set<number>();
    await using _worker = await bus.consume({
      stream: "JOBS",
      consumer: "all",
      routes: [route(job, ({ value }) => void done.add(value.id))],
    });
    const leader = (await manager.consumers.info("JOBS", "all")).cluster?.leader ?? "n1";
    const seen: number[] = [];
    const replay = (async () => {
      for await (const { sequence } of bus.replay(reading, { stream: "METRICS", limit: 36, rate: 12 })) seen.push(sequence);
    })();
    for (let id = 0; id < 200; id += 1) {
      if (id === 60) await cluster.kill(leader);
      await bus.publish(job, { id }, { deadline: "20s" });
    }
    for (let tries = 0; done.size < 200 && tries < 1_000; tries += 1) await delay(20);
    expect(done.size).toBe(200);
    await replay;
    expect(seen).toEqual(numbers(1, 36));
    await cluster.startAll();
  });
});
