/** Servers before 2.15: another form of archive, and consumers that it silently lacks. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../../connection/pool.ts";
import { backUp } from "../../../operations/backup/backup.ts";
import { checkBackup } from "../../../operations/backup/check.ts";
import { shortcomings } from "../../../operations/backup/manifest.ts";
import { restoreStreams } from "../../../operations/backup/restore.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { startCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";
import { testVersions } from "../../support/server-versions.ts";

const OLDER = (await testVersions()).findLast(({ version, binary }) => version.startsWith("2.14.") && binary !== undefined);
if (OLDER === undefined)
  process.stderr.write("SKIPPED: backup is not tested with servers before 2.15; `npm run test:versions` fetches one\n");
const LONE = ["a", "b", "c", "d", "e", "f"];

const folder = mkdtempSync(join(tmpdir(), "natsbus-backup-"));
afterAll(async () => {
  await closeConnections();
  rmSync(folder, { recursive: true, force: true });
});

async function fill(port: StreamPort, nats: NatsConnection): Promise<void> {
  await port.createStream({ config: { name: "ORDERS", subjects: ["orders.>"], num_replicas: 3 }, level: 0 });
  for (const name of LONE) {
    const config = { durable_name: name, ack_policy: "explicit", num_replicas: 1 };
    await port.createConsumer("ORDERS", { config, level: 0 });
  }
  await port.createConsumer("ORDERS", { config: { durable_name: "shared", ack_policy: "explicit" }, level: 0 });
  for (let index = 0; index < 20; index++) await heardRequest(nats, "orders.x", `message ${index}`, { timeout: 5_000 });
  for (const name of [...LONE, "shared"]) {
    const options = { timeout: 5_000, noMux: true, reply: createInbox() };
    const pulled = await heardRequest(nats, `$JS.API.CONSUMER.MSG.NEXT.ORDERS.${name}`, "1", options);
    await heardRequest(nats, pulled.reply ?? "", "+ACK", { timeout: 5_000 });
  }
}

test.skipIf(OLDER === undefined)("consumers that the archive lacks are named, and come back where they stood", async () => {
  await using cluster = await startCluster({ binary: OLDER?.binary ?? "" });
  const connection = { servers: cluster.urls, timeoutMs: 10_000 };
  const [nats, port] = [await openConnection(connection), await openStreamPort(connection)];
  await fill(port, nats);
  const leader = (await port.readStream("ORDERS"))?.peers.leader;
  const { consumers } = await port.listConsumers("ORDERS");
  const elsewhere = consumers
    .filter(({ peers }) => peers.leader !== leader && !peers.replicas.some(({ name }) => name === leader))
    .map(({ config }) => String(config["durable_name"]));
  const directory = join(folder, "saved");
  const manifest = await backUp({ connection, directory });
  expect(await checkBackup(directory)).toEqual(manifest);
  const lacking = manifest.streams[0]?.consumers.filter(({ archived }) => !archived).map(({ name }) => name);
  expect(lacking?.toSorted()).toEqual(elsewhere.toSorted());
  expect(lacking?.length).toBeGreaterThan(0);
  expect(lacking).not.toContain("shared");
  expect(shortcomings(manifest)).toEqual(
    lacking?.map((name) => `consumer ORDERS/${name} is not in the server's snapshot; a restore makes it anew at sequence 2`),
  );

  await port.deleteStream("ORDERS");
  const [restored] = await restoreStreams({ connection, directory });
  expect(restored).toEqual({ name: "ORDERS", messages: 20, madeAnew: lacking, differences: [], notes: [] });
  for (const name of [...LONE, "shared"]) expect(await port.readConsumer("ORDERS", name)).toMatchObject({ pending: 19 });
});
