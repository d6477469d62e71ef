import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../../connection/pool.ts";
import { isBusError } from "../../../core/errors.ts";
import { CONSUMER_FIELDS } from "../../../streams/consumer-fields.ts";
import { diffSpecs, renderChange } from "../../../streams/diff.ts";
import { STREAM_FIELDS } from "../../../streams/fields.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { normaliseConsumer, normaliseStream } from "../../../streams/normalise.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { consumerDialect, streamDialect } from "../../../streams/spec.ts";
import { readConfig, requiredLevel, writeConfig } from "../../../streams/wire.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { CONSUMER_CHANGES, changeRows, STREAM_CHANGES } from "../../unit/streams/changes.ts";

let cluster: TestCluster;
let port: StreamPort;
let id = 0;

beforeAll(async () => {
  cluster = await startCluster();
  port = await openStreamPort({ servers: cluster.urls });
});
afterAll(async () => {
  await closeConnections();
  await cluster[Symbol.asyncDispose]();
});

/** Whether the server took it; what it refused with otherwise. */
async function outcome(write: Promise<unknown>): Promise<"accepted" | string> {
  return write.then(
    () => "accepted",
    (error: unknown) => (isBusError(error) && error.code !== "ERR_JETSTREAM_TIMEOUT" ? error.message : Promise.reject(error)),
  );
}

// A change of identity makes another object, the server accepts a later first sequence without effect, and a mirror's origin decides on direct reads.
const notForTheServer = new Set(["name", "stream", "firstSeq", "mirrorDirect"]);
const forTheServer = ({ key }: { key: string }) => !notForTheServer.has(key);

describe("a live server agrees with every row of the stream table", () => {
  test.each(changeRows(STREAM_CHANGES).filter(forTheServer))(
    "$key: $was → $want, in place: $inPlace",
    async ({ key, was, want, inPlace, beside }) => {
      const name = `S${id++}`;
      const spec = (value: unknown) => streamDialect.parse({ name, replicas: 1, ...beside, ...own(key, value, name) }, name);
      const request = (value: unknown) => ({
        config: writeConfig(STREAM_FIELDS, spec(value).value),
        level: requiredLevel(STREAM_FIELDS, spec(value).value),
      });
      expect([...spec(was).problems, ...spec(want).problems]).toEqual([]);
      const first = request(was);
      const { sealed: _later, ...unsealed } = first.config;
      await port.createStream({ ...first, config: unsealed });
      if (first.config["sealed"] === true) await port.updateStream(first);
      const result = await outcome(port.updateStream(request(want)));
      expect(result === "accepted", result).toBe(inPlace);
      if (!inPlace) return;
      const after = readConfig(STREAM_FIELDS, (await port.readStream(name))?.config ?? {}).spec;
      expect(diffSpecs(STREAM_FIELDS, normaliseStream(after), spec(want).value).fields.map(renderChange)).toEqual([]);
      await port.deleteStream(name);
    },
  );
});

describe("a live server agrees with every row of the consumer table", () => {
  beforeAll(async () => {
    await port.createStream({ config: { name: "C", subjects: ["a", "b", "c"] }, level: 0 });
  });
  test.each(changeRows(CONSUMER_CHANGES).filter(forTheServer))(
    "$key: $was → $want, in place: $inPlace",
    async ({ key, was, want, inPlace, beside }) => {
      const name = `c${id++}`;
      const spec = (value: unknown) =>
        consumerDialect.parse(
          { stream: "C", name, ...beside, ...(value === undefined ? {} : { [key]: value }), ...companions(key, value) },
          name,
        );
      const request = (value: unknown) => ({
        config: writeConfig(CONSUMER_FIELDS, spec(value).value),
        level: requiredLevel(CONSUMER_FIELDS, spec(value).value),
      });
      expect([...spec(was).problems, ...spec(want).problems]).toEqual([]);
      await port.createConsumer("C", request(was));
      const result = await outcome(port.updateConsumer("C", request(want)));
      expect(result === "accepted", result).toBe(inPlace);
      if (!inPlace) return;
      const after = readConfig(CONSUMER_FIELDS, (await port.readConsumer("C", name))?.config ?? {}, { stream: "C" }).spec;
      expect(diffSpecs(CONSUMER_FIELDS, normaliseConsumer(after), spec(want).value).fields.map(renderChange)).toEqual([]);
    },
  );
});

/** The setting itself, with subjects that only this stream has. */
function own(key: string, value: unknown, name: string): object {
  const apart = (subject: string) => `${name}.${subject}`;
  if (key === "subjects") return { subjects: (value as string[]).map(apart) };
  return value === undefined ? {} : { [key]: value };
}

/** Settings that go with this value and not with the other one. */
function companions(key: string, value: unknown): object {
  if (key === "priorityPolicy") return value === "none" ? {} : { priorityGroups: ["a"] };
  if (key === "priorityGroups") return (value as string[]).length === 0 ? {} : { priorityPolicy: "overflow" };
  if (key === "optStartSeq") return value === 0 ? {} : { deliverPolicy: "by_start_sequence" };
  return {};
}
