import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { catalog } from "../../../streams/catalog.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import {
  consumerOperations,
  keyValueOperations,
  type Operations,
  objectStoreOperations,
  type Properties,
  streamOperations,
} from "../../../streams/operations.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { resolveStreams } from "../../../streams/resolve.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";

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
  NAME = `S${id++}`;
  stream = { name: NAME, subjects: [`${NAME}.>`], maxAge: "7d", connection, owner: `p/s/${NAME}` };
});

async function publish(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await heardRequest(nats, `${NAME}.event`, `${index}`, { timeout: 3_000 });
}

async function configOf(name: string): Promise<unknown> {
  const answer = await heardRequest(nats, `$JS.API.STREAM.INFO.${name}`, "", { timeout: 3_000 });
  return answer.json<{ config: unknown }>().config;
}

/** The leader of a group counts a replica as behind for a moment when one heartbeat is late, hence the second. */
async function expectTwoCurrent(name: string): Promise<void> {
  const current = async () => (await port.readStream(name))?.peers.replicas.map((replica) => replica.current);
  await expect.poll(current, { timeout: 1_000, interval: 20, message: name }).toEqual([true, true]);
}

async function raw(subject: string, body: object): Promise<void> {
  const answer = await heardRequest(nats, `$JS.API.${subject}`, JSON.stringify(body), { timeout: 5_000 });
  expect(answer.json<{ error?: unknown }>().error).toBeUndefined();
}

/** What an `up` does with one resource: check, diff, then update when something differs. */
async function upAgain(operations: Operations, outs: Properties, inputs: Properties) {
  const { failures } = await operations.check(inputs, inputs);
  expect(failures).toEqual([]);
  const { changes } = await operations.diff("id", outs, inputs);
  return { changes, outs: changes ? (await operations.update("id", outs, inputs)).outs : outs };
}

describe("a stream", () => {
  test("is created on three current servers, and a second up changes nothing", async () => {
    const { id: made, outs } = await streamOperations.create(stream);
    expect(made).toBe(NAME);
    await expectTwoCurrent(NAME);
    expect((await upAgain(streamOperations, outs, stream)).changes).toBe(false);
    const read = await streamOperations.read(made, outs);
    expect(read).toEqual({ id: made, props: outs });
  });

  test("is updated in place for one limit, and keeps its messages", async () => {
    const { outs } = await streamOperations.create(stream);
    await publish(3);
    const news = { ...stream, maxAge: "1d" };
    expect(await streamOperations.diff(NAME, outs, news)).toEqual({ changes: true });
    const after = await upAgain(streamOperations, outs, news);
    expect(after.outs).toMatchObject({ maxAge: "1d" });
    expect((await port.readStream(NAME))?.messages).toBe(3);
  });

  test("shows a hand edit when read, and is repaired by the next up", async () => {
    const { outs } = await streamOperations.create(stream);
    const config = (await configOf(NAME)) as object;
    await raw(`STREAM.UPDATE.${NAME}`, { ...config, max_msgs: 5, max_age: 3_600_000_000_000 });
    const read = await streamOperations.read(NAME, outs);
    expect(read.props).toMatchObject({ maxMsgs: 5, maxAge: "1h" });
    const repaired = await upAgain(streamOperations, read.props, stream);
    expect(repaired.changes).toBe(true);
    expect(await streamOperations.read(NAME, repaired.outs)).toEqual({ id: NAME, props: outs });
  });

  test("keeps the words it was declared with, also beside a hand edit", async () => {
    const words = { maxAge: "72h", maxBytes: "1024KiB", maxMsgs: -1, duplicateWindow: "120s", deletionPolicy: "delete" };
    const { outs } = await streamOperations.create({ ...stream, ...words });
    expect(outs).toMatchObject(words);
    await raw(`STREAM.UPDATE.${NAME}`, { ...((await configOf(NAME)) as object), max_bytes: 2048 });
    const { props } = await streamOperations.read(NAME, outs);
    expect(props).toEqual({ ...outs, maxBytes: "2KiB" });
    expect((await upAgain(streamOperations, props, { ...stream, ...words })).outs).toEqual(outs);
  });

  test("that was deleted by hand reads as gone, and comes back", async () => {
    const { outs } = await streamOperations.create(stream);
    await raw(`STREAM.DELETE.${NAME}`, {});
    expect(await streamOperations.read(NAME, outs)).toEqual({ id: "", props: {} });
    await streamOperations.create(stream);
    expect(await port.readStream(NAME)).toBeDefined();
  });

  test("with messages: a fixed field is refused in the preview, with reason and choices, and nothing is touched", async () => {
    await streamOperations.create(stream);
    await publish(4);
    const before = await configOf(NAME);
    for (const change of [{ storage: "memory" }, { retention: "workqueue" }, { name: `${NAME}b` }, { firstSeq: 9 }]) {
      const { failures } = await streamOperations.check(stream, { ...stream, ...change });
      expect(failures).toEqual([
        { property: Object.keys(change)[0], reason: expect.stringMatching(/→.*4 messages.*ERR_STREAM_IMMUTABLE.*replacePolicy/) },
      ]);
    }
    const interest = await streamOperations.check(stream, { ...stream, retention: "interest" });
    expect(interest.failures[0]?.reason).toMatch(/deletes all 4 messages/);
    await expect(streamOperations.update(NAME, stream, { ...stream, storage: "memory" })).rejects.toMatchObject({
      code: "ERR_STREAM_IMMUTABLE",
    });
    expect(await configOf(NAME)).toEqual(before);
    expect((await port.readStream(NAME))?.messages).toBe(4);
  });

  test("without messages is made anew for a fixed field, and its consumer with it", async () => {
    const { outs } = await streamOperations.create(stream);
    await consumerOperations.create({ stream: NAME, name: "worker", connection, owner: "p/s/worker" });
    const after = await upAgain(streamOperations, outs, { ...stream, storage: "memory" });
    expect(after.outs).toMatchObject({ storage: "memory" });
    expect(await port.readConsumer(NAME, "worker")).toBeDefined();
  });

  test("with messages is made anew when that is named, empty", async () => {
    const { outs } = await streamOperations.create(stream);
    await publish(4);
    await upAgain(streamOperations, outs, { ...stream, storage: "memory", replacePolicy: "recreate" });
    expect(await port.readStream(NAME)).toMatchObject({ messages: 0, config: { storage: "memory" } });
  });

  test("of somebody else is not taken over unless named, and then keeps its messages", async () => {
    await raw(`STREAM.CREATE.${NAME}`, { name: NAME, subjects: [`${NAME}.>`], num_replicas: 1 });
    await publish(2);
    await expect(streamOperations.create(stream)).rejects.toMatchObject({ code: "ERR_STREAM_FOREIGN" });
    expect(await configOf(NAME)).toMatchObject({ num_replicas: 1 });
    const { outs } = await streamOperations.create({ ...stream, adoptionPolicy: "adopt" });
    expect(outs).toMatchObject({ replicas: 3, owner: `p/s/${NAME}` });
    const info = await port.readStream(NAME);
    expect(info?.messages).toBe(2);
    await expectTwoCurrent(NAME);
  });

  test("of an interrupted run is found again by its marker", async () => {
    await streamOperations.create(stream);
    const created = (await port.readStream(NAME))?.created;
    await streamOperations.create(stream);
    expect((await port.readStream(NAME))?.created).toBe(created);
  });

  test("stays under retain and goes under delete; deleting what is gone succeeds", async () => {
    const { outs } = await streamOperations.create(stream);
    await streamOperations.delete(NAME, outs);
    expect(await port.readStream(NAME)).toBeDefined();
    const { outs: fatal } = await streamOperations.update(NAME, outs, { ...stream, deletionPolicy: "delete" });
    await streamOperations.delete(NAME, fatal);
    expect(await port.readStream(NAME)).toBeUndefined();
    await streamOperations.delete(NAME, fatal);
  });

  test("is scaled and moved in two updates, each waited for", async () => {
    const { outs } = await streamOperations.create({ ...stream, replicas: 1 });
    await publish(50);
    const after = await upAgain(streamOperations, outs, { ...stream, replicas: 3, placement: { cluster: "test" } });
    expect(after.outs).toMatchObject({ replicas: 3, placement: { cluster: "test" } });
    await expectTwoCurrent(NAME);
    const back = await upAgain(streamOperations, after.outs, { ...stream, replicas: 1 });
    expect(back.outs["placement"]).toBeUndefined();
    expect((await port.readStream(NAME))?.messages).toBe(50);
  });

  test("whose subjects another stream has is refused with its own code", async () => {
    await streamOperations.create(stream);
    const other = { ...stream, name: `${NAME}other`, owner: "p/s/other" };
    await expect(streamOperations.create(other)).rejects.toMatchObject({ code: "ERR_SUBJECT_OVERLAP" });
  });

  test("with another connection is an update that writes nothing", async () => {
    const { outs } = await streamOperations.create(stream);
    const news = { ...stream, connection: { ...connection, servers: [cluster.urls[1]] } };
    expect(await streamOperations.diff(NAME, outs, news)).toEqual({ changes: true });
    const heard = await announcements();
    await streamOperations.update(NAME, outs, news);
    await raw(`STREAM.DELETE.${NAME}`, {});
    await expectOnlyDeleted(heard, [NAME]);
  });
});

/** What happens to streams from now on, in the words of the servers' own announcements: `CREATED.X`, `UPDATED.X`, `DELETED.X`. */
async function announcements(): Promise<readonly string[]> {
  const prefix = "$JS.EVENT.ADVISORY.STREAM.";
  const heard: string[] = [];
  nats.subscribe(`${prefix}*.*`, { callback: (_error, { subject }) => void heard.push(subject.slice(prefix.length)) });
  await nats.flush();
  return heard;
}

/** Leaders announce in order, so a stream whose deletion was heard was not changed before unless that was heard too. */
async function expectOnlyDeleted(heard: readonly string[], names: readonly string[]): Promise<void> {
  const ofThese = () => heard.filter((one) => names.includes(one.slice(one.indexOf(".") + 1))).toSorted();
  await expect.poll(() => ofThese().filter((one) => one.startsWith("DELETED."))).toHaveLength(names.length);
  expect(ofThese()).toEqual(names.map((name) => `DELETED.${name}`).toSorted());
}

test("the shipped catalogue comes up together on three current servers, and a second up writes nothing", async () => {
  const { specs, problems } = resolveStreams(
    catalog,
    { streams: {}, keyValue: {}, objectStores: {} },
    { servers: 3, deletionPolicy: "delete" },
  );
  expect(problems).toEqual([]);
  const inputs = (args: object, owner: string): Properties => ({ ...args, connection, owner });
  const all: [Operations, Properties][] = [
    ...specs.streams.map(({ args }): [Operations, Properties] => [streamOperations, inputs(args, args.name)]),
    ...specs.keyValue.map(({ args }): [Operations, Properties] => [keyValueOperations, inputs(args, args.bucket)]),
    ...specs.objectStores.map(({ args }): [Operations, Properties] => [objectStoreOperations, inputs(args, args.bucket)]),
  ];
  const consumers = specs.consumers.map(({ args }): [Operations, Properties] => [consumerOperations, inputs(args, args.name)]);
  const made = await Promise.all(all.map(async ([operations, props]) => ({ operations, props, ...(await operations.create(props)) })));
  const read = await Promise.all(
    consumers.map(async ([operations, props]) => ({ operations, props, ...(await operations.create(props)) })),
  );
  for (const { spec } of [...specs.streams, ...specs.keyValue, ...specs.objectStores]) {
    await expectTwoCurrent(spec.name);
  }
  const heard = await announcements();
  for (const { operations, outs, props } of [...made, ...read]) {
    expect((await upAgain(operations, outs, props)).changes).toBe(false);
    expect((await operations.read("x", outs)).props).toEqual(outs);
  }
  for (const { operations, outs } of [...read, ...made]) await operations.delete("x", outs);
  expect((await port.listStreams()).streams.filter((info) => /^(KV_|OBJ_|SECURITY)/.test(String(info.config["name"])))).toEqual([]);
  await expectOnlyDeleted(
    heard,
    [...specs.streams, ...specs.keyValue, ...specs.objectStores].map(({ spec }) => spec.name),
  );
});

test("a consumer is repaired, refuses to lose its position, and keeps it on an update", async () => {
  await streamOperations.create(stream);
  await publish(5);
  const consumer = { stream: NAME, name: "worker", connection, owner: "p/s/worker", maxDeliver: 5 };
  const { outs } = await consumerOperations.create(consumer);
  const pulled = await heardRequest(nats, `$JS.API.CONSUMER.MSG.NEXT.${NAME}.worker`, "1", {
    timeout: 3_000,
    noMux: true,
    reply: createInbox(),
  });
  await heardRequest(nats, pulled.reply ?? "", "+ACK", { timeout: 3_000 });
  const { failures } = await consumerOperations.check(consumer, { ...consumer, ackPolicy: "all" });
  expect(failures).toEqual([{ property: "ackPolicy", reason: expect.stringContaining("sequence 1") }]);
  const after = await upAgain(consumerOperations, outs, { ...consumer, maxDeliver: 9 });
  expect(after.outs).toMatchObject({ maxDeliver: 9 });
  expect(await port.readConsumer(NAME, "worker")).toMatchObject({ ackFloor: 1 });
  await raw(`CONSUMER.DELETE.${NAME}.worker`, {});
  expect((await consumerOperations.read("x", after.outs)).id).toBe("");
});

test("with a server down nothing is taken for absent; streams come current when it returns", async () => {
  const { outs } = await streamOperations.create(stream);
  await cluster.kill("n3");
  const alive = { ...connection, servers: cluster.urls.slice(0, 2) };
  expect((await streamOperations.read(NAME, { ...outs, connection: alive })).id).toBe(NAME);
  const changed = await streamOperations.update(NAME, outs, { ...stream, connection: alive, maxAge: "2d" });
  expect(changed.outs).toMatchObject({ maxAge: "2d" });
  await cluster.start("n3");
  await cluster.waitReady();
  await expect
    .poll(async () => (await port.readStream(NAME))?.peers.replicas.every((replica) => replica.current), { timeout: 30_000, interval: 50 })
    .toBe(true);
});
