import { jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { publishMessage } from "../../../operations/publish.ts";
import { readMessages, type StoredMessage } from "../../../operations/read.ts";
import { startCluster } from "../../support/cluster.ts";

async function collect(messages: AsyncIterable<StoredMessage>): Promise<string[]> {
  const texts: string[] = [];
  for await (const message of messages)
    texts.push(`${message.sequence} ${message.subject} ${Buffer.from(message.payload).toString("utf8")}`);
  return texts;
}

describe("publish and read", () => {
  test("what is published is read back, newest last, and failures say what to do", async () => {
    await using cluster = await startCluster({ servers: 1 });
    const servers = cluster.nodes.map((node) => node.url);
    const admin = await connect({ servers });
    const manager = await jetstreamManager(admin);
    await manager.streams.add({ name: "EVENTS", subjects: ["events.>"], storage: StorageType.Memory, retention: RetentionPolicy.Limits });
    await admin.close();
    const connection = { servers };

    const receipt = await publishMessage({ connection, subject: "events.a", payload: "one", headers: { "Nats-Msg-Id": "1" } });
    expect(receipt).toEqual({ subject: "events.a", stream: "EVENTS", sequence: 1, duplicate: false });
    expect((await publishMessage({ connection, subject: "events.a", payload: "one", headers: { "Nats-Msg-Id": "1" } })).duplicate).toBe(
      true,
    );
    for (const text of ["two", "three", "four"]) await publishMessage({ connection, subject: "events.b", payload: text });

    const read = (count: number, subject?: string) =>
      collect(readMessages({ connection, stream: "EVENTS", count, follow: false, ...(subject === undefined ? {} : { subject }) }));
    expect(await read(2)).toEqual(["3 events.b three", "4 events.b four"]);
    expect(await read(100)).toHaveLength(4);
    expect(await read(5, "events.a")).toEqual(["1 events.a one"]);
    expect(await read(0)).toEqual([]);

    const stop = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
      for await (const message of readMessages({ connection, stream: "EVENTS", count: 1, follow: true, signal: stop.signal })) {
        followed.push(Buffer.from(message.payload).toString("utf8"));
        if (followed.length === 1) await publishMessage({ connection, subject: "events.c", payload: "five" });
        if (followed.length === 2) stop.abort();
      }
    })();
    await following;
    expect(followed).toEqual(["four", "five"]);

    await expect(publishMessage({ connection, subject: "nobody.listens", payload: "" })).rejects.toMatchObject({
      code: "ERR_PUBLISH",
      message: expect.stringContaining("no stream stores the subject nobody.listens"),
    });
    for (const subject of ["bad subject", "events.*", "events.>"])
      await expect(publishMessage({ connection, subject, payload: "" })).rejects.toMatchObject({ code: "ERR_SUBJECT" });
    expect(await read(100)).toHaveLength(5);
    await expect(collect(readMessages({ connection, stream: "NONE", count: 1, follow: false }))).rejects.toMatchObject({
      code: "ERR_READ",
    });
  });
});
