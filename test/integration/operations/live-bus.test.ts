import { afterAll, beforeAll, expect, test } from "vitest";
import { closeConnections } from "../../../connection/pool.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import { describeBus } from "../../../operations/describe.ts";
import { diffBus } from "../../../operations/diff.ts";
import { observeBus } from "../../../operations/live-bus.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import type { Peers } from "../../../streams/port.ts";
import { resolveStreams } from "../../../streams/resolve.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const NONE = { streams: {}, keyValue: {}, objectStores: {} };
const LONE = ["A", "B", "C", "D", "E", "F"];

let cluster: TestCluster;
let connection: ConnectionSpec;

beforeAll(async () => {
  cluster = await startCluster();
  connection = { servers: cluster.urls, timeoutMs: 3_000 };
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

/** Names of those of `LONE` that this server alone holds. */
async function heldBy(node: string, read: (name: string) => Promise<{ readonly peers: Peers } | undefined>): Promise<string[]> {
  const found = await Promise.all(LONE.map(async (name) => [name, (await read(name))?.peers.leader] as const));
  return found.filter(([, leader]) => leader === node).map(([name]) => name);
}

test("with a server killed, what it alone holds is unknown; nothing is called missing or left out of sight", async () => {
  const port = await openStreamPort(connection);
  for (const name of LONE) await port.createStream({ config: { name, num_replicas: 1 }, level: 0 });
  await port.createStream({ config: { name: "SHARED", num_replicas: 3 }, level: 0 });
  for (const name of LONE)
    await port.createConsumer("SHARED", { config: { durable_name: name, ack_policy: "explicit", num_replicas: 1 }, level: 0 });
  // Without the meta leader nobody could list anything for a while.
  const leader = await cluster.metaLeader();
  const followers = cluster.nodes.filter((node) => node.name !== leader);
  const held = await Promise.all(
    followers.map(async ({ name: node }) => {
      const streams = await heldBy(node, (name) => port.readStream(name));
      const consumers = await heldBy(node, (name) => port.readConsumer("SHARED", name));
      return { node, lost: [...streams, ...consumers.map((name) => `SHARED/${name}`)] };
    }),
  );
  const [victim] = held.toSorted(
    (a, b) => b.lost.filter((name) => name.includes("/")).length - a.lost.filter((name) => name.includes("/")).length,
  );
  if (victim === undefined) throw new Error("no follower");
  await cluster.kill(victim.node);
  const leaderOfShared = () =>
    port.readStream("SHARED").then(
      (info) => info?.peers.leader ?? victim.node,
      () => victim.node,
    );
  await expect.poll(leaderOfShared, { timeout: 20_000 }).not.toBe(victim.node);

  const empty = Object.fromEntries(LONE.map((name) => [name, {}]));
  const { specs } = resolveStreams({ ...NONE, streams: { ...empty, SHARED: { consumers: empty } } }, NONE, { servers: 3 });
  const { differences } = await diffBus({ bus: { streams: specs, spec: { project: "p", stack: "s" } }, connection });
  const named = (kind: string) => differences.filter((one) => one.kind === kind).map(({ name }) => name);
  expect(named("missing")).toEqual([]);
  expect(named("unknown").toSorted()).toEqual(victim.lost.toSorted());
  expect(victim.lost.some((name) => name.includes("/"))).toBe(true);

  const { notes } = describeBus(await observeBus(port));
  const leftOut = notes.filter((note) => note.leftOut).map(({ name }) => name);
  expect(leftOut.toSorted()).toEqual(victim.lost.toSorted());
});
