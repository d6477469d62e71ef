import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AckPolicy, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineSubject, MessageBus, route } from "../../../client/index.ts";
import { type BusIdentity, startBusIdentity } from "../../support/bus-identity.ts";

const alert = defineSubject("security.*.alert", z.object({ host: z.string(), count: z.number().int().default(1) }), { version: 3 });

let identity: BusIdentity;
let project: string;
beforeAll(async () => {
  identity = await startBusIdentity();
  await using admin = await MessageBus.connect(identity.connectionOf("admin"));
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.add({ name: "SECURITY", subjects: ["security.>"], storage: StorageType.Memory, num_replicas: 3 });
  project = await writeStack();
});
afterAll(async () => {
  await rm(project, { recursive: true, force: true });
  await identity[Symbol.asyncDispose]();
});

/** The files a provisioned stack leaves for its clients. */
async function writeStack(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "natsbus-client-"));
  const stack = join(folder, ".natsbus/dev");
  await mkdir(join(stack, "creds"), { recursive: true });
  for (const [index, clientUrl] of identity.system.servers.entries()) {
    await mkdir(join(stack, `n${index + 1}`));
    await writeFile(join(stack, `n${index + 1}`, "natsbus.json"), JSON.stringify({ cluster: "test", clientUrl }));
  }
  await writeFile(join(stack, "ca.pem"), identity.system.ca ?? "");
  for (const user of ["admin", "security", "performance"])
    await writeFile(join(stack, `creds/${user}.creds`), identity.connectionOf(user).creds ?? "");
  return folder;
}

describe("connecting to a stack", () => {
  it("takes servers, authority and the user's credentials from the project's files, and publishes with the user's rights", async () => {
    await using bus = await MessageBus.connect({ stack: "dev", user: "security", project });
    const receipt = await bus.publish(alert, { host: "n1" }, { priority: "critical", id: "first" });
    expect(receipt).toMatchObject({ subject: "security.critical.alert", stream: "SECURITY", duplicate: false, id: "first", attempts: 1 });
  });

  it("names what is missing", async () => {
    const missing = (args: { stack: string; user?: string; project?: string }) => MessageBus.connect(args);
    await expect(missing({ stack: "prod", project })).rejects.toMatchObject({ code: "ERR_CLIENT_STACK" });
    await expect(missing({ stack: "dev", user: "nobody", project })).rejects.toMatchObject({
      code: "ERR_CLIENT_STACK",
      remedy: "it has admin, performance, security",
    });
    await expect(missing({ stack: "../dev", project })).rejects.toMatchObject({ code: "ERR_CLIENT_STACK" });
  });
});

describe("a user with the shipped rights and no more", () => {
  it("consumes its family's worker and buries what it cannot read, but may not use another family's", async () => {
    await using admin = await MessageBus.connect({ stack: "dev", project });
    const manager = await jetstreamManager(admin.connection);
    const config = { durable_name: "security-worker", ack_policy: AckPolicy.Explicit, filter_subject: "security.high.>" };
    await manager.consumers.add("SECURITY", config);
    await admin.connection.request("security.high.alert", "nonsense", { timeout: 2_000 });
    await admin.publish(alert, { host: "n2" }, { priority: "high" });
    await using bus = await MessageBus.connect({ stack: "dev", user: "security", project });
    const hosts: string[] = [];
    const routes = [route(alert, ({ value }) => void hosts.push(value.host))];
    await using _worker = await bus.consume({ stream: "SECURITY", consumer: "security-worker", routes });
    await expect.poll(async () => (await manager.consumers.info("SECURITY", "security-worker")).ack_floor.consumer_seq).toBe(2);
    expect(hosts).toEqual(["n2"]);
    expect(bus.metrics().consume).toMatchObject({ deadLettered: 1, acknowledged: 1 });
    await using other = await MessageBus.connect({ stack: "dev", user: "performance", project });
    await expect(other.consume({ stream: "SECURITY", consumer: "security-worker", routes })).rejects.toMatchObject({
      code: "ERR_CLIENT_CONSUMER",
    });
    await expect(Array.fromAsync(bus.replay(alert, { stream: "SECURITY" }))).rejects.toMatchObject({ code: "ERR_CLIENT_STREAM" });
  });
});

describe("publishing", () => {
  it("stores a message once for one id, with its schema in the headers and no secret part of the value changed", async () => {
    await using bus = await MessageBus.connect(identity.connectionOf("admin"));
    const first = await bus.publish(alert, { host: "n1" }, { priority: "low", id: "twice", headers: { trace: "a-b" } });
    const second = await bus.publish(alert, { host: "n1" }, { priority: "low", id: "twice" });
    expect(second).toMatchObject({ duplicate: true, sequence: first.sequence });
    const manager = await jetstreamManager(bus.connection);
    const stored = await manager.streams.getMessage("SECURITY", { seq: first.sequence });
    expect(stored?.json()).toEqual({ host: "n1" });
    const names = ["Natsbus-Schema", "Natsbus-Schema-Version", "Content-Type", "trace", "Nats-Msg-Id"];
    expect(names.map((name) => stored?.header.get(name))).toEqual(["security.*.alert", "3", "application/json", "a-b", "twice"]);
    expect(bus.metrics().publish).toMatchObject({ confirmed: 2, duplicates: 1, failed: 0, inFlight: 0 });
  });

  it("refuses before sending what does not fit", async () => {
    await using bus = await MessageBus.connect(identity.connectionOf("admin"));
    const wrong = { host: 5 } as unknown as { host: string };
    await expect(bus.publish(alert, wrong, { priority: "low" })).rejects.toMatchObject({ code: "ERR_CLIENT_SCHEMA" });
    await expect(bus.publish(alert, { host: "x" })).rejects.toMatchObject({ code: "ERR_CLIENT_SUBJECT" });
    await expect(bus.publish(alert, { host: "x" }, { subject: "audit.low.alert" })).rejects.toMatchObject({ code: "ERR_CLIENT_SUBJECT" });
    await expect(bus.publish(alert, { host: "x".repeat(2 ** 20) }, { priority: "low" })).rejects.toMatchObject({ code: "ERR_CLIENT_SIZE" });
    const reserved = bus.publish(alert, { host: "x" }, { priority: "low", headers: { "Nats-Rollup": "all" } });
    await expect(reserved).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION" });
    expect(bus.metrics().publish).toMatchObject({ confirmed: 0, failed: 0 });
  });

  it("says when nothing stores a subject, when a user may not publish it, and when the client is closed", async () => {
    const other = defineSubject("audit.low.entry", z.object({}));
    const bus = await MessageBus.connect({ ...identity.connectionOf("admin"), publishing: { deadline: "300ms" } });
    await expect(bus.publish(other, {})).rejects.toMatchObject({ code: "ERR_CLIENT_PUBLISH" });
    await bus.close();
    await expect(bus.publish(other, {})).rejects.toMatchObject({ code: "ERR_CLIENT_CLOSED" });
    await using gitlab = await MessageBus.connect({ ...identity.connectionOf("gitlab"), publishing: { deadline: "1s" } });
    await expect(gitlab.publish(alert, { host: "x" }, { priority: "low" })).rejects.toMatchObject({ code: "ERR_CLIENT_PUBLISH" });
  });

  it("goes on over a killed server, loses nothing that was confirmed, and stores nothing twice", async () => {
    await using bus = await MessageBus.connect({
      ...identity.connectionOf("security"),
      publishing: { attemptTimeout: "500ms", maxInFlight: 16 },
    });
    const manager = async () => jetstreamManager((await adminBus).connection);
    const adminBus = MessageBus.connect({ ...identity.connectionOf("admin") });
    const before = (await (await manager()).streams.info("SECURITY")).state.messages;
    const victim = identity.cluster.nodes.find((node) => bus.connection.getServer().endsWith(String(node.port)));
    const publishes = Array.from({ length: 300 }, async (_, index) => {
      if (index === 100) await identity.cluster.kill(victim!);
      return bus.publish(alert, { host: `h${index}` }, { priority: "normal", deadline: "20s" });
    });
    const receipts = await Promise.all(publishes);
    expect(new Set(receipts.map((receipt) => receipt.sequence)).size).toBe(300);
    await identity.cluster.startAll();
    await identity.cluster.waitReady();
    const after = (await (await manager()).streams.info("SECURITY")).state.messages;
    expect(after - before).toBe(300);
    expect(bus.metrics().connection.reconnects).toBeGreaterThanOrEqual(1);
    await (await adminBus).close();
  });
});
