import { describe, expect, test } from "vitest";
import { UNKNOWN_VALUE } from "../../../core/unknown.ts";
import { consumerOperations, keyValueOperations, streamOperations } from "../../../streams/operations.ts";

// Nothing listens there: whatever asks the servers learns nothing.
const connection = { servers: ["nats://127.0.0.1:1"] };
const stream = { name: "ORDERS", subjects: ["orders.>"], maxAge: "7d", connection, owner: "p/s/orders" };
const consumer = { stream: "ORDERS", name: "billing", connection, owner: "p/s/billing" };

describe("check", () => {
  test("answers the inputs, and no failure for good ones", async () => {
    expect(await streamOperations.check({}, stream)).toEqual({ inputs: stream, failures: [] });
  });

  test("names each bad property, with code and remedy", async () => {
    const { failures } = await streamOperations.check({}, { ...stream, maxAge: "soon", storag: "file", adoptionPolicy: "yes" });
    expect(failures.map(({ property }) => property)).toEqual(["storag", "maxAge", "adoptionPolicy"]);
    expect(failures[0]?.reason).toMatch(/stream ORDERS: .*storag.*ERR_STREAM_KEY.*write storage instead/);
  });

  test("judges nothing that is not known yet", async () => {
    const unknown = { ...consumer, stream: UNKNOWN_VALUE, connection: { ...connection, creds: UNKNOWN_VALUE } };
    expect((await consumerOperations.check({}, unknown)).failures).toEqual([]);
    expect((await streamOperations.check(stream, { ...stream, storage: UNKNOWN_VALUE })).failures).toEqual([]);
  });

  test.each([
    [streamOperations, stream, { storage: "memory" }, "storage"],
    [streamOperations, stream, { name: "ORDERS2" }, "name"],
    [streamOperations, { ...stream, denyDelete: true }, { denyDelete: false }, "denyDelete"],
    [consumerOperations, consumer, { ackPolicy: "all" }, "ackPolicy"],
    [keyValueOperations, { bucket: "b", connection, owner: "x" }, { storage: "memory" }, "storage"],
  ])("refuses what might lose data while the servers cannot be asked (%#)", async (operations, olds, change, property) => {
    const { failures } = await operations.check(olds, { ...olds, ...change });
    expect(failures).toEqual([
      { property, reason: expect.stringMatching(/→.*unknown because no server answers.*ERR_STREAM_IMMUTABLE.*replacePolicy/) },
    ]);
    const allowed = await operations.check(olds, { ...olds, ...change, replacePolicy: "recreate" });
    expect(allowed.failures).toEqual([]);
  });

  test("no failure quotes a secret", async () => {
    const { failures } = await streamOperations.check(stream, {
      ...stream,
      storage: "memory",
      connection: { ...connection, creds: "SUASECRET" },
    });
    expect(JSON.stringify(failures)).not.toContain("SUASECRET");
  });
});

describe("diff", () => {
  const outs = {
    ...stream,
    retention: "limits",
    duplicateWindow: "2m",
    storage: "file",
    replicas: 3,
    deletionPolicy: "retain",
    replacePolicy: "refuse",
    adoptionPolicy: "never",
  };

  test("is none for equal values in other words", async () => {
    expect(await streamOperations.diff("ORDERS", outs, { ...stream, maxAge: "168h", storage: "file" })).toEqual({ changes: false });
  });

  test.each([
    ["a setting", { maxAge: "1d" }],
    ["a policy", { deletionPolicy: "delete" }],
    ["the connection", { connection: { servers: ["nats://127.0.0.1:2"] } }],
    ["a setting not known yet", { maxAge: UNKNOWN_VALUE }],
  ])("is an update when %s differs", async (_what, change) => {
    expect(await streamOperations.diff("ORDERS", outs, { ...stream, ...change })).toEqual({ changes: true });
  });

  test("is none when the connection is not known yet: a preview of a change elsewhere names only that change", async () => {
    expect(await streamOperations.diff("ORDERS", outs, { ...stream, connection: UNKNOWN_VALUE })).toEqual({ changes: false });
    expect(await streamOperations.diff("ORDERS", outs, { ...stream, connection: UNKNOWN_VALUE, maxAge: "1d" })).toEqual({ changes: true });
  });

  test("is an update when the marker was taken away by hand", async () => {
    expect(await streamOperations.diff("ORDERS", { ...outs, owner: "" }, stream)).toEqual({ changes: true });
  });

  test("is a replacement for another name only, old one first", async () => {
    expect(await streamOperations.diff("ORDERS", outs, { ...stream, name: "B" })).toEqual({
      changes: true,
      replaces: ["name"],
      deleteBeforeReplace: true,
    });
    expect(await consumerOperations.diff("x", consumer, { ...consumer, stream: "B" })).toMatchObject({ replaces: ["stream"] });
  });

  test("refuses to repair drift in a fixed field while the servers cannot be asked", async () => {
    await expect(streamOperations.diff("ORDERS", { ...outs, storage: "memory" }, stream)).rejects.toMatchObject({
      code: "ERR_STREAM_IMMUTABLE",
    });
  });

  test("sees drift of a bucket's stream outside of the bucket's settings", async () => {
    const bucket = { bucket: "b", connection, owner: "x", replicas: 1 };
    const live = {
      name: "KV_b",
      subjects: ["$KV.b.>"],
      maxMsgsPerSubject: 1,
      discard: "new",
      denyDelete: true,
      allowRollup: true,
      allowDirect: true,
      replicas: 1,
    };
    expect(await keyValueOperations.diff("b", { ...bucket, live }, bucket)).toEqual({ changes: false });
    expect(await keyValueOperations.diff("b", { ...bucket, live: { ...live, allowDirect: false } }, bucket)).toEqual({ changes: true });
  });
});

test("removing a retained object asks no server", async () => {
  await expect(streamOperations.delete("ORDERS", { ...stream, deletionPolicy: "retain" })).resolves.toBeUndefined();
  await expect(streamOperations.delete("ORDERS", { ...stream, deletionPolicy: "delete" })).rejects.toMatchObject({
    code: "ERR_CONNECT_REFUSED",
  });
});
