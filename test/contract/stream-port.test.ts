import { afterAll, beforeAll } from "vitest";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { openStreamPort } from "../../streams/nats-port.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { streamPortContract } from "./stream-port.contract.ts";
import { FakeStreamPort } from "./stream-port-fake.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster({ servers: 1 });
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

streamPortContract("in memory", async () => {
  const port = new FakeStreamPort();
  return { port, publish: async (stream, count) => port.fill(stream, count) };
});

streamPortContract("nats-server", async () => {
  const spec = { servers: cluster.urls };
  const port = await openStreamPort(spec);
  const connection = await openConnection(spec);
  const publish = async (stream: string, count: number) => {
    for (let index = 0; index < count; index++) await connection.request(`${stream}.new`, `${index}`, { timeout: 2_000 });
  };
  return { port, publish };
});
