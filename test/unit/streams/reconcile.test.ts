import { beforeEach, describe, expect, test } from "vitest";
import { BusError } from "../../../core/errors.ts";
import { consumerAsset, streamAsset } from "../../../streams/asset.ts";
import { copyName, fenced, type MigrationMark, withMark } from "../../../streams/migration-mark.ts";
import { refusalOf } from "../../../streams/nats-error.ts";
import type { Policy } from "../../../streams/policy.ts";
import { reconcile, removeAsset } from "../../../streams/reconcile.ts";
import { consumerDialect, streamDialect } from "../../../streams/spec.ts";
import { FakeStreamPort } from "../../contract/stream-port-fake.ts";

const careful: Policy = { deletionPolicy: "retain", replacePolicy: "refuse", adoptionPolicy: "never" };
const owner = "p/s/orders";

let port: FakeStreamPort;
beforeEach(() => {
  port = new FakeStreamPort();
});

function streamGoal(settings: object = {}, more: { policy?: Partial<Policy>; known?: boolean; owner?: string; deadlineMs?: number } = {}) {
  const { policy, ...rest } = more;
  const spec = streamDialect.parse({ name: "ORDERS", subjects: ["orders.>"], ...settings }, "ORDERS").value;
  return { spec, owner, known: false, deadlineMs: 1_000, ...rest, policy: { ...careful, ...policy } };
}

const up = (settings: object = {}, more: Parameters<typeof streamGoal>[1] = {}) => reconcile(streamAsset, port, streamGoal(settings, more));

describe("a stream", () => {
  test("is created once; a second run writes nothing", async () => {
    const made = await up({ maxAge: "7d" });
    expect(made).toMatchObject({ owner, spec: { name: "ORDERS", replicas: 3, maxAge: 604_800_000 } });
    await up({ maxAge: "7d" }, { known: true });
    expect(port.writes).toEqual(["create ORDERS"]);
  });

  test("is created without a look: the server tells whether it is there", async () => {
    port.readStream = () => Promise.reject(new Error("looked"));
    await expect(up()).resolves.toMatchObject({ owner });
  });

  test("whose name is taken by one with the same settings and no marker is not taken over", async () => {
    await up();
    const there = port.streams.get("ORDERS")!;
    there.config = { ...there.config, metadata: {} };
    await expect(up()).rejects.toMatchObject({ code: "ERR_STREAM_FOREIGN" });
    await expect(up({}, { owner: "" })).rejects.toMatchObject({ code: "ERR_STREAM_FOREIGN" });
    expect(port.writes).toEqual(["create ORDERS"]);
  });

  test("is not made empty beside the copy that an interrupted migration left", async () => {
    const copy = copyName("ORDERS");
    const mark: MigrationMark = { id: "m", phase: "copying", target: { name: "ORDERS" }, before: {}, pauses: {} };
    await port.createStream({ config: withMark(fenced({ name: copy }), mark), level: 0 });
    await expect(up()).rejects.toMatchObject({ code: "ERR_STREAM_MIGRATION" });
    expect(port.writes).toEqual([`create ${copy}`]);
  });

  test("is looked for first where the names cannot be asked for", async () => {
    port.namesStoring = () => Promise.reject(new BusError("ERR_CONNECT_CREDENTIALS", "the user may not use STREAM.NAMES"));
    await expect(up()).resolves.toMatchObject({ owner });
    expect(port.writes).toEqual(["create ORDERS"]);
  });

  test("is updated in place, and settings that are gone go back to their default", async () => {
    await up({ maxAge: "7d", description: "old" });
    const after = await up({ maxAge: "1d" }, { known: true });
    expect(after.spec).toMatchObject({ maxAge: 86_400_000, description: "" });
    expect(port.writes).toEqual(["create ORDERS", "update ORDERS"]);
  });

  test("keeps fields of newer servers that it does not know", async () => {
    await up();
    const there = port.streams.get("ORDERS")!;
    there.config = { ...there.config, from_the_future: { a: 1 } };
    await up({ maxAge: "1d" }, { known: true });
    expect(port.streams.get("ORDERS")?.config["from_the_future"]).toEqual({ a: 1 });
  });

  test("of an interrupted run is found by its marker and finished", async () => {
    await up({ maxAge: "7d" });
    await expect(up({ maxAge: "1d" })).resolves.toMatchObject({ spec: { maxAge: 86_400_000 } });
    expect(port.writes).toEqual(["create ORDERS", "update ORDERS"]);
  });

  test.each([
    ["nobody known", undefined],
    ["another resource", "p/other/orders"],
  ])("of %s is not taken over silently", async (_who, marker) => {
    await port.createStream({ config: { name: "ORDERS", ...(marker ? { metadata: { "natsbus.owner": marker } } : {}) }, level: 0 });
    await expect(up()).rejects.toMatchObject({ code: "ERR_STREAM_FOREIGN", path: "adoptionPolicy" });
    expect(port.writes).toEqual(["create ORDERS"]);
  });

  test("is adopted when the policy says so, with what it holds", async () => {
    await port.createStream({ config: { name: "ORDERS", subjects: ["orders.>"] }, level: 0 });
    port.fill("ORDERS", 7);
    const adopted = await up({}, { policy: { adoptionPolicy: "adopt" } });
    expect(adopted.owner).toBe(owner);
    expect((await port.readStream("ORDERS"))?.messages).toBe(7);
  });

  test("that was edited by hand is repaired, marker included", async () => {
    await up({ maxAge: "7d" });
    await port.updateStream({ config: { name: "ORDERS", subjects: ["orders.>"], max_msgs: 3, num_replicas: 3 }, level: 0 });
    const repaired = await up({ maxAge: "7d" }, { known: true });
    expect(repaired).toMatchObject({ owner, spec: { maxMsgs: -1, maxAge: 604_800_000 } });
  });

  test("with messages is not made anew for a fixed field, and nothing is touched", async () => {
    await up();
    port.fill("ORDERS", 12);
    await expect(up({ storage: "memory" }, { known: true })).rejects.toMatchObject({
      code: "ERR_STREAM_IMMUTABLE",
      path: "storage",
      message: expect.stringMatching(/storage file → memory.*12 messages/),
      remedy: expect.stringContaining("replacePolicy"),
    });
    expect(port.writes).toEqual(["create ORDERS"]);
  });

  test("without messages is made anew, with its consumers", async () => {
    await up();
    await port.createConsumer("ORDERS", { config: { durable_name: "billing", ack_policy: "explicit" }, level: 0 });
    const after = await up({ storage: "memory" }, { known: true });
    expect(after.spec.storage).toBe("memory");
    expect(await port.readConsumer("ORDERS", "billing")).toBeDefined();
  });

  test("whose consumers cannot be seen is not made anew, and nothing is touched", async () => {
    await up();
    await port.createConsumer("ORDERS", { config: { durable_name: "worker" }, level: 0 });
    port.silent.add("worker");
    await expect(up({ storage: "memory" }, { known: true })).rejects.toMatchObject({
      code: "ERR_STREAM_OFFLINE",
      message: expect.stringContaining("worker"),
    });
    expect(port.writes).toEqual(["create ORDERS", "create ORDERS/worker"]);
  });

  test("leaves the consumers that the server makes for itself to the server", async () => {
    await up();
    const metadata = { "_nats.src.stream": "ALL" };
    await port.createConsumer("ORDERS", { config: { durable_name: "JS_SRC_x", metadata }, level: 0 });
    await up({ storage: "memory" }, { known: true });
    expect(port.writes.filter((write) => write === "create ORDERS/JS_SRC_x")).toHaveLength(1);
  });

  test("with messages is made anew when that is named", async () => {
    await up();
    port.fill("ORDERS", 12);
    const after = await up({ storage: "memory" }, { known: true, policy: { replacePolicy: "recreate" } });
    expect(after.spec.storage).toBe("memory");
    expect((await port.readStream("ORDERS"))?.messages).toBe(0);
  });

  test("does not go from limits to interest while that deletes everything", async () => {
    await up();
    port.fill("ORDERS", 5);
    await expect(up({ retention: "interest" }, { known: true })).rejects.toMatchObject({
      code: "ERR_STREAM_IMMUTABLE",
      message: expect.stringContaining("deletes all 5 messages, because no consumer exists"),
    });
    expect((await port.readStream("ORDERS"))?.messages).toBe(5);
    await port.createConsumer("ORDERS", { config: { durable_name: "billing", ack_policy: "explicit" }, level: 0 });
    await expect(up({ retention: "interest" }, { known: true })).resolves.toMatchObject({ spec: { retention: "interest" } });
  });

  test.each([
    {
      what: "more replicas elsewhere: move, then grow",
      from: 1,
      to: 3,
      steps: [
        [1, ["ssd"]],
        [3, ["ssd"]],
      ],
    },
    {
      what: "fewer replicas elsewhere: shrink, then move",
      from: 3,
      to: 1,
      steps: [
        [1, undefined],
        [1, ["ssd"]],
      ],
    },
  ])("with $what, never both in one update", async ({ from, to, steps }) => {
    await up({ replicas: from });
    const seen: unknown[] = [];
    const update = port.updateStream.bind(port);
    port.updateStream = (request) => {
      seen.push([request.config["num_replicas"] ?? 1, (request.config["placement"] as { tags?: string[] } | undefined)?.tags]);
      return update(request);
    };
    await up({ replicas: to, placement: { tags: ["ssd"] } }, { known: true });
    expect(seen).toEqual(steps);
  });

  test("to be sealed is made first and sealed then", async () => {
    const sealed = await up({ sealed: true });
    expect(sealed.spec.sealed).toBe(true);
    expect(port.writes).toEqual(["create ORDERS", "update ORDERS"]);
  });

  test("whose replicas stay behind is an error that names them", async () => {
    const read = port.readStream.bind(port);
    const create = port.createStream.bind(port);
    const lagging = {
      clustered: true,
      leader: "n1",
      replicas: [
        { name: "n2", current: true },
        { name: "n3", current: false },
      ],
    };
    port.readStream = async (name) => ({ ...(await read(name))!, peers: lagging });
    port.createStream = async (request) => ({ ...(await create(request)), peers: lagging });
    await expect(up({}, { deadlineMs: 50 })).rejects.toMatchObject({ code: "ERR_STREAM_REPLICAS", message: expect.stringContaining("n3") });
  });
});

describe("answers that get lost", () => {
  test.each(["create ORDERS", "update ORDERS"])("after %s: the object is read again, not written twice", async (lost) => {
    port.beforeWrite = (write) => (write === lost ? "lose" : undefined);
    await up({ maxAge: "7d" });
    await up({ maxAge: "1d" }, { known: true });
    expect(port.writes).toEqual(["create ORDERS", "update ORDERS"]);
  });

  test("a write that never arrived is made again", async () => {
    let failures = 2;
    port.beforeWrite = () => {
      if (failures-- > 0) throw new BusError("ERR_JETSTREAM_TIMEOUT", "no answer in time");
      return undefined;
    };
    await up();
    expect(port.writes).toEqual(["create ORDERS"]);
  });

  test("a cluster without a leader is waited for, and given up with its own error", async () => {
    const leaderless = () => Promise.reject(new BusError("ERR_JETSTREAM_LEADER", "no meta leader"));
    Object.assign(port, { readStream: leaderless, createStream: leaderless, namesStoring: leaderless });
    await expect(up({}, { deadlineMs: 60 })).rejects.toMatchObject({ code: "ERR_JETSTREAM_LEADER" });
  });

  test.each([
    ["no suitable peers for placement, peer offline", "ERR_PEER_OFFLINE", 3],
    ["no suitable peers for placement, tags not matched ['ssd']", "ERR_REPLICAS", 2],
  ])("%s: only a server that may be back in a moment is waited for", async (description, code, tries) => {
    let asked = 0;
    const create = port.createStream.bind(port);
    port.createStream = async (request) => {
      asked += 1;
      if (asked < 3) throw refusalOf("stream ORDERS", { code: 400, err_code: 10_005, description });
      return create(request);
    };
    const outcome = await up().then(
      () => "made",
      (error: BusError) => error.code,
    );
    expect([outcome, asked]).toEqual([code === "ERR_PEER_OFFLINE" ? "made" : code, tries]);
  });

  test("a stream whose servers are away is unknown, not absent: nothing is created", async () => {
    await port.createStream({ config: { name: "ORDERS" }, level: 0 });
    port.writes.length = 0;
    port.readStream = () => Promise.reject(new BusError("ERR_STREAM_OFFLINE", "stream is offline"));
    await expect(up()).rejects.toMatchObject({ code: "ERR_STREAM_OFFLINE" });
    expect(port.writes).toEqual([]);
  });

  test("a server that accepts a value and keeps the old one is an error, not a loop", async () => {
    await up();
    const read = port.readStream.bind(port);
    port.updateStream = async (request) => (await read(String(request.config["name"])))!;
    await expect(up({ maxMsgs: 5 }, { known: true })).rejects.toMatchObject({
      code: "ERR_STREAM_REFUSED",
      message: expect.stringContaining("maxMsgs"),
    });
  });
});

describe("a consumer", () => {
  const goal = (settings: object = {}, policy: Partial<Policy> = {}) => ({
    spec: consumerDialect.parse({ stream: "ORDERS", name: "billing", ...settings }, "billing").value,
    owner,
    known: true,
    policy: { ...careful, ...policy },
  });
  beforeEach(async () => {
    await up();
    await reconcile(consumerAsset, port, goal());
    port.writes.length = 0;
  });

  test("is not touched without a change, and updated in place with one", async () => {
    await reconcile(consumerAsset, port, goal());
    expect(port.writes).toEqual([]);
    await reconcile(consumerAsset, port, goal({ maxDeliver: 5, backoff: ["1s", "5s"] }));
    expect(port.writes).toEqual(["update ORDERS/billing"]);
  });

  test("that never delivered is made anew for a fixed field; one that did is not, unless named", async () => {
    await reconcile(consumerAsset, port, goal({ ackPolicy: "all" }));
    expect(port.writes).toEqual(["delete ORDERS/billing", "create ORDERS/billing"]);
    port.streams.get("ORDERS")!.consumers.get("billing")!.delivered = 41;
    const change = { ackPolicy: "explicit" };
    await expect(reconcile(consumerAsset, port, goal(change))).rejects.toMatchObject({ message: expect.stringContaining("sequence 41") });
    await expect(reconcile(consumerAsset, port, goal(change, { replacePolicy: "recreate" }))).resolves.toBeDefined();
  });
});

describe("removing", () => {
  const { spec } = streamGoal();
  test("deletes what is ours, and takes nothing for a success", async () => {
    await up();
    expect(await removeAsset(streamAsset, port, { spec, owner })).toBe(true);
    expect(await removeAsset(streamAsset, port, { spec, owner })).toBe(false);
    expect(port.writes).toEqual(["create ORDERS", "delete ORDERS"]);
  });

  test("leaves what belongs to somebody else by now", async () => {
    await up({}, { owner: "p/other/orders" });
    expect(await removeAsset(streamAsset, port, { spec, owner })).toBe(false);
    expect(port.streams.has("ORDERS")).toBe(true);
  });

  test("whose answer got lost is not an error", async () => {
    await up();
    port.beforeWrite = () => (port.streams.has("ORDERS") ? "lose" : undefined);
    await removeAsset(streamAsset, port, { spec, owner });
    expect(port.streams.has("ORDERS")).toBe(false);
  });
});
