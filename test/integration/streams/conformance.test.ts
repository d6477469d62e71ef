import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../../connection/pool.ts";
import { type ErrorCode, isBusError } from "../../../core/errors.ts";
import { compareVersions } from "../../../core/version.ts";
import { CONSUMER_FIELDS } from "../../../streams/consumer-fields.ts";
import { diffSpecs, renderChange } from "../../../streams/diff.ts";
import type { FieldTable } from "../../../streams/field.ts";
import { STREAM_FIELDS } from "../../../streams/fields.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { normaliseConsumer, normaliseStream } from "../../../streams/normalise.ts";
import type { StreamPort } from "../../../streams/port.ts";
import { consumerDialect, streamDialect } from "../../../streams/spec.ts";
import { readConfig, requiredLevel, type WireConfig, writeConfig } from "../../../streams/wire.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { testVersions } from "../../support/server-versions.ts";
import { CONSUMER_CHANGES, changeRows, STREAM_CHANGES } from "../../unit/streams/changes.ts";

const versions = await testVersions();
const missing = versions.filter(({ binary }) => binary === undefined);
for (const { version, why } of missing) process.stderr.write(`conformance: skipped with nats-server ${version}: ${why}\n`);

let cluster: TestCluster;
let port: StreamPort;
let id = 0;

/** What the server said: it took the change, or refused it with this. */
interface Outcome {
  readonly accepted: boolean;
  readonly code?: ErrorCode;
  /** The server's words, or ours. */
  readonly words: string;
}

const ATTEMPTS = 8;
const PAUSE_MS = 250;
// A young cluster on a busy machine: a request goes unanswered, a peer counts as offline until it has spoken again, 2.12.4 may not find what it has just made.
// Every request here may be made twice.
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "ERR_JETSTREAM_TIMEOUT",
  "ERR_JETSTREAM_LEADER",
  "ERR_PEER_OFFLINE",
  "ERR_STREAM_CONFLICT",
]);

async function outcome(write: () => Promise<unknown>): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      await write();
      return { accepted: true, words: "accepted" };
    } catch (error) {
      if (!isBusError(error)) throw error;
      if (!PASSING.has(error.code) || attempt === ATTEMPTS) return { accepted: false, code: error.code, words: error.message };
      await delay(PAUSE_MS);
    }
  }
}

/** Configuration of an object that is being moved, perhaps, so that nobody may answer for it at first. */
async function answered(read: () => Promise<{ readonly config: WireConfig } | undefined>): Promise<WireConfig> {
  let config: WireConfig = {};
  await outcome(async () => {
    config = (await read())?.config ?? {};
  });
  return config;
}

type Row = ReturnType<typeof changeRows>[number];

// A change of identity makes another object, the server accepts a later first sequence without effect, and a mirror's origin decides on direct reads.
const notForTheServer = new Set(["name", "stream", "firstSeq", "mirrorDirect"]);
const forTheServer = ({ key }: Row) => !notForTheServer.has(key);

/** What the table predicts for this version: the field may be too new for it, or its rule another one. */
function prediction(fields: FieldTable, version: string, { key, inPlace }: Row) {
  const { since, change } = fields[key]!;
  const known = compareVersions(version, `${since}.0`) >= 0;
  const { before } = change;
  const older = before !== undefined && compareVersions(version, before.version) < 0;
  const refusal = older ? before.refusal : change.refusal;
  return { known, inPlace: older ? before.inPlace : inPlace, refusal };
}

/** Whether the answer is the predicted one, down to the server's error number. */
function expectPredicted(result: Outcome, predicted: { readonly inPlace: boolean; readonly refusal?: string | undefined }): void {
  expect(result.accepted, result.words).toBe(predicted.inPlace);
  if (!predicted.inPlace && predicted.refusal !== undefined) expect(result.words).toContain(`[server ${predicted.refusal}]`);
}

describe.each(versions.filter(({ binary }) => binary !== undefined))("nats-server $version", ({ version, binary }) => {
  beforeAll(async () => {
    cluster = await startCluster(binary === undefined ? {} : { binary });
    port = await openStreamPort({ servers: cluster.urls, timeoutMs: 3_000 });
    await outcome(() => port.createStream({ config: { name: "C", subjects: ["a", "b", "c"] }, level: 0 }));
  });
  afterAll(async () => {
    await closeConnections();
    await cluster[Symbol.asyncDispose]();
  });

  test.each(changeRows(STREAM_CHANGES).filter(forTheServer))("stream $key: $was → $want, in place: $inPlace", async (row) => {
    const { key, was, want, beside } = row;
    const name = `S${id++}`;
    const spec = (value: unknown) => streamDialect.parse({ name, replicas: 1, ...beside, ...own(key, value, name) }, name);
    const request = (value: unknown) => ({
      config: writeConfig(STREAM_FIELDS, spec(value).value),
      level: requiredLevel(STREAM_FIELDS, spec(value).value),
    });
    expect([...spec(was).problems, ...spec(want).problems]).toEqual([]);
    const predicted = prediction(STREAM_FIELDS, version, row);
    const first = request(was);
    const { sealed: _later, ...unsealed } = first.config;
    const made = await outcome(() => port.createStream({ ...first, config: unsealed }));
    if (!predicted.known) {
      const changed = made.accepted ? await outcome(() => port.updateStream(request(want))) : made;
      return void expect(changed).toMatchObject({ accepted: false, code: "ERR_SERVER_VERSION" });
    }
    expect(made.words).toBe("accepted");
    if (first.config["sealed"] === true) await outcome(() => port.updateStream(first));
    expectPredicted(await outcome(() => port.updateStream(request(want))), predicted);
    if (!predicted.inPlace) return;
    const after = readConfig(STREAM_FIELDS, await answered(() => port.readStream(name))).spec;
    expect(diffSpecs(STREAM_FIELDS, normaliseStream(after), spec(want).value).fields.map(renderChange)).toEqual([]);
  });

  test.each(changeRows(CONSUMER_CHANGES).filter(forTheServer))("consumer $key: $was → $want, in place: $inPlace", async (row) => {
    const { key, was, want, beside } = row;
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
    expect((await outcome(() => port.createConsumer("C", request(was)))).words).toBe("accepted");
    const predicted = prediction(CONSUMER_FIELDS, version, row);
    expectPredicted(await outcome(() => port.updateConsumer("C", request(want))), predicted);
    if (!predicted.inPlace) return;
    const after = readConfig(CONSUMER_FIELDS, await answered(() => port.readConsumer("C", name)), { stream: "C" }).spec;
    expect(diffSpecs(CONSUMER_FIELDS, normaliseConsumer(after), spec(want).value).fields.map(renderChange)).toEqual([]);
  });
});

test.for(missing)("nats-server $version", ({ why }, { skip }) => skip(why));

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
