import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { keyValueEntryOperations, objectEntryOperations } from "../../../streams/entry-operations.ts";
import { keyValueOperations, type Operations, objectStoreOperations, type Properties } from "../../../streams/operations.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

let cluster: TestCluster;
let connection: { servers: string[] };
let id = 0;
let bucket = "";

beforeAll(async () => {
  cluster = await startCluster({ servers: 1 });
  connection = { servers: cluster.urls };
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});
beforeEach(async () => {
  bucket = `b${id++}`;
  await keyValueOperations.create({ bucket, replicas: 1, history: 5, connection, owner: "p/s/kv" });
  await objectStoreOperations.create({ bucket, replicas: 1, connection, owner: "p/s/os" });
});

const entry = (settings: object = {}): Properties => ({
  bucket,
  key: "ui.theme",
  value: "dark",
  connection,
  owner: "p/s/theme",
  ...settings,
});
const object = (settings: object = {}): Properties => ({
  bucket,
  name: "logo.svg",
  content: "<svg/>",
  connection,
  owner: "p/s/logo",
  ...settings,
});
const kv = async () => new Kvm(jetstream(await openConnection(connection))).open(bucket);
const store = async () => new Objm(jetstream(await openConnection(connection))).open(bucket);

/** Check, then diff, then update when something differs, as an `up` does. */
async function upAgain(operations: Operations, outs: Properties, wanted: Properties) {
  const { inputs, failures } = await operations.check(outs, wanted);
  expect(failures).toEqual([]);
  const { changes } = await operations.diff("id", outs, inputs);
  return { changes, outs: changes ? (await operations.update("id", outs, inputs)).outs : outs };
}

async function make(operations: Operations, wanted: Properties) {
  const { inputs, failures } = await operations.check({}, wanted);
  expect(failures).toEqual([]);
  return await operations.create(inputs);
}

test("an entry is written as every client reads it, changed, repaired, and deleted when that is named", async () => {
  const { outs, id: made } = await make(keyValueEntryOperations, entry());
  expect(made).toBe(`${bucket}/ui.theme`);
  expect((await (await kv()).get("ui.theme"))?.string()).toBe("dark");
  expect((await upAgain(keyValueEntryOperations, outs, entry())).changes).toBe(false);
  const light = await upAgain(keyValueEntryOperations, outs, entry({ value: "light", deletionPolicy: "delete" }));
  await (await kv()).put("ui.theme", "by hand");
  const { props } = await keyValueEntryOperations.read(made, light.outs);
  expect(props).toMatchObject({ value: "by hand" });
  await upAgain(keyValueEntryOperations, props, entry({ value: "light", deletionPolicy: "delete" }));
  expect((await (await kv()).get("ui.theme"))?.string()).toBe("light");
  const history: string[] = [];
  for await (const one of await (await kv()).history({ key: "ui.theme" })) history.push(one.string());
  expect(history).toEqual(["dark", "light", "by hand", "light"]);
  await keyValueEntryOperations.delete(made, light.outs);
  expect((await (await kv()).get("ui.theme"))?.operation).toBe("DEL");
  expect(await keyValueEntryOperations.read(made, light.outs)).toEqual({ id: "", props: {} });
  await keyValueEntryOperations.delete(made, light.outs);
  await make(keyValueEntryOperations, entry());
  expect((await (await kv()).get("ui.theme"))?.string()).toBe("dark");
});

test("an entry that somebody else wrote is not written over unless named; one with the same value is taken as it is", async () => {
  await (await kv()).put("ui.theme", "theirs");
  await expect(make(keyValueEntryOperations, entry())).rejects.toThrow("ERR_STREAM_FOREIGN");
  expect((await (await kv()).get("ui.theme"))?.string()).toBe("theirs");
  await make(keyValueEntryOperations, entry({ value: "theirs" }));
  await make(keyValueEntryOperations, entry({ adoptionPolicy: "adopt" }));
  expect((await (await kv()).get("ui.theme"))?.string()).toBe("dark");
});

test("an object from a text, and from a file, is read by every client; only another content is written", async () => {
  const folder = await mkdtemp(join(tmpdir(), "natsbus-object-"));
  const { outs, id: made } = await make(objectEntryOperations, object());
  const info = await (await store()).info("logo.svg");
  expect(info).toMatchObject({ size: 6, digest: outs["digest"] });
  expect((await upAgain(objectEntryOperations, outs, object())).changes).toBe(false);
  const file = join(folder, "logo.svg");
  await writeFile(file, Buffer.alloc(300_000, "x"));
  const big = await upAgain(objectEntryOperations, outs, object({ content: undefined, file, deletionPolicy: "delete" }));
  expect(big.changes).toBe(true);
  expect((await (await store()).info("logo.svg"))?.size).toBe(300_000);
  expect(JSON.stringify(big.outs).length).toBeLessThan(1_000);
  await writeFile(file, "short");
  const short = await upAgain(objectEntryOperations, big.outs, object({ content: undefined, file, deletionPolicy: "delete" }));
  expect(short.changes).toBe(true);
  expect((await objectEntryOperations.read(made, short.outs)).props).toEqual(short.outs);
  await objectEntryOperations.delete(made, short.outs);
  expect(await objectEntryOperations.read(made, short.outs)).toEqual({ id: "", props: {} });
  await rm(folder, { recursive: true });
});

test("mistakes are told in the preview, and a missing bucket by its own code", async () => {
  const failures = async (operations: Operations, inputs: Properties) =>
    (await operations.check({}, inputs)).failures.map(({ property }) => property);
  expect(await failures(keyValueEntryOperations, entry({ key: ".a b", value: 1 }))).toEqual(["key", "value"]);
  expect(await failures(objectEntryOperations, object({ name: "", file: "x", deletionPolicy: "never" }))).toEqual([
    "name",
    "content",
    "deletionPolicy",
  ]);
  await expect(keyValueEntryOperations.create(entry({ bucket: "nowhere" }))).rejects.toThrow("ERR_STREAM_MISSING");
  await expect(make(objectEntryOperations, object({ bucket: "nowhere" }))).rejects.toThrow("ERR_STREAM_MISSING");
});
