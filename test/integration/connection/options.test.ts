/** Every way to reach a cluster that natsbus did not make, against real servers. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { authority as authorityOperations, servers as serverOperations } from "../../../components/tls/operations.ts";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { findFreePorts } from "../../support/free-ports.ts";
import { tlsBlock } from "../../support/operator-cluster.ts";

const DAY_MS = 86_400_000;
const authority = authorityOperations.create({ name: "options test", validityMs: 10 * DAY_MS, renewBeforeMs: DAY_MS }).outs;
// The server's certificate covers a name and no address, as over a port-forward.
const nodes = { n1: ["bus.example.com"], client: ["client"] };
const certificates = serverOperations.create({ authority, nodes, validityMs: 5 * DAY_MS, renewBeforeMs: DAY_MS }).outs;
const nkey = createKey("user");

const USERS = `accounts {
  A { jetstream: enabled, users: [ { user: a, password: "pass word" }, { nkey: ${nkey.publicKey} } ] }
  SYS { users: [ { user: s, password: s } ] }
}
system_account: SYS`;

let strict: TestCluster;
let first: TestCluster;
let leaf: TestCluster;
beforeAll(async () => {
  const [leafPort] = [await findFreePorts(1)];
  const tls = (more: string) => (node: Parameters<typeof tlsBlock>[0]) =>
    tlsBlock(node, { authority, certificates }).replace("tls { ", `tls { ${more}, `);
  [strict, first] = await Promise.all([
    startCluster({
      servers: 1,
      configText: (node) => `${tls("verify: true")(node)}\n${USERS}\nleafnodes { listen: "127.0.0.1:${leafPort}" }`,
      jetstreamText: "max_mem: 64MB, max_file: 64MB, domain: hub",
    }),
    startCluster({
      servers: 1,
      configText: (node) => `${tls("handshake_first: true")(node)}\nauthorization { token: "open sesame" }`,
    }),
  ]);
  leaf = await startCluster({
    servers: 1,
    configText: () => `leafnodes { remotes: [ { url: "nats-leaf://a:pass%20word@127.0.0.1:${leafPort}" } ] }`,
    jetstreamText: "max_mem: 64MB, max_file: 64MB, domain: edge",
  });
});
afterEach(closeConnections);
afterAll(async () => {
  for (const cluster of [leaf, first, strict]) await cluster?.[Symbol.asyncDispose]();
});

const own = { certificate: certificates.certificates["client"]!, key: certificates.keys["client"]! };
const reach = (): ConnectionSpec => ({
  servers: [`tls://127.0.0.1:${strict.nodes[0]?.port}`],
  ca: authority.bundle,
  serverName: "bus.example.com",
  ...own,
});

test("user and password, and an nkey seed, each with an own certificate", async () => {
  for (const login of [{ user: "a", password: "pass word" }, { nkeySeed: nkey.seed }]) {
    const connection = await openConnection({ ...reach(), ...login });
    expect(connection.info?.tls_required).toBe(true);
    await connection.flush();
  }
});

test("each way to log in that a server refuses is told as such, without the secret", async () => {
  const stranger = createKey("user");
  for (const login of [{ user: "a", password: "hunter2" }, { nkeySeed: stranger.seed }, { token: "hunter2" }]) {
    const refused = openConnection({ ...reach(), ...login });
    await expect(refused).rejects.toMatchObject({ code: "ERR_CONNECT_CREDENTIALS" });
    await refused.catch((error: unknown) => expect(String(error)).not.toMatch(/hunter2|S[U][A-Z2-7]{56}/));
  }
});

test("a missing own certificate, and a name the server's certificate does not cover, are told", async () => {
  const { certificate: _certificate, key: _key, ...without } = reach();
  const login = { user: "a", password: "pass word" };
  const missing = { code: "ERR_CONNECT_TIMEOUT", remedy: expect.stringContaining("connection.certificate") };
  await expect(openConnection({ ...without, ...login, timeoutMs: 700 })).rejects.toMatchObject(missing);
  await expect(openConnection({ ...reach(), ...login, serverName: "other.example.com" })).rejects.toMatchObject({
    code: "ERR_CONNECT_TLS",
  });
});

test("a token, with the TLS handshake first", async () => {
  const spec = {
    servers: [`tls://127.0.0.1:${first.nodes[0]?.port}`],
    ca: authority.bundle,
    serverName: "bus.example.com",
    token: "open sesame",
  };
  const connection = await openConnection({ ...spec, tlsFirst: true });
  await connection.flush();
  await expect(openConnection({ ...spec, timeoutMs: 700 })).rejects.toMatchObject({ code: "ERR_CONNECT_TIMEOUT" });
});

test("a JetStream domain behind a leaf node, by domain and by API prefix", async () => {
  const connection = { servers: [leaf.nodes[0]!.url] };
  const config = { name: "THERE", subjects: ["there.>"], storage: "memory" };
  await expect
    .poll(async () => (await openStreamPort({ ...connection, domain: "hub", timeoutMs: 1_000 })).readStream("X").catch(() => "none"), {
      timeout: 20_000,
    })
    .toBe(undefined);
  await (await openStreamPort({ ...connection, domain: "hub" })).createStream({ config, level: 0 });
  const seen = await (await openStreamPort({ ...connection, apiPrefix: "$JS.hub.API" })).readStream("THERE");
  expect(seen?.config).toMatchObject({ name: "THERE" });
  expect(await (await openStreamPort(connection)).readStream("THERE")).toBe(undefined);
});

test("answers can be asked for on a prefix of one's own", async () => {
  const connection = await openConnection({ ...reach(), user: "a", password: "pass word", inboxPrefix: "_INBOX_a" });
  const echo = connection.subscribe("echo", { max: 1, callback: (_error, message) => void message.respond(message.reply ?? "") });
  const answer = await connection.request("echo", "", { timeout: 5_000 });
  expect(answer.string()).toMatch(/^_INBOX_a\./);
  await echo.closed;
});
