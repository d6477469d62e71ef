import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster({
    servers: 1,
    configText: () => `accounts {
  A { jetstream: enabled, users: [ { user: a, password: a }, { user: locked, password: l, permissions: { publish: { deny: "$JS.API.>" } } } ] }
  B { users: [ { user: b, password: b } ] }
}`,
  });
});
afterEach(closeConnections);
afterAll(() => cluster[Symbol.asyncDispose]());

const as = (user: string) => ({ servers: [`nats://${user}@127.0.0.1:${cluster.nodes[0]?.port}`] });

test("one connection an identity: equal ones share it, also when they ask at once; a closed one is replaced", async () => {
  const [first, second] = await Promise.all([openConnection(as("a:a")), openConnection({ ...as("a:a"), timeoutMs: 9_000 })]);
  expect(second).toBe(first);
  expect(await openConnection(as("b:b"))).not.toBe(first);
  await first.close();
  const third = await openConnection(as("a:a"));
  expect(third).not.toBe(first);
  expect(third.isClosed()).toBe(false);
  await closeConnections();
  expect(third.isClosed()).toBe(true);
});

test("a refused login, a missing server and a server without TLS are told apart, and no password is quoted", async () => {
  const wrong = openConnection(as("a:hunter2"));
  await expect(wrong).rejects.toMatchObject({ code: "ERR_CONNECT_CREDENTIALS", message: expect.not.stringContaining("hunter2") });
  await expect(openConnection({ servers: ["nats://127.0.0.1:1"] })).rejects.toMatchObject({ code: "ERR_CONNECT_REFUSED" });
  const plain = { servers: [`tls://127.0.0.1:${cluster.nodes[0]?.port}`] };
  await expect(openConnection(plain)).rejects.toMatchObject({ code: "ERR_CONNECT_TLS" });
});

test("a server that never speaks is a time-out within the time given", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => silent.once("listening", done));
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : 0;
  const startedMs = performance.now();
  const attempt = openConnection({ servers: [`nats://127.0.0.1:${port}`], timeoutMs: 300 });
  await expect(attempt).rejects.toMatchObject({ code: "ERR_CONNECT_TIMEOUT" });
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  silent.close();
});

test("an account without JetStream, and a user without the right to ask, are told apart", async () => {
  await expect((await openStreamPort(as("b:b"))).readStream("S")).rejects.toMatchObject({ code: "ERR_JETSTREAM_OFF" });
  await expect((await openStreamPort(as("locked:l"))).readStream("S")).rejects.toMatchObject({ code: "ERR_CONNECT_CREDENTIALS" });
});

test("a server below the API level refuses instead of dropping fields", async () => {
  const port = await openStreamPort(as("a:a"));
  await expect(port.createStream({ config: { name: "S" }, level: 99 })).rejects.toMatchObject({ code: "ERR_SERVER_VERSION" });
});
