import { type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineSubject, MessageBus, type Middleware } from "../../../client/index.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const step = defineSubject("atomic.*.step", z.object({ n: z.number() }));
const plain = defineSubject("plain.*.step", z.object({ n: z.number() }));
const nowhere = defineSubject("nowhere.low.step", z.object({ n: z.number() }));

let cluster: TestCluster;
let bus: MessageBus;
let manager: JetStreamManager;
beforeAll(async () => {
  cluster = await startCluster({ servers: 3 });
  bus = await MessageBus.connect({ servers: cluster.urls, publishing: { deadline: "20s", attemptTimeout: "1s" } });
  manager = await jetstreamManager(bus.connection);
  const shared = { storage: StorageType.Memory, num_replicas: 3 };
  await manager.streams.add({ name: "ATOMIC", subjects: ["atomic.>"], allow_atomic: true, ...shared });
  await manager.streams.add({ name: "PLAIN", subjects: ["plain.>"], ...shared });
});
afterAll(async () => {
  await bus.close();
  await cluster[Symbol.asyncDispose]();
});

const stored = async (stream: string) => (await manager.streams.info(stream)).state.messages;
const batchOf = (subject: typeof step, count: number, mode?: "atomic" | "window") => {
  const batch = bus.batch(mode === undefined ? {} : { mode });
  for (let n = 0; n < count; n += 1) batch.add(subject, { n }, { priority: n % 2 === 0 ? "high" : "low" });
  return batch;
};

describe("a batch", () => {
  it("is stored together where the stream allows it, neighbours in order, and says so", async () => {
    const before = await stored("ATOMIC");
    const { isAtomic, receipts } = await batchOf(step, 50).send();
    expect(isAtomic).toBe(true);
    expect(receipts.map((receipt) => receipt.sequence)).toEqual(Array.from({ length: 50 }, (_, n) => receipts[0]!.sequence + n));
    expect(await stored("ATOMIC")).toBe(before + 50);
    const last = await manager.streams.getMessage("ATOMIC", { seq: receipts[49]!.sequence });
    expect([last?.json(), last?.subject, last?.header.get("Nats-Msg-Id")]).toEqual([{ n: 49 }, "atomic.low.step", receipts[49]!.id]);
  });

  it("is stored one by one where the stream does not allow it, and says so", async () => {
    const { isAtomic, receipts } = await batchOf(plain, 1_200).send();
    expect([isAtomic, receipts.length, new Set(receipts.map((receipt) => receipt.sequence)).size]).toEqual([false, 1_200, 1_200]);
    await expect(batchOf(plain, 5, "atomic").send()).rejects.toMatchObject({ code: "ERR_CLIENT_BATCH", path: "mode" });
    expect((await batchOf(step, 5, "window").send()).isAtomic).toBe(false);
    await expect(batchOf(step, 1_001, "atomic").send()).rejects.toMatchObject({ code: "ERR_CLIENT_BATCH" });
    expect((await batchOf(step, 1_001).send()).isAtomic).toBe(false);
    expect((await bus.batch().send()).receipts).toEqual([]);
  });

  it("is stored once when it is sent twice, and not at all when one of its ids is there already", async () => {
    const before = await stored("ATOMIC");
    const batch = batchOf(step, 10, "atomic");
    await batch.send();
    const again = await batch.send();
    expect(again.receipts.every((receipt) => receipt.duplicate)).toBe(true);
    expect(await stored("ATOMIC")).toBe(before + 10);
    const other = bus.batch({ mode: "atomic" }).add(step, { n: 1 }, { priority: "low" });
    other.add(step, { n: 2 }, { priority: "low", id: again.receipts[3]!.id });
    await expect(other.send()).rejects.toMatchObject({ code: "ERR_CLIENT_BATCH" });
    expect(await stored("ATOMIC")).toBe(before + 10);
  });

  it("refuses a message that does not fit when it is added, and tells which part of a batch failed", async () => {
    const wrong = { n: "1" } as unknown as { n: number };
    expect(() => bus.batch().add(step, wrong, { priority: "low" })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SCHEMA" }));
    await using hasty = await MessageBus.connect({ servers: cluster.urls, publishing: { deadline: "300ms" } });
    const mixed = hasty.batch({ mode: "window" }).add(plain, { n: 1 }, { priority: "low" }).add(nowhere, { n: 2 });
    await expect(mixed.send()).rejects.toMatchObject({ code: "ERR_CLIENT_BATCH", message: expect.stringContaining("1 of 2") });
  });

  it("passes the middleware message by message, and is not sent when that throws", async () => {
    const ends: string[] = [];
    const note: Middleware = async (context, next) => {
      if (context.id === "stop") throw new Error("not this one");
      context.headers["x-note"] = context.id ?? "";
      const result = await next();
      ends.push(`${context.id} ${(result as { sequence: number }).sequence}`);
      return result;
    };
    await using noting = await MessageBus.connect({ servers: cluster.urls, middleware: [note] });
    const good = noting.batch().add(step, { n: 1 }, { priority: "low", id: "a" }).add(step, { n: 2 }, { priority: "low", id: "b" });
    const { receipts } = await good.send();
    expect(ends).toEqual([`a ${receipts[0]!.sequence}`, `b ${receipts[1]!.sequence}`]);
    expect((await manager.streams.getMessage("ATOMIC", { seq: receipts[1]!.sequence }))?.header.get("x-note")).toBe("b");
    const before = await stored("ATOMIC");
    const bad = noting.batch().add(step, { n: 1 }, { priority: "low" }).add(step, { n: 2 }, { priority: "low", id: "stop" });
    await expect(bad.send()).rejects.toThrow("not this one");
    expect(await stored("ATOMIC")).toBe(before);
  });

  it("survives a killed leader: all of every confirmed batch is stored, once", async () => {
    const leader = (await manager.streams.info("ATOMIC")).cluster?.leader ?? "n1";
    const before = await stored("ATOMIC");
    const sending = Array.from({ length: 20 }, async (_, index) => {
      if (index === 5) await cluster.kill(leader);
      return batchOf(step, 20, "atomic").send();
    });
    const done = await Promise.all(sending);
    expect(done.every(({ isAtomic }) => isAtomic)).toBe(true);
    expect(await stored("ATOMIC")).toBe(before + 400);
    await cluster.startAll();
    await cluster.waitReady();
  });
});
