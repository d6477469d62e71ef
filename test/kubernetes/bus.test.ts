import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kubernetesSet } from "../../components/rollout/cluster-api.ts";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { type BusUnderTest, NAMESPACE, prepareBus, SERVERS } from "./bus.ts";
import { startPublisher } from "./publisher.ts";
import { playResizer } from "./resizer.ts";

const STREAM = "CONSCIOUSNESS";
const SUBJECT = "consciousness.normal.test";
const LONGEST_GAP_MS = 1_000;
const KUBERNETES = {
  namespace: NAMESPACE,
  preset: "small",
  scheduling: { antiAffinity: "none" },
  storage: { className: "growing", size: "640MiB" },
  exporter: { enabled: false },
};

// One bus through its whole life; each test goes on where the one before ended.
describe("a bus on real pods", () => {
  let bus: BusUnderTest;
  let sent = 0;

  const open = (user: string): Promise<NatsConnection> => openConnection(bus.connection(user));
  const stored = async () => (await (await jetstreamManager(await open("admin"))).streams.info(STREAM)).state.messages;

  beforeAll(async () => {
    bus = await prepareBus({
      "natsbus:kubernetes": KUBERNETES,
      "natsbus:jetstream": { maxMemory: "64MiB", maxStorage: "512MB" },
      "natsbus:lameDuck": { duration: "30s", gracePeriod: "500ms" },
    });
  });

  afterAll(async () => {
    await closeConnections();
    await bus[Symbol.asyncDispose]();
  });

  test("is rendered, applied, ready, and gets its contents through a port-forward", async () => {
    await bus.apply();
    await bus.up();
    expect(Object.keys(await bus.instances()).toSorted()).toEqual(SERVERS);
    const names = await (await jetstreamManager(await open("admin"))).streams.names().next();
    expect(names).toContain(STREAM);
    const again = await bus.up();
    expect(again).toMatch(/unchanged/);
  });

  test("carries messages of a role user over TLS, and nothing that is not its business", async () => {
    const connection = await open("consciousness");
    expect(connection.info?.tls_required).toBe(true);
    const ack = await jetstream(connection).publish(SUBJECT, "first");
    sent += 1;
    expect(ack.stream).toBe(STREAM);
    const consumer = await jetstream(connection).consumers.get(STREAM, "consciousness-worker");
    const message = await consumer.next({ expires: 10_000 });
    expect(message?.string()).toBe("first");
    message?.ack();
    await expect(jetstream(connection).publish("security.normal.test", "no", { timeout: 2_000 })).rejects.toThrow();
  });

  test("loses nothing when a pod is deleted", async () => {
    for (let index = 0; index < 100; index += 1) await jetstream(await open("consciousness")).publish(SUBJECT, String(index));
    sent += 100;
    const before = await bus.instances();
    await bus.core.deleteNamespacedPod({ namespace: NAMESPACE, name: "nats-1", gracePeriodSeconds: 1 });
    await expect.poll(async () => (await bus.instances())["nats-1"] ?? before["nats-1"], { timeout: 60_000 }).not.toBe(before["nats-1"]);
    await bus.up();
    expect(await stored()).toBe(sent);
  });

  test("takes a new limit over without a restart", async () => {
    const before = await bus.instances();
    bus.project.configure({ "natsbus:limits": { maxConnections: 65536, maxPayload: "2MiB" } });
    await bus.apply();
    expect(await bus.up()).toContain("reload");
    expect(await bus.instances()).toEqual(before);
    await closeConnections();
    expect((await open("admin")).info?.max_payload).toBe(2 * 1024 * 1024);
  });

  test("restarts one server at a time under a steady publisher, which loses no acknowledged message and never waits a second", async () => {
    const before = await bus.instances();
    const publisher = await startPublisher(bus.connection("consciousness"), SUBJECT);
    bus.project.configure({ "natsbus:jetstream": { maxMemory: "48MiB", maxStorage: "512MB" } });
    await bus.apply();
    const rollout = await kubernetesSet({ access: {}, namespace: NAMESPACE, set: "nats" });
    await rollout.request("paused");
    let pausedFor: string | undefined;
    const said = await bus.up({
      onStderr: (text) => {
        if (pausedFor !== undefined || !text.includes("the rollout is paused")) return;
        pausedFor = text;
        void rollout.request(undefined);
      },
    });
    expect(pausedFor).not.toContain("to go)");
    const { acknowledged, longestGapMs } = await publisher.stop();
    sent += acknowledged.length;
    const after = await bus.instances();
    expect(SERVERS.filter((name) => after[name] === before[name])).toEqual([]);
    expect(said).toContain("restart (3 to go)");
    expect(await publisher.missing(await open("admin"), STREAM)).toEqual([]);
    process.stdout.write(`rolling restart: ${acknowledged.length} messages acknowledged, longest gap ${Math.round(longestGapMs)} ms\n`);
    expect(longestGapMs).toBeLessThan(LONGEST_GAP_MS);
  });

  test("does not grow volumes whose storage class forbids it, and grows them online where it allows it", async () => {
    const before = await bus.instances();
    const allow = (allowVolumeExpansion: boolean) =>
      bus.storage.replaceStorageClass({ name: "growing", body: { ...CLASS, allowVolumeExpansion } });
    await allow(false);
    bus.project.configure({
      "natsbus:kubernetes": { ...KUBERNETES, storage: { className: "growing", size: "900MiB" } },
      "natsbus:jetstream": { maxMemory: "48MiB", maxStorage: "700MB" },
    });
    await bus.apply();
    const refused = await bus.tryUp();
    expect(refused.code).not.toBe(0);
    expect(refused.stderr + refused.stdout).toContain("ERR_STORAGE_CLASS");
    await allow(true);
    await using _resizer = playResizer(bus.core, NAMESPACE);
    await bus.up();
    const { items } = await bus.core.listNamespacedPersistentVolumeClaim({ namespace: NAMESPACE });
    expect(items.map(({ spec }) => spec?.resources?.requests?.["storage"])).toEqual(SERVERS.map(() => String(900 * 1024 * 1024)));
    expect(await bus.instances()).toEqual(before);
  });

  test("renews certificates while clients stay connected", async () => {
    const connection = await open("consciousness");
    let disconnected = 0;
    void (async () => {
      for await (const { type } of connection.status()) if (type === "disconnect") disconnected += 1;
    })();
    const before = await bus.instances();
    const old = await bus.core.readNamespacedSecret({ namespace: NAMESPACE, name: "nats-tls" });
    bus.project.configure({ "natsbus:tls": { hosts: ["nats.example.com"] } });
    await bus.apply();
    await bus.up();
    const renewed = await bus.core.readNamespacedSecret({ namespace: NAMESPACE, name: "nats-tls" });
    expect(Object.keys(renewed.data ?? {})).not.toEqual(Object.keys(old.data ?? {}));
    expect(await bus.instances()).toEqual(before);
    await connection.flush();
    expect(disconnected).toBe(0);
    await closeConnections();
    // The new name is verified only by a new certificate.
    const fresh = await openConnection({ ...bus.connection("consciousness"), serverName: "nats.example.com" });
    await fresh.flush();
  });

  test("is destroyed: the state is emptied, the objects go with their files, and only the volumes stay", async () => {
    await closeConnections();
    const destroyed = await bus.project.natsbus(["destroy", "--stack", "dev", "--yes"], { timeoutMs: 120_000 });
    expect(destroyed.code, destroyed.stderr).toBe(0);
    // What somebody else applied is not natsbus's to delete.
    expect(Object.keys(await bus.instances()).toSorted()).toEqual(SERVERS);
    await bus.remove();
    await expect.poll(async () => Object.keys(await bus.instances()), { timeout: 120_000, interval: 1_000 }).toEqual([]);
    const { items } = await bus.core.listNamespacedPersistentVolumeClaim({ namespace: NAMESPACE });
    expect(items).toHaveLength(SERVERS.length);
  });
});

const CLASS = {
  metadata: { name: "growing" },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
};
