import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import { renderCatalogCode } from "../../../operations/catalog-code.ts";
import type { DescribedBus } from "../../../operations/describe.ts";
import { diffBus } from "../../../operations/diff.ts";
import { discoverBus } from "../../../operations/discover.ts";
import type { Catalog } from "../../../streams/catalog.ts";
import {
  consumerOperations,
  keyValueOperations,
  type Operations,
  objectStoreOperations,
  type Properties,
  streamOperations,
} from "../../../streams/operations.ts";
import { type ResolvedCatalog, resolveStreams } from "../../../streams/resolve.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const WAIT = { timeout: 15_000, interval: 50 };
const SECOND = 1_000_000_000;
const KV = { max_msgs_per_subject: 5, discard: "new", allow_rollup_hdrs: true, allow_direct: true, deny_delete: true, num_replicas: 3 };

/** Streams as other tools make them, by the raw API. */
const STREAMS: Record<string, unknown>[] = [
  {
    name: "ORDERS",
    subjects: ["orders.>"],
    max_age: 7 * 86_400 * SECOND,
    max_bytes: 1_048_576,
    num_replicas: 3,
    metadata: { team: "shop" },
  },
  {
    name: "EVENTS",
    subjects: ["events.*.a", "events.*.b"],
    retention: "interest",
    description: 'Events\n*/ `of` "all"',
    compression: "s2",
  },
  { name: "WORK", subjects: ["work"], retention: "workqueue", storage: "memory", discard: "new", max_msgs: 100 },
  { name: "COPY", mirror: { name: "ORDERS", filter_subject: "orders.eu" }, mirror_direct: true },
  { name: "ALL", sources: [{ name: "ORDERS", filter_subject: "orders.us" }, { name: "EVENTS" }], republish: { src: "", dest: "again.>" } },
  { name: "MARKED", allow_msg_ttl: true, subject_delete_marker_ttl: 5 * SECOND, max_age: 60 * SECOND, first_seq: 100 },
  { name: "KV_go", subjects: ["$KV.go.>"], ...KV },
  { name: "KV_plain", subjects: ["$KV.plain.>"], ...KV, deny_delete: false, max_age: 3_600 * SECOND },
  { name: "OBJ_files", subjects: ["$O.files.C.>", "$O.files.M.>"], discard: "new", allow_rollup_hdrs: true, allow_direct: true },
  { name: "SPLIT", subjects: ["split"], max_age: 100 * 1_000_000 + 1 },
];
const CONSUMERS: [stream: string, config: Record<string, unknown>][] = [
  [
    "ORDERS",
    { durable_name: "billing", ack_policy: "explicit", filter_subject: "orders.eu", backoff: [SECOND, 5 * SECOND], max_deliver: 4 },
  ],
  ["ORDERS", { durable_name: "lost", ack_policy: "none", deliver_policy: "by_start_time", opt_start_time: "2026-01-02T03:04:05.5+01:00" }],
  [
    "EVENTS",
    {
      durable_name: "push-er",
      ack_policy: "all",
      deliver_subject: "push.here",
      flow_control: true,
      idle_heartbeat: SECOND,
    },
  ],
  ["EVENTS", { name: "passing", ack_policy: "none", inactive_threshold: 60 * SECOND }],
];

let cluster: TestCluster;
let nats: NatsConnection;
let connection: ConnectionSpec;

async function raw(subject: string, body: unknown = {}): Promise<Record<string, unknown>> {
  const answer = await nats.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 5_000 });
  const document = answer.json<Record<string, unknown>>();
  expect(document["error"], subject).toBeUndefined();
  return document;
}

beforeAll(async () => {
  cluster = await startCluster();
  connection = { servers: cluster.urls };
  nats = await openConnection(connection);
  for (const config of STREAMS) await raw(`STREAM.CREATE.${config["name"]}`, config);
  for (const [stream, config] of CONSUMERS) {
    const name = config["durable_name"] ?? config["name"];
    await raw(`CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config: { ...config, name } });
  }
  for (const subject of ["orders.eu", "orders.us", "events.1.a", "work", "MARKED", "$KV.go.k", "$KV.plain.k", "$O.files.C.x"])
    for (let index = 0; index < 3; index++) await nats.request(subject, `${index}`, { timeout: 5_000 });
  const pulled = await nats.request("$JS.API.CONSUMER.MSG.NEXT.ORDERS.billing", "1", { timeout: 3_000, noMux: true, reply: createInbox() });
  await nats.request(pulled.reply ?? "", "+ACK", { timeout: 3_000 });
  await raw("STREAM.UPDATE.WORK", { ...STREAMS[2], sealed: true });
  await vi.waitFor(async () => {
    const { ALL, COPY } = await held();
    expect([ALL?.state, COPY?.state]).toMatchObject([{ messages: 6 }, { messages: 3 }]);
  }, WAIT);
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

type Held = Record<string, { state: unknown; created: unknown; config: Record<string, unknown>; consumers: unknown }>;

/** Every stream with its state and the positions of its durable consumers; markers and the server's own metadata left out. */
async function held(): Promise<Held> {
  const { streams } = (await raw("STREAM.LIST")) as { streams: { config: Record<string, unknown>; state: unknown; created: unknown }[] };
  const entries = streams.map(async ({ config, state, created }) => {
    const { consumers } = (await raw(`CONSUMER.LIST.${config["name"]}`)) as { consumers: Record<string, unknown>[] };
    const own = consumers.map((one) => [one["name"], one["created"], one["ack_floor"], one["num_pending"], plain(one["config"] as Config)]);
    return [String(config["name"]), { state, created, config: plain(config), consumers: own.sort() }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

type Config = Record<string, unknown>;

/** One spelling of what a server writes in several. */
function plain({ metadata, filter_subject, opt_start_time, ...config }: Config): Config {
  const labels = Object.entries((metadata ?? {}) as Record<string, string>).filter(([key]) => !/^(_nats\.|natsbus\.)/.test(key));
  const spelled = {
    ...(filter_subject === undefined ? {} : { filter_subjects: [filter_subject] }),
    ...(opt_start_time === undefined ? {} : { opt_start_time: Date.parse(String(opt_start_time)) }),
  };
  return { ...config, ...spelled, metadata: Object.fromEntries(labels) };
}

/** Loads the text as Node loads the catalogue, and completes it as the program does. */
async function load(described: DescribedBus, file: string): Promise<ResolvedCatalog> {
  const path = join(cluster.folder, file);
  await writeFile(path, renderCatalogCode(described, "nats://here */ process.exit()"));
  const { imported } = (await import(pathToFileURL(path).href)) as { imported: Catalog };
  expect(imported).toEqual({ streams: described.streams, keyValue: described.keyValue, objectStores: described.objectStores });
  const { specs, problems } = resolveStreams(imported, { streams: {}, keyValue: {}, objectStores: {} }, { servers: 3 });
  expect(problems).toEqual([]);
  return specs;
}

/** What `up` does with a resource that the state does not know, then what the next `up` does with it. */
async function adopt(operations: Operations, args: object, owner: string): Promise<boolean> {
  const inputs: Properties = { ...args, connection, owner };
  expect((await operations.check({}, inputs)).failures).toEqual([]);
  const { id, outs } = await operations.create(inputs);
  return (await operations.diff(id, outs, inputs)).changes;
}

async function adoptAll({ streams, consumers, keyValue, objectStores }: ResolvedCatalog): Promise<boolean[]> {
  const again: boolean[] = [];
  for (const { args } of streams) again.push(await adopt(streamOperations, args, `p/s/bus-${args.name}`));
  for (const { args } of consumers) again.push(await adopt(consumerOperations, args, `p/s/bus-${args.stream}-${args.name}`));
  for (const { args } of keyValue) again.push(await adopt(keyValueOperations, args, `p/s/bus-kv-${args.bucket}`));
  for (const { args } of objectStores) again.push(await adopt(objectStoreOperations, args, `p/s/bus-objects-${args.bucket}`));
  return again;
}

describe("a cluster that other tools made", () => {
  test("is written with the fewest settings; what cannot be written exactly is left out and named", async () => {
    const described = await discoverBus(connection);
    expect(described.streams["ORDERS"]).toEqual({
      subjects: ["orders.>"],
      maxBytes: "1MiB",
      maxAge: "7d",
      replicas: 3,
      metadata: { team: "shop" },
      adoptionPolicy: "adopt",
      consumers: {
        billing: { filterSubjects: ["orders.eu"], maxDeliver: 4, backoff: ["1s", "5s"], adoptionPolicy: "adopt" },
        lost: {
          deliverPolicy: "by_start_time",
          optStartTime: "2026-01-02T02:04:05.500Z",
          ackPolicy: "none",
          ackWait: "0",
          adoptionPolicy: "adopt",
        },
      },
    });
    expect(described.streams["WORK"]).toEqual({
      subjects: ["work"],
      retention: "workqueue",
      maxMsgs: 100,
      storage: "memory",
      replicas: 1,
      sealed: true,
      adoptionPolicy: "adopt",
    });
    expect(described.streams["COPY"]).toEqual({
      replicas: 1,
      mirror: { name: "ORDERS", filterSubject: "orders.eu" },
      adoptionPolicy: "adopt",
    });
    expect(described.keyValue).toEqual({ go: { history: 5, replicas: 3, adoptionPolicy: "adopt" } });
    expect(described.objectStores).toEqual({ files: { replicas: 1, adoptionPolicy: "adopt" } });
    expect(Object.keys(described.streams)).toEqual(["ALL", "COPY", "EVENTS", "KV_plain", "MARKED", "ORDERS", "WORK"]);
    expect(Object.keys(described.streams["EVENTS"]?.["consumers"] as object)).toEqual(["push-er"]);
    expect(described.notes).toEqual([
      { noun: "key-value bucket", name: "plain", text: expect.stringMatching(/stream KV_plain.*denyDelete false → true/), leftOut: false },
      { noun: "stream", name: "SPLIT", text: expect.stringContaining("100.000001"), leftOut: true },
    ]);
  });

  test("is taken over without touching a message, a setting or a position, and then nothing differs", async () => {
    const before = await held();
    const declared = await load(await discoverBus(connection), "discovered.ts");
    const request = { bus: { streams: declared, spec: { project: "p", stack: "s" } }, connection };
    const { differences } = await diffBus(request);
    expect(new Set(differences.map(({ step, fields }) => `${step} ${fields.length}`))).toEqual(new Set(["adopt 0", "leave 0"]));
    expect(await adoptAll(declared)).toEqual(Array.from({ length: 12 }, () => false));
    expect(await held()).toEqual(before);
    const after = await diffBus(request);
    expect(after.equal).toBe(12);
    expect(after.differences.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["extra SPLIT"]);
  });

  test("found again, it is described the same, and its owner is named", async () => {
    const described = await discoverBus(connection);
    expect(described.notes.filter(({ text }) => text.includes("belongs to p/s/bus-"))).toHaveLength(12);
    const declared = await load(described, "again.ts");
    const { equal } = await diffBus({ bus: { streams: declared, spec: { project: "p", stack: "s" } }, connection });
    expect(equal).toBe(12);
  });
});
