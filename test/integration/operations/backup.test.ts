import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { createInbox, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import { backUp } from "../../../operations/backup/backup.ts";
import { checkBackup } from "../../../operations/backup/check.ts";
import { type Manifest, renderManifest, type SavedStream, shortcomings } from "../../../operations/backup/manifest.ts";
import { restoreStreams } from "../../../operations/backup/restore.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { openRestore } from "../../../streams/nats-port-snapshot.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { natsCliPath } from "../../bench/natscli.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";

const run = promisify(execFile);
const NATS = existsSync(natsCliPath()) ? natsCliPath() : undefined;
if (NATS === undefined) process.stderr.write("SKIPPED: natscli does not read a backup; build it with `npm run bench:streams`\n");
const STREAMS = ["KV_settings", "MEMORY", "OBJ_artifacts", "ORDERS"];
const CONSUMERS = ["c1", "c2", "c3", "c4", "c5", "c6"];
const OBJECT = Buffer.alloc(300_000, "natsbus ");

let cluster: TestCluster;
let connection: ConnectionSpec;
let nats: NatsConnection;
let port: StreamPort;
let folder: string;
let saved: string;
let manifest: Manifest;
let before: Record<string, unknown>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "natsbus-backup-"));
  saved = join(folder, "deep/first");
  cluster = await startCluster();
  connection = { servers: cluster.urls, timeoutMs: 10_000 };
  [nats, port] = [await openConnection(connection), await openStreamPort(connection)];
  await fill();
  before = Object.fromEntries(await Promise.all(STREAMS.map(async (name) => [name, await contents(name)])));
  manifest = await backUp({ connection, directory: saved });
}, 60_000);
afterAll(async () => {
  await closeConnections();
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function fill(): Promise<void> {
  const owned = { metadata: { "natsbus.owner": "p/s/orders" } };
  await port.createStream({ config: { name: "ORDERS", subjects: ["orders.>"], num_replicas: 3, ...owned }, level: 0 });
  await port.createStream({ config: { name: "MEMORY", subjects: ["memory.>"], storage: "memory", num_replicas: 1 }, level: 0 });
  for (const stream of ["ORDERS", "MEMORY"]) {
    for (const name of ["slow", "quick", "idle"])
      await port.createConsumer(stream, { config: { durable_name: name, ack_policy: "explicit" }, level: 0 });
    for (let index = 0; index < 60; index++) {
      const marked = headers();
      marked.set("Index", String(index));
      await heardRequest(nats, `${stream.toLowerCase()}.${index % 3}`, `message ${index}`, { timeout: 5_000, headers: marked });
    }
    await work(stream, "slow", 4);
    await work(stream, "quick", 9);
  }
  // One consumer a server, so that some server holds none of the stream's leader's.
  for (const name of ["lone1", "lone2", "lone3"])
    await port.createConsumer("ORDERS", { config: { durable_name: name, ack_policy: "explicit", num_replicas: 1 }, level: 0 });
  await work("ORDERS", "lone2", 2);
  const kv = await new Kvm(nats).create("settings", { replicas: 3, history: 3 });
  for (const value of ["a", "b", "c"]) await kv.put("theme", value);
  await (await new Objm(nats).create("artifacts", { replicas: 3 })).putBlob({ name: "logo" }, OBJECT);
}

/** Pulls some messages and acknowledges them. */
async function work(stream: string, consumer: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    const pulled = await heardRequest(nats, subject, "1", { timeout: 5_000, noMux: true, reply: createInbox() });
    await heardRequest(nats, pulled.reply ?? "", "+ACK", { timeout: 5_000 });
  }
}

/** Everything of a stream that a backup must keep, message by message. */
async function contents(name: string) {
  const info = await port.readStream(name);
  const messages: unknown[] = [];
  for (let seq = info?.firstSeq ?? 1; seq <= (info?.lastSeq ?? 0); seq++) {
    const answer = await heardRequest(nats, `$JS.API.STREAM.MSG.GET.${name}`, JSON.stringify({ seq }), { timeout: 5_000 });
    messages.push(answer.json<{ message: unknown }>().message);
  }
  const { consumers } = await port.listConsumers(name);
  const places = consumers.map(({ config, ackFloor, pending }) => `${String(config["durable_name"])} ${ackFloor} ${pending}`).toSorted();
  const { metadata, ...config } = info?.config ?? {};
  const owner = (metadata as Record<string, string> | undefined)?.["natsbus.owner"];
  return { messages, places, config, owner, firstSeq: info?.firstSeq, lastSeq: info?.lastSeq };
}

describe("a backup", () => {
  test("is complete, as its manifest, the server and a look at the files say", async () => {
    expect(shortcomings(manifest)).toEqual([]);
    expect(manifest.streams.map(({ name }) => name).toSorted()).toEqual(STREAMS);
    const orders = manifest.streams.find(({ name }) => name === "ORDERS");
    expect(orders).toMatchObject({ messages: 60, firstSeq: 1, lastSeq: 60 });
    expect(orders?.consumers.map(({ name, ackFloor }) => `${name} ${ackFloor}`).toSorted()).toEqual([
      "idle 0",
      "lone1 0",
      "lone2 2",
      "lone3 0",
      "quick 9",
      "slow 4",
    ]);
    expect(await checkBackup(saved)).toEqual(manifest);
  });

  test("lies in files only its owner may read, and nothing unfinished beside it", () => {
    const modes = ["", "manifest.json", "ORDERS", "ORDERS/backup.json", "ORDERS/stream.arc.s2"].map((name) =>
      (statSync(join(saved, name)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(["700", "600", "700", "600", "600"]);
    expect(readdirSync(join(folder, "deep"))).toEqual(["first"]);
    expect(JSON.parse(readFileSync(join(saved, "ORDERS/backup.json"), "utf8"))).toMatchObject({
      config: { name: "ORDERS", subjects: ["orders.>"], metadata: { "natsbus.owner": "p/s/orders" } },
      state: { messages: 60 },
    });
  });

  test("never writes over another one, and names a stream that does not exist", async () => {
    const text = readFileSync(join(saved, "manifest.json"), "utf8");
    await expect(backUp({ connection, directory: saved })).rejects.toMatchObject({ code: "ERR_BACKUP_FOLDER" });
    expect(readFileSync(join(saved, "manifest.json"), "utf8")).toBe(text);
    const other = backUp({ connection, directory: join(folder, "other"), streams: ["ORDERS", "NONE"] });
    await expect(other).rejects.toMatchObject({ code: "ERR_STREAM_MISSING", message: expect.stringContaining("NONE") });
    await expect(backUp({ connection, directory: join(folder, "other"), signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ERR_INTERRUPTED",
    });
    expect(readdirSync(folder)).toEqual(["deep"]);
  });
});

/** A copy of the backup in which one file is damaged. */
function damaged(name: string, damage: (file: string) => void): string {
  const copy = mkdtempSync(join(folder, "damaged-"));
  cpSync(saved, copy, { recursive: true });
  damage(join(copy, name));
  return copy;
}

const flip = (file: string): void => {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
};
const DAMAGES: readonly (readonly [string, string, (file: string) => void])[] = [
  ["ORDERS/stream.arc.s2", "is truncated", (file) => truncateSync(file, 100)],
  ["MEMORY/stream.arc.s2", "was changed", flip],
  ["ORDERS/backup.json", "was changed", flip],
  ["KV_settings/stream.arc.s2", "is missing", rmSync],
  ["manifest.json", "was changed", (file) => writeFileSync(file, readFileSync(file, "utf8").replace('"lastSeq": 60', '"lastSeq": 61'))],
  ["manifest.json", "cannot be read", rmSync],
];

describe.each(DAMAGES)("with %s that %s", (name, words, damage) => {
  test("a look at the backup says so, and a restore does before it touches anything", async () => {
    const directory = damaged(name, damage);
    const refusal = { code: "ERR_BACKUP_DAMAGED", message: expect.stringMatching(new RegExp(`${name}.*${words}`)) };
    await expect(checkBackup(directory)).rejects.toMatchObject(refusal);
    // The streams exist: had it looked at them first, it would say that.
    await expect(restoreStreams({ connection, directory })).rejects.toMatchObject(refusal);
  });
});

/** Replaces the manifest by one that is consistent in itself. */
function rewrite(directory: string, change: (stream: SavedStream) => SavedStream): void {
  const streams = manifest.streams.map((stream) => (stream.name === "ORDERS" ? change(stream) : stream));
  writeFileSync(join(directory, "manifest.json"), renderManifest({ ...manifest, streams }));
}

async function names(): Promise<string[]> {
  return (await port.listStreams()).streams.map(({ config }) => String(config["name"])).toSorted();
}

describe("a restore", () => {
  test("never touches a stream that exists, nor anything when one does", async () => {
    await port.deleteStream("MEMORY");
    const refusal = { code: "ERR_RESTORE_EXISTS", message: expect.stringContaining("ORDERS") };
    await expect(restoreStreams({ connection, directory: saved })).rejects.toMatchObject(refusal);
    expect(await names()).toEqual(STREAMS.filter((name) => name !== "MEMORY"));
    expect(await contents("ORDERS")).toEqual(before["ORDERS"]);
    const none = restoreStreams({ connection, directory: saved, streams: ["NONE"] });
    await expect(none).rejects.toMatchObject({ code: "ERR_STREAM_MISSING", message: expect.stringContaining("NONE") });
  });

  test("brings everything back, message by message, consumers at their places, owner included", async () => {
    for (const name of STREAMS) await port.deleteStream(name);
    const plan = await restoreStreams({ connection, directory: saved, dryRun: true });
    expect([plan.length, await names()]).toEqual([STREAMS.length, []]);
    const restored = await restoreStreams({ connection, directory: saved });
    expect(restored.map(({ differences, notes, failure }) => [differences, notes, failure])).toEqual(
      STREAMS.map(() => [[], [], undefined]),
    );
    for (const name of STREAMS) await expect.poll(() => contents(name), { timeout: 20_000 }).toEqual(before[name]);
    expect(before["ORDERS"]).toMatchObject({ owner: "p/s/orders", lastSeq: 60 });
    const kv = await new Kvm(nats).open("settings");
    expect((await kv.get("theme"))?.string()).toBe("c");
    expect(Buffer.from((await (await new Objm(nats).open("artifacts")).getBlob("logo")) ?? [])).toEqual(OBJECT);
  });

  test("under another name stands beside the stream and is nobody's; consumers that the archive lacks are made anew", async () => {
    const directory = damaged("", () => undefined);
    const left = { name: "left", ackFloor: 7, ackFloorAfter: 7, archived: false, config: { durable_name: "left", ack_policy: "explicit" } };
    rewrite(directory, (stream) => ({ ...stream, consumers: [...stream.consumers, left] }));
    const as = { name: "ORDERS_old", subjects: ["old.>"] };
    const [restored] = await restoreStreams({ connection, directory, streams: ["ORDERS"], as });
    expect(restored).toEqual({ name: "ORDERS_old", messages: 60, madeAnew: ["left"], differences: [], notes: [] });
    expect(await port.readConsumer("ORDERS_old", "left")).toMatchObject({ config: { opt_start_seq: 8 }, pending: 53 });
    await port.deleteConsumer("ORDERS_old", "left");
    const copy = await contents("ORDERS_old");
    expect(copy.owner).toBeUndefined();
    expect({ ...copy, owner: 0, config: 0 }).toEqual({ ...(before["ORDERS"] as object), owner: 0, config: 0 });
  });

  test("that fails half way removes what it made, says so, and goes on with the others", async () => {
    const directory = damaged("ORDERS/stream.arc.s2", (file) => truncateSync(file, statSync(file).size - 200));
    const bytes = readFileSync(join(directory, "ORDERS/stream.arc.s2"));
    const archive = { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
    rewrite(directory, (stream) => ({ ...stream, archive }));
    for (const name of ["ORDERS", "KV_settings"]) await port.deleteStream(name);
    const restored = await restoreStreams({ connection, directory, streams: ["ORDERS", "KV_settings"] });
    expect(restored.map(({ name, failure }) => [name, failure !== undefined]).toSorted()).toEqual([
      ["KV_settings", false],
      ["ORDERS", true],
    ]);
    expect(restored.find(({ name }) => name === "ORDERS")?.failure).toMatch(/restore of stream ORDERS: .*messages, was removed/);
    expect(await names()).not.toContain("ORDERS");
    expect(await contents("KV_settings")).toEqual(before["KV_settings"]);
  });

  test("of a name that another restore holds says how it gets free", async () => {
    const place = { connection: nats, prefix: "$JS.API", what: "restore", remedy: "" };
    const other = await openRestore(place, { config: { name: "TAKEN", subjects: ["taken.>"] }, state: {} });
    const as = { name: "TAKEN", subjects: ["taken.>"] };
    const [restored] = await restoreStreams({ connection, directory: saved, streams: ["ORDERS"], as });
    expect(restored?.failure).toMatch(/stream name already in use.*nats stream rm/);
    await other.abandon();
    await port.deleteStream("TAKEN");
  });

  test("is ended by a signal, and removes what it made", async () => {
    const ended = restoreStreams({ connection, directory: saved, streams: ["ORDERS"], signal: AbortSignal.abort() });
    await expect(ended).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
    expect(await names()).not.toContain("ORDERS");
  });

  test.skipIf(NATS === undefined)("is not the only way: natscli reads the files", async () => {
    await run(NATS ?? "", ["--server", cluster.urls[0] ?? "", "stream", "restore", "--no-progress", join(saved, "ORDERS")]);
    await expect.poll(() => contents("ORDERS"), { timeout: 20_000 }).toEqual(before["ORDERS"]);
  });
});

test("with a server gone, streams that do not answer are named and the others are saved", async () => {
  await port.createStream({ config: { name: "SHARED", subjects: ["shared.>"], num_replicas: 3 }, level: 0 });
  for (const name of CONSUMERS)
    await port.createConsumer("SHARED", { config: { durable_name: name, ack_policy: "explicit", num_replicas: 1 }, level: 0 });
  await heardRequest(nats, "shared.x", "message", { timeout: 5_000 });
  const names = ["LONE1", "LONE2", "LONE3", "LONE4", "LONE5", "LONE6"];
  for (const name of names) await port.createStream({ config: { name, num_replicas: 1 }, level: 0 });
  const leader = await cluster.metaLeader();
  const { streams } = await port.listStreams();
  const lone = streams.filter(({ config, peers }) => names.includes(String(config["name"])) && peers.leader !== leader);
  const gone = lone[0]?.peers.leader ?? "";
  const lost = lone.filter(({ peers }) => peers.leader === gone).map(({ config }) => String(config["name"]));
  await cluster.kill(gone);
  // Its leader may have been there.
  await expect
    .poll(
      () =>
        port.readStream("SHARED").then(
          (info) => info?.messages,
          () => undefined,
        ),
      { timeout: 30_000 },
    )
    .toBe(1);
  const directory = join(folder, "partial");
  const servers = cluster.nodes.filter(({ name }) => name !== gone).map(({ url }) => url);
  const partial = await backUp({ connection: { servers, timeoutMs: 5_000 }, directory, streams: [...names, "SHARED"] });
  expect(partial.missing.map(({ name }) => name).toSorted()).toEqual(lost.toSorted());
  expect(partial.streams.map(({ name }) => name).toSorted()).toEqual([...names.filter((name) => !lost.includes(name)), "SHARED"]);
  // A server takes no snapshot with a consumer it cannot ask, and the messages matter more.
  const { consumers = [], unanswered = [], messages } = partial.streams.find(({ name }) => name === "SHARED") ?? {};
  expect(messages).toBe(1);
  expect([...consumers.map(({ name }) => name), ...unanswered].toSorted()).toEqual(CONSUMERS);
  expect(consumers.map(({ archived }) => archived)).toEqual(consumers.map(() => unanswered.length === 0));
  expect(shortcomings(partial)).toHaveLength(lost.length + (unanswered.length === 0 ? 0 : CONSUMERS.length));
  expect(await checkBackup(directory)).toEqual(partial);
});
