import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { streamAsset } from "../../../streams/asset.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { type Properties, streamOperations } from "../../../streams/operations.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { reconcile } from "../../../streams/reconcile.ts";
import { streamSetOperations } from "../../../streams/set-operations.ts";
import { streamDialect } from "../../../streams/spec.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";

let cluster: TestCluster;
let port: StreamPort;
let connection: { servers: string[]; timeoutMs: number };
let id = 0;
let NAME = "";
let stream: Properties;

beforeAll(async () => {
  cluster = await startCluster();
  connection = { servers: cluster.urls, timeoutMs: 3_000 };
  port = await openStreamPort(connection);
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});
beforeEach(() => {
  NAME = `F${id++}`;
  stream = { name: NAME, subjects: [`${NAME}.>`], replicas: 3, maxAge: "7d", connection, owner: `p/s/${NAME}` };
});

async function publish(count: number): Promise<void> {
  const nats = await openConnection(connection);
  for (let index = 0; index < count; index++) await heardRequest(nats, `${NAME}.event`, "x", { timeout: 3_000 });
}

/** A stream with one replica, the server that holds it, and a connection to the others. */
async function alone() {
  const { outs } = await streamOperations.create({ ...stream, replicas: 1 });
  await publish(5);
  const holder = (await port.readStream(NAME))?.peers.leader ?? "";
  const others = { ...connection, servers: cluster.nodes.filter(({ name }) => name !== holder).map(({ url }) => url) };
  return { outs, holder, others };
}

async function back(holder: string): Promise<void> {
  await cluster.start(holder);
  await cluster.waitReady();
  await expect.poll(async () => (await port.listStreams()).unknown, { timeout: 60_000, interval: 100 }).toEqual([]);
}

test("a stream whose server was stopped is offline: not gone, not made again, changed when it is back", async () => {
  const { outs, holder, others } = await alone();
  await cluster.stop(holder);
  await expect(streamOperations.read(NAME, { ...outs, connection: others })).rejects.toThrow("ERR_STREAM_OFFLINE");
  await expect(streamOperations.create({ ...stream, replicas: 1, connection: others })).rejects.toThrow("ERR_STREAM_OFFLINE");
  expect((await (await openStreamPort(others)).listStreams()).unknown).toContain(NAME);
  await back(holder);
  const after = await streamOperations.update(NAME, outs, { ...stream, replicas: 1, maxAge: "1d" });
  expect(after.outs).toMatchObject({ maxAge: "1d" });
  expect((await port.readStream(NAME))?.messages).toBe(5);
});

test("a stream whose server was killed does not answer: the time-out is an error, and what became of the request is read when it is back", async () => {
  const { outs, holder, others } = await alone();
  const { value: spec } = streamDialect.parse({ name: NAME, subjects: [`${NAME}.>`], replicas: 1, maxAge: "2d" }, NAME);
  await cluster.kill(holder);
  const policy = { deletionPolicy: "retain", replacePolicy: "refuse", adoptionPolicy: "never" } as const;
  const goal = { spec, owner: `p/s/${NAME}`, policy, known: true, deadlineMs: 1_000 };
  const failed = reconcile(streamAsset, await openStreamPort({ ...others, timeoutMs: 500 }), goal);
  await expect(failed).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(JETSTREAM_(TIMEOUT|LEADER)|STREAM_OFFLINE)$/) });
  await back(holder);
  const after = await streamOperations.update(NAME, outs, { ...stream, replicas: 1, maxAge: "2d" });
  expect(after.outs).toMatchObject({ maxAge: "2d" });
  expect((await port.readStream(NAME))?.messages).toBe(5);
});

test("leaders that change while a set is made and changed only take time", async () => {
  const names = Array.from({ length: 40 }, (_, index) => `${NAME}_${index}`);
  const streams = Object.fromEntries(names.map((name) => [name, JSON.stringify({ subjects: [`${name}.>`] })]));
  const inputs: Properties = {
    streams,
    defaults: { replicas: 3, maxAge: "7d", deletionPolicy: "delete" },
    connection,
    owner: `p/s/${NAME}`,
  };
  const moved = await disturb(names, () => streamSetOperations.create(inputs));
  expect(moved.outs).toEqual(inputs);
  const news = { ...inputs, defaults: { replicas: 3, maxAge: "1d", deletionPolicy: "delete" } };
  const changed = await disturb(names, () => streamSetOperations.update("x", moved.outs, news));
  expect(changed.outs).toEqual(news);
  // The last leader asked to step down may still be without a successor.
  const listed = async () =>
    (await port.listStreams()).streams
      .filter(({ config }) => names.includes(String(config["name"])))
      .map(({ config, peers }) => [config["max_age"], peers.replicas.length]);
  await expect.poll(listed).toEqual(names.map(() => [86_400_000_000_000, 2]));
  await streamSetOperations.delete("x", changed.outs);
});

/** Does something while leaders of streams step down, one after the other. */
async function disturb<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
  const nats = await openConnection(connection);
  let isDone = false;
  const disturbing = (async () => {
    for (let index = 0; !isDone && index < 200; index++) {
      const subject = `$JS.API.STREAM.LEADER.STEPDOWN.${names[index % names.length]}`;
      await nats.request(subject, "", { timeout: 1_000 }).catch(() => undefined);
    }
  })();
  try {
    return await work();
  } finally {
    isDone = true;
    await disturbing;
  }
}

test("the server that leads everything is killed while a stream is changed: it is changed, and current when the server is back", async () => {
  const { outs } = await streamOperations.create(stream);
  await publish(5);
  const leader = (await cluster.metaLeader()) ?? "";
  const others = { ...connection, servers: cluster.nodes.filter(({ name }) => name !== leader).map(({ url }) => url) };
  const killing = cluster.kill(leader);
  const changed = streamOperations.update(NAME, outs, { ...stream, maxAge: "1d", connection: others });
  await killing;
  expect((await changed).outs).toMatchObject({ maxAge: "1d" });
  await back(leader);
  await expect
    .poll(async () => (await port.readStream(NAME))?.peers.replicas.map(({ current }) => current), { timeout: 60_000, interval: 100 })
    .toEqual([true, true]);
  expect((await port.readStream(NAME))?.messages).toBe(5);
});

test("a cluster that comes back empty: everything reads as gone and is made again", async () => {
  const { outs } = await streamOperations.create(stream);
  const set: Properties = {
    streams: { [`${NAME}_a`]: "{}", [`${NAME}_b`]: "{}" },
    defaults: { replicas: 3 },
    connection,
    owner: `p/s/${NAME}set`,
  };
  const made = await streamSetOperations.create(set);
  await Promise.all(cluster.nodes.map((node) => cluster.kill(node)));
  await Promise.all(cluster.nodes.map(({ folder }) => rm(join(folder, "jetstream"), { recursive: true, force: true })));
  await cluster.startAll();
  await cluster.waitReady(60_000);
  expect(await streamOperations.read(NAME, outs)).toEqual({ id: "", props: {} });
  const seen = await streamSetOperations.read("x", made.outs);
  expect(seen.props["streams"]).toEqual({});
  expect(await streamSetOperations.diff("x", seen.props, set)).toEqual({ changes: true });
  await streamOperations.create(stream);
  expect((await streamSetOperations.update("x", seen.props, set)).outs).toEqual(made.outs);
  expect((await port.listStreams()).streams).toHaveLength(3);
});
