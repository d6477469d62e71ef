import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInbox, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { copyName } from "../../../streams/migration-mark.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { consumerOperations, type Properties, streamOperations } from "../../../streams/operations.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";

const RUN = join(import.meta.dirname, "../../support/migrate-run.ts");

let cluster: TestCluster;
let nats: NatsConnection;
let port: StreamPort;
let connection: { servers: string[]; timeoutMs: number };
let id = 0;
let NAME = "";
let stream: Properties;

beforeAll(async () => {
  cluster = await startCluster();
  connection = { servers: cluster.urls, timeoutMs: 5_000 };
  nats = await openConnection(connection);
  port = await openStreamPort(connection);
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});
beforeEach(() => {
  NAME = `M${id++}`;
  stream = { name: NAME, subjects: [`${NAME}.>`], replicas: 1, maxAge: "7d", replacePolicy: "migrate", connection, owner: `p/s/${NAME}` };
});

async function publish(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const marked = headers();
    marked.set("Index", String(index));
    await heardRequest(nats, `${NAME}.${index % 3}`, `message ${index}`, { timeout: 3_000, headers: marked });
  }
}

/** Pulls some messages and acknowledges them. */
async function work(consumer: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${NAME}.${consumer}`;
    const pulled = await heardRequest(nats, subject, "1", { timeout: 3_000, noMux: true, reply: createInbox() });
    await heardRequest(nats, pulled.reply ?? "", "+ACK", { timeout: 3_000 });
  }
}

/** Everything of a stream that must outlive a migration, message by message. */
async function contents() {
  const info = await port.readStream(NAME);
  const messages: unknown[] = [];
  for (let seq = info?.firstSeq ?? 1; seq <= (info?.lastSeq ?? 0); seq++) {
    const answer = await heardRequest(nats, `$JS.API.STREAM.MSG.GET.${NAME}`, JSON.stringify({ seq }), { timeout: 3_000 });
    messages.push(answer.json<{ message: unknown }>().message);
  }
  const { consumers } = await port.listConsumers(NAME);
  const places = consumers.map(({ config, ackFloor, pending }) => ({ name: config["durable_name"], ackFloor, pending }));
  return {
    messages,
    firstSeq: info?.firstSeq,
    lastSeq: info?.lastSeq,
    places: places.toSorted((a, b) => (String(a.name) < String(b.name) ? -1 : 1)),
  };
}

async function filled(): Promise<Properties> {
  const { outs } = await streamOperations.create(stream);
  await publish(30);
  await port.createConsumer(NAME, { config: { durable_name: "half", ack_policy: "explicit" }, level: 0 });
  await port.createConsumer(NAME, { config: { durable_name: "none", ack_policy: "explicit", filter_subject: `${NAME}.1` }, level: 0 });
  await work("half", 12);
  await heardRequest(nats, `$JS.API.STREAM.MSG.DELETE.${NAME}`, JSON.stringify({ seq: 20 }), { timeout: 3_000 });
  return outs;
}

describe("a stream with replacePolicy: migrate", () => {
  test.each([
    ["storage and a smaller limit", { storage: "memory", maxMsgs: 25 }],
    ["what was denied", { denyDelete: false, denyPurge: false }],
    ["a message time-to-live that was allowed", { allowMsgTtl: false }],
  ])("changes %s, and keeps messages, sequences, subjects, consumers and their positions", async (_what, change) => {
    stream =
      "storage" in change
        ? { ...stream, replicas: 3 }
        : { ...stream, denyDelete: "denyDelete" in change, denyPurge: "denyDelete" in change, allowMsgTtl: "allowMsgTtl" in change };
    const outs = await filledWithout("denyDelete" in change);
    const before = await contents();
    const news = { ...stream, ...change };
    expect((await streamOperations.check(stream, news)).failures).toEqual([]);
    expect(await streamOperations.diff(NAME, outs, news)).toEqual({ changes: true });
    const after = await streamOperations.update(NAME, outs, news);
    expect(after.outs).toMatchObject({ ...change, owner: `p/s/${NAME}` });
    const found = await contents();
    if ("maxMsgs" in change)
      expect({ ...found, messages: found.messages.filter((one) => one !== undefined).length }).toMatchObject({ lastSeq: 30, messages: 25 });
    else expect(found).toEqual(before);
    const info = await port.readStream(NAME);
    expect(info?.peers.replicas.map(({ current }) => current)).toEqual("storage" in change ? [true, true] : []);
    expect(JSON.stringify(info?.config["metadata"])).not.toContain("migration");
    expect(await port.readStream(copyName(NAME))).toBeUndefined();
    expect((await streamOperations.diff(NAME, after.outs, news)).changes).toBe(false);
    await publish(1);
    await work("half", 1);
  });

  async function filledWithout(deletion: boolean): Promise<Properties> {
    if (!deletion) return filled();
    const { outs } = await streamOperations.create(stream);
    await publish(5);
    await port.createConsumer(NAME, { config: { durable_name: "half", ack_policy: "explicit" }, level: 0 });
    return outs;
  }

  test("becomes a work queue: what its consumer has acknowledged is gone, what it has not is still there", async () => {
    const { outs } = await streamOperations.create(stream);
    await publish(10);
    await port.createConsumer(NAME, { config: { durable_name: "half", ack_policy: "explicit" }, level: 0 });
    const news = { ...stream, retention: "workqueue" };
    await streamOperations.update(NAME, outs, news);
    expect(await port.readStream(NAME)).toMatchObject({ messages: 10, lastSeq: 10, config: { retention: "workqueue" } });
    await work("half", 10);
    await expect.poll(async () => (await port.readStream(NAME))?.messages).toBe(0);
  });

  test("is left as it was when the copy cannot be made, and takes messages again", async () => {
    const outs = await filled();
    const before = await contents();
    await expect(
      streamOperations.update(NAME, outs, { ...stream, storage: "memory", maxBytes: "0", placement: { tags: ["nowhere"] } }),
    ).rejects.toThrow();
    expect(await contents()).toEqual(before);
    expect((await port.readStream(NAME))?.config["subjects"]).toEqual([`${NAME}.>`]);
    expect(await port.readStream(copyName(NAME))).toBeUndefined();
    await publish(1);
    await work("half", 1);
  });

  test("is not touched when a stream has the name of the copy", async () => {
    const outs = await filled();
    await port.createStream({ config: { name: copyName(NAME), subjects: [`other.${NAME}`] }, level: 0 });
    await expect(streamOperations.update(NAME, outs, { ...stream, storage: "memory" })).rejects.toMatchObject({
      code: "ERR_STREAM_MIGRATION",
    });
    await publish(1);
  });

  test("still refuses what a copy cannot change", async () => {
    await filled();
    for (const change of [{ firstSeq: 7 }, { allowMsgCounter: true }]) {
      const { failures } = await streamOperations.check(stream, { ...stream, ...change });
      expect(failures).toEqual([{ property: Object.keys(change)[0], reason: expect.stringContaining("ERR_STREAM_IMMUTABLE") }]);
    }
  });

  test("killed at any step is finished by the next run, with everything it held", async () => {
    for (let step = 1; ; step++) {
      NAME = `K${id++}`;
      stream = { ...stream, name: NAME, subjects: [`${NAME}.>`], replicas: 1, owner: `p/s/${NAME}` };
      const outs = await filled();
      const before = await contents();
      const news = { ...stream, storage: "memory" };
      const killed = await runKilled(outs, news, step);
      if (!killed) {
        // At its last step, the fifth, it may end by itself before the signal comes.
        expect(step).toBeGreaterThan(4);
        break;
      }
      const after = await streamOperations.update(NAME, outs, news);
      expect(after.outs, `killed at step ${step}`).toMatchObject({ storage: "memory" });
      expect(await contents(), `killed at step ${step}`).toEqual(before);
      expect(await port.readStream(copyName(NAME))).toBeUndefined();
      await work("half", 1);
    }
  });

  test("killed while it is away is not made anew empty by a run that has forgotten the policy", async () => {
    const outs = await filled();
    const before = await contents();
    await runKilled(outs, { ...stream, storage: "memory" }, 4);
    const { outs: after } = await streamOperations.create({ ...stream, replacePolicy: "refuse", storage: "memory" });
    expect(after).toMatchObject({ storage: "memory" });
    expect(await contents()).toEqual(before);
  });
});

/** Runs an update in a process of its own and kills it as soon as it says its step number `step`; answers whether it came that far. */
async function runKilled(outs: Properties, news: Properties, step: number): Promise<boolean> {
  const child = spawn(process.execPath, [RUN, JSON.stringify(outs), JSON.stringify(news)], {
    env: { ...process.env, NATSBUS_PROGRESS: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = 0;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text.split("migration:").length - 1;
    if (said >= step) child.kill("SIGKILL");
  });
  const [, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) => child.on("exit", (...how) => done(how)));
  return signal === "SIGKILL";
}

describe("a consumer with replacePolicy: migrate", () => {
  const consumer = () => ({ stream: NAME, name: "worker", replacePolicy: "migrate", connection, owner: "p/s/worker" });

  test.each(["limits", "interest"])("of a stream with retention %s goes on where it stands", async (retention) => {
    await streamOperations.create({ ...stream, retention });
    const { outs } = await consumerOperations.create(consumer());
    await publish(10);
    await work("worker", 4);
    const news = { ...consumer(), ackPolicy: "all", maxDeliver: 7 };
    expect((await consumerOperations.check(consumer(), news)).failures).toEqual([]);
    const after = await consumerOperations.update("x", outs, news);
    expect(after.outs).toMatchObject({ ackPolicy: "all", maxDeliver: 7 });
    expect(await port.readConsumer(NAME, "worker")).toMatchObject({
      pending: 6,
      config: { deliver_policy: "by_start_sequence", opt_start_seq: 5 },
    });
    expect((await port.listConsumers(NAME)).consumers).toHaveLength(1);
    expect((await consumerOperations.diff("x", after.outs, news)).changes).toBe(false);
    expect((await consumerOperations.read("x", after.outs)).props).toEqual(after.outs);
    const again = await consumerOperations.update("x", after.outs, { ...news, maxDeliver: 9 });
    expect(again.outs).toMatchObject({ maxDeliver: 9, ackPolicy: "all" });
    expect(await port.readConsumer(NAME, "worker")).toMatchObject({ pending: 6 });
    await work("worker", 6);
  });

  test("that is away because a run was interrupted comes back at its place", async () => {
    await streamOperations.create(stream);
    await consumerOperations.create(consumer());
    await publish(10);
    await work("worker", 4);
    const place = { durable_name: "worker_natsbus_place", ack_policy: "explicit", deliver_policy: "by_start_sequence", opt_start_seq: 5 };
    await port.createConsumer(NAME, { config: { ...place, metadata: { "natsbus.place": "worker" } }, level: 0 });
    await port.deleteConsumer(NAME, "worker");
    await consumerOperations.create({ ...consumer(), ackPolicy: "all" });
    expect(await port.readConsumer(NAME, "worker")).toMatchObject({ pending: 6, config: { ack_policy: "all" } });
    expect((await port.listConsumers(NAME)).consumers).toHaveLength(1);
  });
});
