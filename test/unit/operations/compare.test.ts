import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBus, type Difference, isDifferent } from "../../../operations/compare.ts";
import type { LiveBus } from "../../../operations/live-bus.ts";
import { catalog } from "../../../streams/catalog.ts";
import { normaliseStream } from "../../../streams/normalise.ts";
import { streamDialect } from "../../../streams/spec.ts";
import { streamArgs } from "../streams/arbitrary.ts";
import { consumerInfo, declare, liveOf, owners, streamInfo } from "./live.ts";

const held = { messages: 5, bytes: 2_048, firstTime: "2026-01-01T00:00:00Z" };

/** The only difference between two catalogues, one of them running. */
function only(was: object, want: object, state = {}): Difference {
  const { differences } = compareBus(declare(want), liveOf(declare(was), state), owners);
  expect(differences).toHaveLength(1);
  return differences[0] as Difference;
}

describe("what runs as it is declared is equal", () => {
  test("the shipped catalogue", () => {
    const declared = declare(catalog);
    const result = compareBus(declared, liveOf(declared), owners);
    expect(result).toEqual({ equal: 10, differences: [] });
    expect(isDifferent(result)).toBe(false);
  });

  test("any stream", () => {
    fc.assert(
      fc.property(streamArgs, (args) => {
        const { value } = streamDialect.parse({ ...args }, "S");
        const spec = normaliseStream(value);
        const declared = {
          streams: [{ path: "S", args: { name: spec.name }, spec, needs: [] }],
          consumers: [],
          keyValue: [],
          objectStores: [],
          entries: [],
          objects: [],
        };
        expect(compareBus(declared, liveOf(declared), owners).differences).toEqual([]);
      }),
    );
  });
});

describe("an object that is not as declared", () => {
  const stream = (settings: object) => ({ streams: { S: { subjects: ["s.>"], ...settings } } });

  test("is missing: up creates it", () => {
    expect(only({}, stream({}))).toEqual({ kind: "missing", noun: "stream", name: "S", step: "create", fields: [] });
  });

  test("is extra: up leaves it alone; consumers of an extra stream are not told one by one", () => {
    const was = { streams: { S: { consumers: { c: {} } } }, keyValue: { k: {} }, objectStores: { o: {} } };
    const { differences } = compareBus(declare({}), liveOf(declare(was), held), owners);
    expect(differences.map(({ kind, noun, name, step }) => `${kind} ${noun} ${name} ${step}`)).toEqual([
      "extra stream S leave",
      "extra key-value bucket k leave",
      "extra object store o leave",
    ]);
    expect(differences[0]?.reason).toBe("5 messages, 2KiB, 0 consumers");
    expect(only({ streams: { S: { consumers: { c: {} } } } }, { streams: { S: {} } })).toMatchObject({
      noun: "consumer",
      name: "S/c",
      kind: "extra",
    });
  });

  test.each([
    ["maxMsgs", {}, { maxMsgs: 2 }, { was: "-1", want: "2", effect: "update", costs: ["deletes the 3 oldest messages"] }],
    [
      "maxAge",
      {},
      { maxAge: "1d" },
      { was: "0", want: "1d", effect: "update", costs: [expect.stringContaining("older than the new age")] },
    ],
    ["denyPurge", {}, { denyPurge: true }, { was: "false", want: "true", effect: "one-way", costs: ["cannot be taken back"] }],
    [
      "mirror",
      { subjects: [], mirror: { name: "O" } },
      { subjects: [], mirror: null },
      { effect: "one-way", costs: [expect.stringContaining("ordinary stream")] },
    ],
    ["maxConsumers", {}, { maxConsumers: 5 }, { effect: "update", costs: [] }],
  ])("%s: is updated, with what that costs", (key, was, want, expected) => {
    const difference = only(stream(was), stream(want), held);
    expect(difference).toMatchObject({ kind: "differs", step: "update" });
    expect(difference.fields.find((field) => field.key === key)).toMatchObject(expected);
  });

  test("limits and interest go both ways, so that neither is one-way", () => {
    expect(only(stream({}), stream({ retention: "interest" })).fields[0]?.effect).toBe("update");
  });

  test("a change that would delete everything is refused, with the words of the plan", () => {
    const { step, reason, remedy, fields } = only(stream({}), stream({ retention: "interest" }), held);
    expect({ step, costs: fields[0]?.costs }).toEqual({ step: "refuse", costs: ["deletes all 5 messages, because no consumer exists"] });
    expect(reason).toContain("deletes all 5 messages");
    expect(remedy).toContain("replacePolicy");
  });

  test.each([
    [held, {}, "refuse", /5 messages/],
    [{}, {}, "recreate", /holds nothing/],
    [held, { replacePolicy: "recreate" }, "recreate", /lose 5 messages/],
  ])("a fixed field, holding %j with %j: %s", (state, policy, step, reason) => {
    const difference = only(stream({}), stream({ storage: "memory", ...policy }), state);
    expect(difference).toMatchObject({ step, reason: expect.stringMatching(reason) });
    expect(difference.fields).toMatchObject([{ key: "storage", effect: "replace", reason: expect.stringContaining("chosen") }]);
  });

  test("settings of buckets have the names of buckets", () => {
    const difference = only(
      { keyValue: { k: {} } },
      { keyValue: { k: { history: 5, ttl: "1d", maxValueSize: "1KiB", limitMarkerTtl: "5s" } } },
    );
    expect(difference).toMatchObject({ noun: "key-value bucket", name: "k" });
    expect(difference.fields.map(({ key }) => key)).toEqual(expect.arrayContaining(["history", "ttl", "maxValueSize", "limitMarkerTtl"]));
  });

  test("a consumer that would lose its position is refused", () => {
    const running = declare({ streams: { S: { consumers: { c: {} } } } });
    const live = liveOf(running);
    const found = live.consumers.get("S/c");
    const used: LiveBus = {
      ...live,
      consumers: new Map([["S/c", { stream: "S", info: consumerInfo({ ...found?.info.config }, { delivered: 3, ackFloor: 2 }) }]]),
    };
    const { differences } = compareBus(declare({ streams: { S: { consumers: { c: { ackPolicy: "all" } } } } }), used, owners);
    expect(differences).toMatchObject([{ noun: "consumer", name: "S/c", step: "refuse", reason: expect.stringContaining("sequence 2") }]);
  });
});

describe("an object that somebody else made", () => {
  const foreign = (policy: object, metadata: object) => {
    const live: LiveBus = {
      streams: new Map([["S", streamInfo({ name: "S", subjects: ["S"], duplicate_window: 120e9, num_replicas: 1, metadata }, held)]]),
      consumers: new Map(),
      unknown: new Set(),
    };
    return compareBus(declare({ streams: { S: policy } }), live, owners).differences;
  };

  test("is refused, and says whose it is", () => {
    expect(foreign({}, {})).toMatchObject([{ step: "refuse", fields: [], reason: expect.stringContaining("natsbus did not make it") }]);
    expect(foreign({}, { "natsbus.owner": "a/b/c" })).toMatchObject([{ step: "refuse", reason: expect.stringContaining("a/b/c") }]);
  });

  test("is taken over where the catalogue says so", () => {
    expect(foreign({ adoptionPolicy: "adopt" }, {})).toMatchObject([{ step: "adopt", fields: [] }]);
    expect(foreign({ adoptionPolicy: "adopt" }, { "natsbus.owner": "owner/S" })).toEqual([]);
  });
});

test("what does not answer is unknown, never missing, and no difference for certain", () => {
  const declared = declare({ streams: { S: { consumers: { c: {} } } } });
  const live = { ...liveOf(declare({})), unknown: new Set(["S", "OTHER"]) };
  const result = compareBus(declared, live, owners);
  expect(result.differences.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["unknown S", "unknown S/c", "unknown OTHER"]);
  expect(isDifferent(result)).toBe(false);
  expect(result.equal).toBe(0);
});
