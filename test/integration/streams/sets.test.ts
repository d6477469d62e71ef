import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import type { Properties } from "../../../streams/operations.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { consumerSetOperations, streamSetOperations } from "../../../streams/set-operations.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";

const COUNT = 60;

let cluster: TestCluster;
let port: StreamPort;
let connection: { servers: string[]; timeoutMs: number };
let run = 0;

beforeAll(async () => {
  cluster = await startCluster();
  connection = { servers: cluster.urls, timeoutMs: 5_000 };
  port = await openStreamPort(connection);
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

const subjectsOf = (name: string, settings: object = {}) => JSON.stringify({ subjects: [`${name}.>`], ...settings });

/** Inputs of a set of streams that no other test has. */
function setOf(count: number, defaults: object = {}): Properties & { streams: Record<string, string> } {
  const prefix = `T${run++}`;
  const names = Array.from({ length: count }, (_, index) => `${prefix}_${index}`);
  const streams = Object.fromEntries(names.map((name) => [name, subjectsOf(name)]));
  return { streams, defaults: { replicas: 1, maxAge: "7d", deletionPolicy: "delete", ...defaults }, connection, owner: `p/s/${prefix}` };
}

const changed = (inputs: ReturnType<typeof setOf>, name: string, settings: object) => ({
  ...inputs,
  streams: { ...inputs.streams, [name]: subjectsOf(name, settings) },
});

async function publish(subject: string, count: number): Promise<void> {
  const nats = await openConnection(connection);
  for (let index = 0; index < count; index++) await heardRequest(nats, subject, "x", { timeout: 3_000 });
}

describe("a set of streams", () => {
  test("is created with current replicas, a second run changes nothing, one change writes one stream, and it goes as one", async () => {
    const inputs = setOf(COUNT, { replicas: 3 });
    const names = Object.keys(inputs.streams);
    expect((await streamSetOperations.check({}, inputs)).failures).toEqual([]);
    const { outs, id } = await streamSetOperations.create(inputs);
    expect(outs).toEqual(inputs);
    const infos = (await port.listStreams()).streams.filter(({ config }) => names.includes(String(config["name"])));
    expect(infos).toHaveLength(COUNT);
    for (const { peers } of infos) expect(peers.replicas.map(({ current }) => current)).toEqual([true, true]);
    expect(await streamSetOperations.diff(id, outs, inputs)).toEqual({ changes: false });
    expect(await streamSetOperations.read(id, outs)).toEqual({ id, props: outs });

    const news = changed(inputs, names[7]!, { maxAge: "1d" });
    expect(await streamSetOperations.diff(id, outs, news)).toEqual({ changes: true });
    const after = await streamSetOperations.update(id, outs, news);
    expect(after.outs).toEqual(news);
    expect((await port.readStream(names[7]!))?.config["max_age"]).toBe(86_400_000_000_000);

    await streamSetOperations.delete(id, after.outs);
    expect((await port.listStreams()).streams.filter(({ config }) => names.includes(String(config["name"])))).toEqual([]);
  });

  test("takes no more state than its declaration, at most 1 kB a stream", async () => {
    const inputs = setOf(40, { description: "A stream of a tenant", maxBytes: "1MiB" });
    const { outs } = await streamSetOperations.create(inputs);
    expect((JSON.stringify(outs).length + JSON.stringify(inputs).length) / 40).toBeLessThan(1_000);
    await streamSetOperations.delete("x", outs);
  });

  test("keeps what is done when a part fails, and the next run goes on from there", async () => {
    const inputs = setOf(40);
    const [first = "", second = ""] = Object.keys(inputs.streams);
    const bad = { ...inputs, streams: { ...inputs.streams, [second]: subjectsOf(first) } };
    const failure = await streamSetOperations.create(bad).then(
      () => undefined,
      (error: Error & { id: string; properties: Properties; reasons: string[] }) => error,
    );
    expect(failure?.message).toMatch(/1 of 40 streams failed.*\n.*overlap.*ERR_SUBJECT_OVERLAP/s);
    expect(failure?.id).toBe(inputs["owner"]);
    const kept = failure?.properties ?? {};
    expect(Object.keys(kept["streams"] as object)).toHaveLength(39);
    const { outs } = await streamSetOperations.update("x", kept, inputs);
    expect(outs).toEqual(inputs);
    await streamSetOperations.delete("x", outs);
  });

  test("shows hand edits and deletions object by object when read, and repairs them", async () => {
    const inputs = setOf(40);
    const [edited = "", deleted = ""] = Object.keys(inputs.streams);
    const { outs } = await streamSetOperations.create(inputs);
    const { config } = (await port.readStream(edited))!;
    await port.updateStream({ config: { ...config, max_age: 3_600_000_000_000, max_msgs: 5 }, level: 0 });
    await port.deleteStream(deleted);
    const { props } = await streamSetOperations.read("x", outs);
    const streams = props["streams"] as Record<string, unknown>;
    expect(streams[edited]).toBe(subjectsOf(edited, { maxMsgs: 5, maxAge: "1h" }));
    expect(streams[deleted]).toBeUndefined();
    expect(await streamSetOperations.diff("x", props, inputs)).toEqual({ changes: true });
    const repaired = await streamSetOperations.update("x", props, inputs);
    expect(repaired.outs).toEqual(outs);
    await streamSetOperations.delete("x", repaired.outs);
  });

  test("refuses in the preview what would lose messages, and leaves a member that goes under retain", async () => {
    const inputs = setOf(3, { deletionPolicy: "retain" });
    const [first = "", second = ""] = Object.keys(inputs.streams);
    const { outs } = await streamSetOperations.create(inputs);
    await publish(`${first}.x`, 4);
    const { failures } = await streamSetOperations.check(inputs, changed(inputs, first, { storage: "memory" }));
    expect(failures).toEqual([{ property: "storage", reason: expect.stringMatching(/4 messages.*ERR_STREAM_IMMUTABLE/) }]);
    const { [second]: _gone, ...rest } = inputs.streams;
    const after = await streamSetOperations.update("x", outs, { ...inputs, streams: rest });
    expect(Object.keys(after.outs["streams"] as object)).toEqual(Object.keys(rest));
    expect(await port.readStream(second)).toBeDefined();
  });

  test("does not take over a stream that it did not make", async () => {
    const inputs = setOf(2);
    const [first = ""] = Object.keys(inputs.streams);
    await port.createStream({ config: { name: first, subjects: [`${first}.>`] }, level: 0 });
    await expect(streamSetOperations.create(inputs)).rejects.toThrow(/1 of 2 streams failed.*ERR_STREAM_FOREIGN/s);
    const adopted = await streamSetOperations.create({
      ...inputs,
      defaults: { ...(inputs["defaults"] as object), adoptionPolicy: "adopt" },
    });
    expect(Object.keys(adopted.outs["streams"] as object)).toHaveLength(2);
  });

  test("with the servers of one stream away: the others are changed, that one is neither absent nor forgotten", async () => {
    const inputs = setOf(40);
    const { outs } = await streamSetOperations.create(inputs);
    const held = (await port.listStreams()).streams.filter(({ config }) => String(config["name"]) in inputs.streams);
    const away = held.filter(({ peers }) => peers.leader === "n3").map(({ config }) => String(config["name"]));
    expect(away.length).toBeGreaterThan(0);
    await cluster.stop("n3");
    const alive = { ...connection, servers: cluster.urls.slice(0, 2) };
    const { props } = await streamSetOperations.read("x", { ...outs, connection: alive });
    expect(props["streams"]).toEqual(outs["streams"]);
    const news = { ...inputs, connection: alive, defaults: { ...(inputs["defaults"] as object), maxAge: "2d" } };
    const failure = await streamSetOperations.update("x", outs, news).then(
      () => undefined,
      (error: Error & { properties: Properties }) => error,
    );
    expect(failure?.message).toContain("ERR_STREAM_OFFLINE");
    expect(Object.keys(failure?.properties["streams"] as object)).toHaveLength(40);
    await cluster.start("n3");
    await cluster.waitReady();
    await expect
      .poll(
        async () => {
          const { unknown } = await port.listStreams();
          return unknown.filter((name) => name in inputs.streams);
        },
        { timeout: 60_000, interval: 200 },
      )
      .toEqual([]);
    const back = { ...news, connection };
    const { outs: after } = await streamSetOperations.update("x", failure?.properties ?? {}, back);
    expect(after).toEqual(back);
    for (const name of Object.keys(inputs.streams)) expect((await port.readStream(name))?.config["max_age"]).toBe(172_800_000_000_000);
  });
});

test("a set of consumers is created, changed, shrunk and read", async () => {
  const streams = setOf(2);
  await streamSetOperations.create(streams);
  const keys = Object.keys(streams.streams).flatMap((stream) => Array.from({ length: 20 }, (_, index) => `${stream}/c${index}`));
  const consumers = Object.fromEntries(keys.map((key) => [key, "{}"]));
  const inputs: Properties = { consumers, defaults: { maxDeliver: 5, deletionPolicy: "delete" }, connection, owner: "p/s/consumers" };
  expect((await consumerSetOperations.check({}, inputs)).failures).toEqual([]);
  const { outs } = await consumerSetOperations.create(inputs);
  expect(outs).toEqual(inputs);
  expect(await consumerSetOperations.read("x", outs)).toEqual({ id: "x", props: outs });
  const [first = "", second = "", ...others] = keys;
  const news = { ...inputs, consumers: Object.fromEntries([[first, '{"maxDeliver":9}'], ...others.map((key) => [key, "{}"])]) };
  const after = await consumerSetOperations.update("x", outs, news);
  expect(after.outs).toEqual(news);
  const [stream = "", name = ""] = first.split("/");
  expect((await port.readConsumer(stream, name))?.config["max_deliver"]).toBe(9);
  expect(await port.readConsumer(stream, second.split("/")[1]!)).toBeUndefined();
  expect(
    (await consumerSetOperations.check({}, { ...inputs, consumers: { nostream: "{}", "A/b": '{"maxDelivery":1}' } })).failures,
  ).toEqual([
    { property: "consumers.nostream.name", reason: expect.stringContaining("ERR_NAME") },
    { property: "consumers.A/b.maxDelivery", reason: expect.stringContaining("write maxDeliver instead") },
  ]);
  await consumerSetOperations.delete("x", after.outs);
});
