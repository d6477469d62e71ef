import { afterAll, beforeAll, expect, test } from "vitest";
import type { ContainerGateInputs } from "../../../components/docker/gate/model.ts";
import { createContainerGate, updateContainerGate } from "../../../components/docker/gate/operations.ts";
import { closeConnections } from "../../../connection/pool.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const SERVERS = ["n1", "n2", "n3"];
const USERS = `accounts { SYS: { users: [{ user: sys, password: sys }] } }
system_account: SYS`;

let cluster: TestCluster;
let inputs: ContainerGateInputs;

beforeAll(async () => {
  cluster = await startCluster({ configText: () => USERS });
  const connection = { servers: cluster.urls.map((url) => url.replace("//", "//sys:sys@")) };
  inputs = { connection, servers: SERVERS, revision: "1", timeoutMs: 60_000 };
});

afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

test("hands the meta group to the server that is replaced last, and opens at once when it leads already", async () => {
  const leader = SERVERS.find((name) => name !== "n1") ?? "";
  for (const wanted of ["n1", leader, leader]) {
    await updateContainerGate({ ...inputs, leader: wanted });
    expect(await cluster.metaLeader()).toBe(wanted);
  }
});

test("stays closed while a server is away, names it, and opens when it is back", async () => {
  const away = SERVERS.find((name) => name !== "n2") ?? "";
  await cluster.kill(away);
  await expect(updateContainerGate({ ...inputs, timeoutMs: 3_000 })).rejects.toMatchObject({
    code: "ERR_CLUSTER_NOT_READY",
    message: expect.stringContaining(away),
  });
  // A gate that is made lets a new cluster form behind it.
  expect(await createContainerGate(inputs)).toEqual({ id: "n1,n2,n3", outs: inputs });
  await cluster.start(away);
  expect(await updateContainerGate({ ...inputs, revision: "2" })).toEqual({ outs: { ...inputs, revision: "2" } });
});
