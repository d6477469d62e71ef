import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assetBlocker, metaBlocker } from "../../../components/gate/blockers.ts";
import { describeServers, observeServers, reloadServers } from "../../../components/gate/system.ts";
import { waitGate } from "../../../components/gate/wait.ts";
import { closeConnections } from "../../../connection/pool.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const SERVERS = ["n1", "n2", "n3"];
const USERS = `accounts { SYS: { users: [{ user: sys, password: sys }] }, APP: { jetstream: enabled, users: [{ user: app, password: app }] } }
system_account: SYS`;

let cluster: TestCluster;
let system: ConnectionSpec;
let payload = 1_048_576;

beforeAll(async () => {
  cluster = await startCluster({ configText: () => `${USERS}\nmax_payload: ${payload}` });
  system = { servers: cluster.urls.map((url) => url.replace("//", "//sys:sys@")) };
});

afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

describe("the gate over the system account", () => {
  test("sees what the monitor ports show, and opens once all is current", async () => {
    const connection = await connect({ servers: cluster.urls, user: "app", pass: "app" });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "GATE", subjects: ["gate"], num_replicas: 3 });
    await manager.consumers.add("GATE", { durable_name: "C" });
    const leader = await waitGate({ observe: (assets) => observeServers(system, SERVERS, assets), assets: true, timeoutMs: 30_000 });
    expect(leader).toBe(await cluster.metaLeader());
    const views = await observeServers(system, SERVERS, true);
    expect(views.map((view) => view.jsz?.account_details?.flatMap((account) => account.stream_detail?.map(({ name }) => name)))).toEqual([
      ["GATE"],
      ["GATE"],
      ["GATE"],
    ]);
    await connection.close();
  });

  test("names a server that ended, and opens again when it is back", async () => {
    const leader = await cluster.metaLeader();
    const follower = SERVERS.find((name) => name !== leader) ?? "";
    await cluster.kill(follower);
    // The connection may have been that server's, and needs a moment to find another.
    await expect
      .poll(async () => metaBlocker(await observeServers(system, SERVERS, false)), { timeout: 20_000, interval: 100 })
      .toBe(`${follower} does not answer`);
    await cluster.start(follower);
    const told: string[] = [];
    await waitGate({
      observe: (assets) => observeServers(system, SERVERS, assets),
      assets: true,
      timeoutMs: 60_000,
      onBlocked: (blocker) => told.push(blocker),
    });
    const views = await observeServers(system, SERVERS, true);
    expect([metaBlocker(views), assetBlocker(views)]).toEqual([undefined, undefined]);
  });

  test("says by which setting a reload failed, and which server runs with which configuration", async () => {
    const before = await describeServers(system, SERVERS);
    const digests = Object.fromEntries([...before].map(([name, { data }]) => [name, data?.config_digest ?? ""]));
    expect(Object.keys(digests).toSorted()).toEqual(SERVERS);
    expect(await reloadServers({ connection: system, digests })).toEqual([]);
    const stale = await reloadServers({ connection: system, digests: { n2: "sha256:0" }, timeoutMs: 1 });
    expect(stale).toEqual([{ name: "n2", reason: `it runs with the configuration ${digests["n2"]}, not sha256:0` }]);
  });

  test("takes a written change over without a restart", async () => {
    const before = await describeServers(system, SERVERS);
    payload = 2_097_152;
    // Written to every node's file; a second signal does no harm.
    for (const node of cluster.nodes) await cluster.reload(node);
    await expect
      .poll(async () => [...(await describeServers(system, SERVERS)).values()].every(({ data }) => data?.max_payload === payload), {
        timeout: 20_000,
      })
      .toBe(true);
    const after = await describeServers(system, SERVERS);
    for (const name of SERVERS) {
      expect(after.get(name)?.data?.config_digest).not.toBe(before.get(name)?.data?.config_digest);
      expect(after.get(name)?.id).toBe(before.get(name)?.id);
    }
  });
});
