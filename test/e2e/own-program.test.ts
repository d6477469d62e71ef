import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Objm } from "@nats-io/obj";
import { createInbox } from "@nats-io/transport-node";
import { afterEach, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { openStreamPort } from "../../streams/nats-port.ts";
import { startBusIdentity } from "../support/bus-identity.ts";
import { runCli } from "../support/cli-project.ts";
import { startCluster } from "../support/cluster.ts";
import { heardRequest } from "../support/heard-request.ts";
import { createProgram, type Program } from "../support/program.ts";

afterEach(() => closeConnections());

const PASSPHRASE = { PULUMI_CONFIG_PASSPHRASE: "x" };

/** `up` makes it, a second one changes nothing. */
async function upTwice({ directory }: Program, env: NodeJS.ProcessEnv): Promise<string> {
  const run = (...args: string[]) =>
    runCli(directory, ["up", "--stack", "dev", "--yes", "--skip-preview", ...args], { env: { ...env, ...PASSPHRASE } });
  const made = await run();
  expect(made.code, made.stderr).toBe(0);
  const again = await run("--expect-no-changes");
  expect(again.code, again.stderr).toBe(0);
  return made.stdout;
}

async function streamNames(connection: ConnectionSpec): Promise<string[]> {
  const { streams } = await (await openStreamPort(connection)).listStreams();
  return streams.map(({ config }) => String(config["name"])).toSorted();
}

test("the example for a plain server makes what it declares, in a project of its own", async () => {
  await using cluster = await startCluster({ servers: 1 });
  using program = createProgram("examples/existing-plain");
  const connection = { servers: cluster.urls };
  await upTwice(program, { NATS_URL: cluster.urls[0] });
  expect(await streamNames(connection)).toEqual(["KV_settings", "ORDERS"]);
  expect((await (await openStreamPort(connection)).listConsumers("ORDERS")).consumers).toHaveLength(1);
  const bucket = await new Kvm(jetstream(await openConnection(connection))).open("settings");
  expect((await bucket.get("currency"))?.string()).toBe("EUR");
  await closeConnections();
});

test("the example for a cluster with credentials makes its sets over TLS, and keeps the credentials out of the state's clear text", async () => {
  await using bus = await startBusIdentity();
  using program = createProgram("examples/existing-creds");
  const { servers, creds = "", ca = "" } = bus.connectionOf("admin");
  const files = { NATS_CREDS: join(program.directory, "admin.creds"), NATS_CA: join(program.directory, "ca.pem") };
  writeFileSync(files.NATS_CREDS, String(creds));
  writeFileSync(files.NATS_CA, String(ca));
  await upTwice(program, { NATS_URL: servers.join(","), ...files });
  expect(await streamNames(bus.connectionOf("admin"))).toEqual(["ACME", "INITECH", "UMBRELLA"]);
  const state = readFileSync(join(program.directory, ".natsbus/state/.pulumi/stacks/existing-creds/dev.json"), "utf8");
  const seed = /-----BEGIN USER NKEY SEED-----\s+(\S+)/.exec(String(creds))?.[1] ?? "";
  expect(seed).toMatch(/^SU/);
  expect(state).not.toContain(seed);

  const system = join(program.directory, "system.creds");
  writeFileSync(system, bus.operator.systemCredentials);
  const place = ["--url", servers.join(","), "--ca", files.NATS_CA, "--creds", files.NATS_CREDS];
  const read = await runCli(program.directory, ["import", ...place, "--system-creds", system, "--json"]);
  expect(read.code, read.stderr).toBe(0);
  const { streams, accounts } = JSON.parse(read.stdout) as Record<string, { accounts: Record<string, { roles: object }> }>;
  expect(Object.keys(streams ?? {})).toEqual(["ACME", "INITECH", "UMBRELLA"]);
  expect(Object.keys(accounts?.accounts["BUS"]?.roles ?? {})).toContain("admin");
  expect(await runCli(program.directory, ["import", "--system-creds", system])).toMatchObject({ code: 2 });
  await closeConnections();
});

test("the example for a leaf node's domain makes its streams there, reached through the hub", async () => {
  await using hub = await startCluster({
    servers: 1,
    name: "hub",
    jetstreamText: 'domain: "hub", max_mem: 64MB, max_file: 256MB',
    configText: ({ routePort }) => `leafnodes { host: "127.0.0.1", port: ${routePort} }`,
  });
  const remote = `nats-leaf://127.0.0.1:${hub.nodes[0]?.routePort}`;
  await using leaf = await startCluster({
    servers: 1,
    name: "leaf",
    jetstreamText: 'domain: "factory", max_mem: 64MB, max_file: 256MB',
    configText: () => `leafnodes { remotes: [{ url: "${remote}" }] }`,
  });
  using program = createProgram("examples/existing-leaf");
  const throughHub = { servers: hub.urls, domain: "factory" };
  await expect.poll(async () => await streamNames(throughHub).catch(() => "not connected"), { timeout: 20_000 }).toEqual([]);
  await upTwice(program, { NATS_URL: hub.urls[0] });
  expect(await streamNames({ servers: hub.urls })).toEqual([]);
  expect(await streamNames({ servers: leaf.urls })).toEqual(["OBJ_firmware", "READINGS"]);
  const store = await new Objm(jetstream(await openConnection({ servers: leaf.urls }))).open("firmware");
  expect(new TextDecoder().decode((await store.getBlob("notes.txt")) ?? undefined)).toBe("Nothing new.\n");
  await closeConnections();
});

test("a cluster that other tools made is imported into a program of one's own, and taken over as it is", async () => {
  await using cluster = await startCluster();
  const connection = { servers: cluster.urls };
  const nats = await openConnection(connection);
  const api = async (subject: string, body: object = {}) => {
    const answer = (await heardRequest(nats, `$JS.API.${subject}`, JSON.stringify(body), { timeout: 5_000 })).json<
      Record<string, unknown>
    >();
    expect(answer["error"], subject).toBeUndefined();
    return answer;
  };
  await api("STREAM.CREATE.JOBS", { name: "JOBS", subjects: ["jobs.*"], retention: "workqueue", num_replicas: 3 });
  const config = { durable_name: "worker", name: "worker", ack_policy: "explicit", ack_wait: 300_000_000_000 };
  await api("CONSUMER.CREATE.JOBS.worker", { stream_name: "JOBS", config });
  for (let index = 0; index < 5; index++) await heardRequest(nats, "jobs.a", `${index}`, { timeout: 5_000 });
  const pulled = await heardRequest(nats, "$JS.API.CONSUMER.MSG.NEXT.JOBS.worker", "1", {
    timeout: 5_000,
    noMux: true,
    reply: createInbox(),
  });
  await heardRequest(nats, pulled.reply ?? "", "+ACK", { timeout: 5_000 });
  const held = async () => {
    const { state, created } = await api("STREAM.INFO.JOBS");
    const { created: made, delivered, ack_floor, num_pending } = await api("CONSUMER.INFO.JOBS.worker");
    return { state, created, made, delivered, ack_floor, num_pending };
  };
  const seen = { state: { messages: 4, first_seq: 2, last_seq: 5 }, ack_floor: { stream_seq: 1 }, num_pending: 4 };
  await expect.poll(held).toMatchObject(seen);
  const before = await held();

  using program = createProgram("examples/existing-plain");
  const file = join(program.directory, "imported.ts");
  const imported = await runCli(program.directory, ["import", "--url", cluster.urls.join(","), "--file", file]);
  expect(imported.code, imported.stderr).toBe(0);
  expect(imported.stderr).toContain("found: streams 1, consumers 1, key-value buckets 0, object stores 0\n");
  const text = `import { JetStream } from "natsbus/components/jetstream";
import { imported } from "./imported.ts";
new JetStream("jobs", { connection: { servers: ${JSON.stringify(cluster.urls)} }, catalog: imported });
`;
  writeFileSync(join(program.directory, "index.ts"), text);
  await upTwice(program, {});
  expect(await held()).toEqual(before);
  await closeConnections();
});
