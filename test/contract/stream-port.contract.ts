import { beforeEach, describe, expect, test } from "vitest";
import type { StreamPort } from "../../streams/port.ts";

// Each test has a stream of its own: a server that makes a stream anew right after deleting it may bring back its messages.
let made = 0;
let ORDERS = "";
let config: { name: string; subjects: string[]; max_msgs: number; metadata: Record<string, string> };
const consumer = { durable_name: "billing", ack_policy: "explicit" };
const write = (changes: object = {}) => ({ config: { ...config, ...changes }, level: 0 });

/** What every {@link StreamPort} does. `publish` stores messages in a stream with the subjects `NAME.>`. */
export function streamPortContract(
  name: string,
  makePort: () => Promise<{ port: StreamPort; publish: (stream: string, count: number) => Promise<void> }>,
): void {
  describe(`stream port: ${name}`, () => {
    let port: StreamPort;
    let publish: (stream: string, count: number) => Promise<void>;
    beforeEach(async () => {
      ({ port, publish } = await makePort());
      ORDERS = `ORDERS${made++}`;
      config = { name: ORDERS, subjects: [`${ORDERS}.>`], max_msgs: 10, metadata: { "natsbus.owner": "p/s/orders" } };
    });

    test("what does not exist is undefined, and deleting it is no failure", async () => {
      expect(await port.readStream("NONE")).toBeUndefined();
      expect(await port.readConsumer("NONE", "none")).toBeUndefined();
      expect(await port.deleteStream("NONE")).toBe(false);
      expect(await port.deleteConsumer("NONE", "none")).toBe(false);
    });

    test("a created stream reads back with the server's defaults filled in", async () => {
      const made = await port.createStream(write());
      const read = await port.readStream(ORDERS);
      expect(read?.config).toEqual(made.config);
      expect(made.config).toMatchObject({
        ...config,
        metadata: expect.objectContaining(config.metadata),
        retention: "limits",
        max_bytes: -1,
      });
      expect(made).toMatchObject({ messages: 0, bytes: 0, firstTime: "", consumers: 0 });
      expect((await port.listStreams()).streams.map((info) => info.config["name"])).toContain(ORDERS);
    });

    test("creating the same again is a success, creating another configuration a conflict", async () => {
      await port.createStream(write());
      await expect(port.createStream(write())).resolves.toMatchObject({ config: { max_msgs: 10 } });
      await expect(port.createStream(write({ max_msgs: 11 }))).rejects.toMatchObject({ code: "ERR_STREAM_CONFLICT" });
    });

    test("subjects of another stream are refused", async () => {
      await port.createStream(write());
      await expect(port.createStream(write({ name: "OTHER" }))).rejects.toMatchObject({ code: "ERR_SUBJECT_OVERLAP" });
    });

    test("an update replaces the whole configuration: what is left out goes back to its default", async () => {
      await port.createStream(write({ description: "first" }));
      const { max_msgs: _dropped, ...rest } = config;
      const after = await port.updateStream({ config: rest, level: 0 });
      expect(after.config["max_msgs"]).toBe(-1);
      expect(after.config["description"]).toBeUndefined();
    });

    test("streams are found by what they store, all the same when many ask at once", async () => {
      const [first, second] = [`${ORDERS}_A`, `${ORDERS}_B`];
      await port.createStream(write({ name: first, subjects: [`family.${ORDERS}.a`] }));
      expect(await port.namesStoring(`family.${ORDERS}.>`)).toEqual([first]);
      expect(await port.namesStoring(`nobody.${ORDERS}.>`)).toEqual([]);
      const before = port.namesStoring(`family.${ORDERS}.>`);
      await port.createStream(write({ name: second, subjects: [`family.${ORDERS}.b`] }));
      const after = await Promise.all([port.namesStoring(`family.${ORDERS}.>`), port.namesStoring(`family.${ORDERS}.>`)]);
      expect((await before).length).toBeLessThanOrEqual(2);
      expect(after.map((names) => names.toSorted())).toEqual([
        [first, second],
        [first, second],
      ]);
    });

    test("updating what does not exist is a conflict", async () => {
      await expect(port.updateStream(write())).rejects.toMatchObject({ code: "ERR_STREAM_CONFLICT" });
    });

    test.each([
      ["storage", { storage: "memory" }],
      ["retention to workqueue", { retention: "workqueue" }],
      ["persist mode", { persist_mode: "async" }],
      ["counters", { allow_msg_counter: true }],
    ])("%s cannot be updated, and nothing changes", async (_what, change) => {
      const before = await port.createStream(write());
      await publish(ORDERS, 3);
      await expect(port.updateStream(write(change))).rejects.toMatchObject({ code: "ERR_STREAM_REFUSED" });
      expect(await port.readStream(ORDERS)).toMatchObject({ config: before.config, messages: 3 });
    });

    test("limits to interest without a consumer deletes every message", async () => {
      await port.createStream(write());
      await publish(ORDERS, 5);
      expect((await port.readStream(ORDERS))?.messages).toBe(5);
      await port.updateStream(write({ retention: "interest" }));
      expect((await port.readStream(ORDERS))?.messages).toBe(0);
    });

    test("a consumer is made, read, changed and deleted", async () => {
      await port.createStream(write());
      const made = await port.createConsumer(ORDERS, { config: consumer, level: 0 });
      expect(made).toMatchObject({ delivered: 0, config: { durable_name: "billing", ack_policy: "explicit", max_ack_pending: 1_000 } });
      const changed = await port.updateConsumer(ORDERS, { config: { ...consumer, max_deliver: 5 }, level: 0 });
      expect(changed.config["max_deliver"]).toBe(5);
      expect(await port.readConsumer(ORDERS, "billing")).toMatchObject({ config: changed.config });
      const { consumers, unknown } = await port.listConsumers(ORDERS);
      expect([consumers.map((info) => info.config["name"]), unknown]).toEqual([["billing"], []]);
      expect((await port.readStream(ORDERS))?.consumers).toBe(1);
      expect(await port.deleteConsumer(ORDERS, "billing")).toBe(true);
      expect(await port.readConsumer(ORDERS, "billing")).toBeUndefined();
    });

    test("a consumer's conflicts: another configuration, nothing to update, no stream, a fixed field", async () => {
      const request = { config: consumer, level: 0 };
      await expect(port.createConsumer(ORDERS, request)).rejects.toMatchObject({ code: "ERR_STREAM_MISSING" });
      await port.createStream(write());
      await expect(port.updateConsumer(ORDERS, request)).rejects.toMatchObject({ code: "ERR_STREAM_CONFLICT" });
      await port.createConsumer(ORDERS, request);
      await expect(port.createConsumer(ORDERS, request)).resolves.toBeDefined();
      const other = (change: object) => ({ config: { ...consumer, ...change }, level: 0 });
      await expect(port.createConsumer(ORDERS, other({ max_deliver: 5 }))).rejects.toMatchObject({ code: "ERR_STREAM_CONFLICT" });
      await expect(port.updateConsumer(ORDERS, other({ ack_policy: "all" }))).rejects.toMatchObject({ code: "ERR_STREAM_REFUSED" });
    });

    test("deleting a stream takes its consumers along", async () => {
      await port.createStream(write());
      await port.createConsumer(ORDERS, { config: consumer, level: 0 });
      expect(await port.deleteStream(ORDERS)).toBe(true);
      expect(await port.readConsumer(ORDERS, "billing")).toBeUndefined();
    });
  });
}
