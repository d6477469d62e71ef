import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { type BusUnderTest, NAMESPACE, prepareBus, SERVERS } from "./bus.ts";
import { findSecrets, listObjects, readLogs, secretsOf } from "./inventory.ts";
import { startPublisher } from "./publisher.ts";
import { playResizer } from "./resizer.ts";
import { setSchedulable } from "./scheduling.ts";
import { ensureGrowingClass, GROWING } from "./storage-class.ts";
import { watchPods } from "./watch.ts";

const STREAM = "CONSCIOUSNESS";
const SUBJECT = "consciousness.normal.test";
const LONGEST_GAP_MS = 1_000;
// Five servers must fit on a node of two cores.
const LIMITS = { maxConnections: 65536, cpu: 0.39 };
const MOST_SERVERS = [...SERVERS, "nats-3", "nats-4"];
const KUBERNETES = {
  namespace: NAMESPACE,
  preset: "small",
  scheduling: { antiAffinity: "none" },
  storage: { className: GROWING, size: "640MiB" },
  exporter: { enabled: false },
};
// A change of the pods' template, which no reload brings.
const RELABELLED = { ...KUBERNETES, podLabels: { round: "two" } };

// One bus through its whole life; each test goes on where the one before ended.
describe("a bus on real pods", () => {
  let bus: BusUnderTest;
  let sent = 0;
  /** Every seed and key there was, also those that were replaced since. */
  const secrets = new Set<string>();

  const open = (user: string): Promise<NatsConnection> => openConnection(bus.connection(user));
  const stored = async () => (await (await jetstreamManager(await open("admin"))).streams.info(STREAM)).state.messages;

  beforeAll(async () => {
    bus = await prepareBus({
      "natsbus:kubernetes": KUBERNETES,
      "natsbus:jetstream": { maxMemory: "64MiB", maxStorage: "512MB" },
      "natsbus:lameDuck": { duration: "30s", gracePeriod: "500ms" },
      "natsbus:limits": LIMITS,
    });
    await ensureGrowingClass(bus.storage);
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
    for (const secret of secretsOf(await listObjects(bus.kubeconfig, NAMESPACE))) secrets.add(secret);
    for (const secret of readFolder(bus.project.path(".natsbus", "dev", "creds")).flatMap(findSecrets)) secrets.add(secret);
    expect(secrets.size).toBeGreaterThan(SERVERS.length);
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

  test("is reached by the verbs of the command line through the port-forward", async () => {
    const receipt = JSON.parse(await bus.natsbus(["publish", SUBJECT, "by hand", "--user", "consciousness", "--json"]));
    sent += 1;
    expect(receipt).toMatchObject({ stream: STREAM, sequence: sent });
    const read = JSON.parse(await bus.natsbus(["read", STREAM, "--count", "1", "--json"]));
    expect(read).toMatchObject({ payload: "by hand", sequence: sent });
    const status = JSON.parse(await bus.natsbus(["status", "--json"]));
    expect(status).toMatchObject({ problems: [], servers: SERVERS.map((name) => ({ name, alive: true })) });
    expect(status.streams.map(({ name }: { readonly name: string }) => name)).toContain(STREAM);
    await bus.natsbus(["diff"]);
  });

  test("is proven by the acceptance suite over the port-forward", async () => {
    const sections = ["connection", "jetstream", "security"];
    const report = JSON.parse(await bus.natsbus(["verify", "--quick", "--json", "--section", sections.join()]));
    expect(report.accepted).toBe(true);
    expect(report.sections.map(({ name }: { readonly name: string }) => name)).toEqual(sections);
    expect(report.counts.passed).toBeGreaterThan(10);
  });

  test("keeps one connection for everybody, which follows its pod's restart to another one and trusts no other name", async () => {
    const connection = await open("admin");
    expect(await open("admin")).toBe(connection);
    const first = connection.info?.server_name ?? "";
    expect(SERVERS).toContain(first);
    await bus.core.deleteNamespacedPod({ namespace: NAMESPACE, name: first, gracePeriodSeconds: 1 });
    await expect.poll(() => connection.info?.server_name, { timeout: 30_000 }).not.toBe(first);
    expect(await open("admin")).toBe(connection);
    expect(connection.isClosed()).toBe(false);
    await expect.poll(stored, { timeout: 30_000 }).toBe(sent);
    await expect(openConnection({ ...bus.connection("admin"), servers: ["tls://other.example.com:4222"] })).rejects.toMatchObject({
      code: "ERR_CONNECT_TLS",
    });
    await bus.up();
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

  test("loses nothing when every server dies at once, as with a lost node", async () => {
    const before = await bus.instances();
    // Not 0: a pod deleted by force is made anew while its server still runs, and two servers on one volume ruin it.
    for (const name of SERVERS) await bus.core.deleteNamespacedPod({ namespace: NAMESPACE, name, gracePeriodSeconds: 1 });
    const renewed = async () => {
      const after = await bus.instances();
      return SERVERS.filter((name) => after[name] !== undefined && after[name] !== before[name]);
    };
    await expect.poll(renewed, { timeout: 60_000 }).toEqual(SERVERS);
    await closeConnections();
    await expect.poll(stored, { timeout: 60_000 }).toBe(sent);
    await bus.up();
  });

  test("refuses fewer servers and other versions as a changed setting, in words, and does not touch anything", async () => {
    const before = await bus.instances();
    const refused = async (settings: Readonly<Record<string, unknown>>, verb: readonly string[] = ["up", "--contents-only", "--yes"]) => {
      bus.project.configure(settings);
      const { code, stdout, stderr } = await bus.project.natsbus([...verb, "--stack", "dev"]);
      expect(code, stdout).not.toBe(0);
      return stdout + stderr;
    };
    const fewer = await refused({ "natsbus:cluster": { servers: 2 } });
    expect(fewer).toContain("ERR_SCALE_DOWN");
    expect(fewer).toContain("natsbus scale 2");
    expect(await refused({ "natsbus:cluster": undefined }, ["scale", "2", "--yes"])).toContain("at least 3 must stay");
    expect(await refused({ "natsbus:cluster": { version: "2.14.3" } })).toContain("ERR_VERSION_STEP");
    // An older patch release is a question of what the streams in use need, and the cluster answers it.
    bus.project.configure({ "natsbus:cluster": { version: "2.15.0" } });
    expect(await bus.natsbus(["preview", "--contents-only"])).not.toContain("ERR_VERSION_STEP");
    bus.project.configure({ "natsbus:cluster": undefined });
    expect(await bus.instances()).toEqual(before);
  });

  test("takes a new limit over without a restart", async () => {
    const before = await bus.instances();
    bus.project.configure({ "natsbus:limits": { ...LIMITS, maxPayload: "2MiB" } });
    await bus.apply();
    expect(await bus.up()).toContain("reload");
    expect(await bus.instances()).toEqual(before);
    await closeConnections();
    expect((await open("admin")).info?.max_payload).toBe(2 * 1024 * 1024);
  });

  test("restarts one server at a time under a steady publisher, which loses no acknowledged message and never waits a second", async () => {
    const before = await bus.instances();
    const { metaLeader } = JSON.parse(await bus.natsbus(["status", "--json"]));
    const publisher = await startPublisher(bus.connection("consciousness"), SUBJECT);
    const watch = watchPods(bus.core, NAMESPACE);
    bus.project.configure({ "natsbus:jetstream": { maxMemory: "48MiB", maxStorage: "512MB" } });
    await bus.apply();
    const said = await bus.up();
    const { order, fewest } = await watch.stop();
    const { acknowledged, longestGapMs } = await publisher.stop();
    sent += acknowledged.length;
    const after = await bus.instances();
    expect(SERVERS.filter((name) => after[name] === before[name])).toEqual([]);
    expect(said).toContain("restart (3 to go)");
    expect(fewest).toBe(SERVERS.length - 1);
    expect(order).toHaveLength(SERVERS.length);
    expect(order.at(-1)).toBe(metaLeader);
    expect(await publisher.missing(await open("admin"), STREAM)).toEqual([]);
    process.stdout.write(`rolling restart: ${acknowledged.length} messages acknowledged, longest gap ${Math.round(longestGapMs)} ms\n`);
    expect(longestGapMs).toBeLessThan(LONGEST_GAP_MS);
  });

  test("says what blocks a restart, waits while it is paused, stops when it is aborted, and goes on afterwards", async () => {
    const before = await bus.instances();
    bus.project.configure({ "natsbus:kubernetes": RELABELLED });
    await bus.apply();
    expect(await bus.natsbus(["rollout"], 1)).toMatch(/nats-0: ready, older template/);
    // No node takes the first new pod: its server is held back.
    await setSchedulable(bus.core, false);
    const acts: [said: RegExp, act: () => Promise<unknown>][] = [
      [/nats-\d: Unschedulable/, () => bus.natsbus(["rollout", "pause"], 1).finally(() => setSchedulable(bus.core, true))],
      [/the rollout is paused/, () => bus.natsbus(["rollout", "abort"], 1)],
    ];
    const done: Promise<unknown>[] = [];
    const aborted = await bus
      .tryUp({
        onStderr: (text) => {
          const [next] = acts;
          if (next?.[0].test(text) === true && acts.shift() !== undefined) done.push(next[1]());
        },
      })
      .finally(() => setSchedulable(bus.core, true));
    await Promise.all(done);
    expect(aborted.code).not.toBe(0);
    expect(aborted.stdout + aborted.stderr).toContain("the rollout was aborted");
    expect(acts).toEqual([]);
    const halfway = await bus.instances();
    expect(SERVERS.filter((name) => halfway[name] !== before[name])).toHaveLength(1);
    expect((await bus.natsbus(["rollout"], 1)).match(/older template/g)).toHaveLength(2);
    await bus.up();
    expect(await bus.natsbus(["rollout"])).not.toContain("older template");
    const after = await bus.instances();
    expect(SERVERS.filter((name) => after[name] === before[name])).toEqual([]);
    expect(await stored()).toBe(sent);
  });

  test("does not grow volumes whose storage class forbids it, and grows them online where it allows it", async () => {
    const before = await bus.instances();
    const allow = async (allowVolumeExpansion: boolean) => {
      const body = await bus.storage.readStorageClass({ name: GROWING });
      await bus.storage.replaceStorageClass({ name: GROWING, body: { ...body, allowVolumeExpansion } });
    };
    await allow(false);
    bus.project.configure({
      "natsbus:kubernetes": { ...RELABELLED, storage: { className: GROWING, size: "900MiB" } },
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

  test("gets more servers with streams on them, and gives them up again with every message kept", async () => {
    const before = await bus.instances();
    await bus.natsbus(["scale", String(MOST_SERVERS.length), "--yes"]);
    await bus.apply();
    await bus.up();
    await bus.natsbus(["scale", "--spread", "--yes"]);
    const { servers, problems } = JSON.parse(await bus.natsbus(["status", "--json"]));
    expect(problems).toEqual([]);
    expect(servers.map(({ name }: { readonly name: string }) => name)).toEqual(MOST_SERVERS);
    expect(servers.filter(({ streams }: { readonly streams: number }) => streams === 0)).toEqual([]);
    expect(await stored()).toBe(sent);
    const publisher = await startPublisher(bus.connection("consciousness"), SUBJECT);
    await bus.natsbus(["scale", String(SERVERS.length), "--yes", "--delete-volumes"]);
    const { acknowledged, longestGapMs } = await publisher.stop();
    sent += acknowledged.length;
    expect(await publisher.missing(await open("admin"), STREAM)).toEqual([]);
    process.stdout.write(
      `${MOST_SERVERS.length} servers become ${SERVERS.length}: ${acknowledged.length} messages acknowledged, longest gap ${Math.round(longestGapMs)} ms\n`,
    );
    expect(await stored()).toBe(sent);
    expect(await bus.instances()).toEqual(before);
    await bus.apply();
    await bus.up();
    expect(await bus.instances()).toEqual(before);
  });

  test("shows its secrets nowhere: not in other objects, events, logs, output, rendered files or the state", async () => {
    const objects = await listObjects(bus.kubeconfig, NAMESPACE);
    for (const secret of secretsOf(objects)) secrets.add(secret);
    const others = [...objects].filter(([key]) => !key.startsWith("Secret/")).map(([key, object]) => `${key} ${JSON.stringify(object)}`);
    const files = readFolder(bus.project.path("manifests")).filter((text) => !/^kind: Secret$/m.test(text));
    const state = readFolder(bus.project.path(".natsbus", "state"));
    const texts = [...others, ...(await readLogs(bus.core, NAMESPACE)), bus.transcript(), ...files, ...state];
    expect(texts.length).toBeGreaterThan(20);
    for (const text of texts) {
      expect(findSecrets(text)).toEqual([]);
      expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
    }
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
    const left = [...(await listObjects(bus.kubeconfig, NAMESPACE)).keys()].filter((key) => !key.startsWith("Event/"));
    expect(left.sort()).toEqual(SERVERS.map((name) => `PersistentVolumeClaim/nats-js-${name}`));
  });
});

function readFolder(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
}
