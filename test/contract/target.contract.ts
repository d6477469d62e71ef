import type { NatsConnection } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { readStored, type SeenServer, startPublisher, watchServers } from "../support/steady-publisher.ts";

/** The settings the suite changes. */
export interface TargetSettings {
  /** Largest message: a running server takes a change over. */
  readonly maxPayloadBytes: number;
  /** JetStream disk: lowering it needs a restart. */
  readonly maxStorageBytes: number;
}

/** A target with three servers, not started yet; whatever it left is removed when disposed. */
export interface TargetUnderTest extends AsyncDisposable {
  /** What an `up` with these settings would do: whether anything changes. */
  changes(settings: TargetSettings): Promise<boolean>;
  /** `up`: returns when the cluster is ready. */
  up(settings: TargetSettings): Promise<void>;
  /** The servers now; cheap enough to be asked every few milliseconds. */
  servers(): Promise<readonly SeenServer[]>;
  /** Name of the meta leader. */
  metaLeader(): Promise<string | undefined>;
  /** Ends one server without a word. */
  kill(name: string): Promise<void>;
  /** `destroy`. */
  destroy(): Promise<void>;
  /** Processes, ports and files that are still there, in words. */
  leftovers(): Promise<readonly string[]>;
  /** A connection with the right to use JetStream. */
  connect(): Promise<NatsConnection>;
}

const SETTINGS: TargetSettings = { maxPayloadBytes: 1024 * 1024, maxStorageBytes: 256 * 1024 * 1024 };

/** What every target must do. */
export function targetContract(name: string, makeTarget: () => Promise<TargetUnderTest>): void {
  describe(`target ${name}`, () => {
    test("brings a cluster up, changes nothing the second time, and leaves nothing behind", async () => {
      await using target = await makeTarget();
      expect(await target.changes(SETTINGS)).toBe(true);
      await target.up(SETTINGS);
      expect(await instances(target)).toHaveLength(3);
      expect(["n1", "n2", "n3"]).toContain(await target.metaLeader());
      expect(await target.changes(SETTINGS)).toBe(false);
      const before = await target.servers();
      await target.up(SETTINGS);
      expect(await target.servers()).toEqual(before);
      await target.destroy();
      expect(await target.leftovers()).toEqual([]);
      await target.destroy();
    });

    test("reloads what a running server can take over", async () => {
      await using target = await makeTarget();
      await target.up(SETTINGS);
      const before = await target.servers();
      const wanted = { ...SETTINGS, maxPayloadBytes: 2 * SETTINGS.maxPayloadBytes };
      expect(await target.changes(wanted)).toBe(true);
      await target.up(wanted);
      expect(await target.servers()).toEqual(before);
      const connection = await target.connect();
      expect(connection.info?.max_payload).toBe(wanted.maxPayloadBytes);
      await connection.close();
    });

    test("restarts one server at a time, the meta leader last, and loses no acknowledged message", async () => {
      await using target = await makeTarget();
      await target.up(SETTINGS);
      const leader = await target.metaLeader();
      const before = await target.servers();
      const connection = await target.connect();
      const publisher = await startPublisher(connection);
      const watch = watchServers(target);
      await target.up({ ...SETTINGS, maxStorageBytes: SETTINGS.maxStorageBytes / 2 });
      const { order, fewest } = await watch.stop();
      const acknowledged = await publisher.stop();
      const stored = await publisher.stored();
      await connection.close();
      expect(fewest).toBe(2);
      expect(order).toHaveLength(3);
      expect(order.at(-1)).toBe(leader);
      expect((await target.servers()).every((server, index) => server.instance !== before[index]?.instance)).toBe(true);
      expect(acknowledged.length).toBeGreaterThan(20);
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    });

    test("starts a server again that died, and no other", async () => {
      await using target = await makeTarget();
      await target.up(SETTINGS);
      const before = await target.servers();
      await target.kill("n2");
      expect(await target.changes(SETTINGS)).toBe(true);
      await target.up(SETTINGS);
      const after = await target.servers();
      const renewed = after.filter((server, index) => server.instance !== before[index]?.instance);
      expect(renewed.map((server) => server.name)).toEqual(["n2"]);
      expect(await instances(target)).toHaveLength(3);
      expect(await target.changes(SETTINGS)).toBe(false);
    });

    test("keeps JetStream data when every server died", async () => {
      await using target = await makeTarget();
      await target.up(SETTINGS);
      const first = await target.connect();
      const publisher = await startPublisher(first);
      await publisher.reach(10);
      const acknowledged = await publisher.stop();
      await first.close();
      for (const server of ["n1", "n2", "n3"]) await target.kill(server);
      await target.up(SETTINGS);
      const second = await target.connect();
      const stored = await readStored(second);
      await second.close();
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    });
  });
}

async function instances(target: TargetUnderTest): Promise<string[]> {
  return (await target.servers()).flatMap((server) => server.instance ?? []);
}
