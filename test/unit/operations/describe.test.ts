import { stripTypeScriptTypes } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderCatalogCode } from "../../../operations/catalog-code.ts";
import { compareBus } from "../../../operations/compare.ts";
import { type DescribedBus, describeBus, type Settings } from "../../../operations/describe.ts";
import { catalog } from "../../../streams/catalog.ts";
import type { ResolvedCatalog } from "../../../streams/resolve.ts";
import { streamDialect } from "../../../streams/spec.ts";
import { streamArgs } from "../streams/arbitrary.ts";
import { declare, liveOf, owners, streamInfo } from "./live.ts";

type Discovered = Pick<DescribedBus, "streams" | "keyValue" | "objectStores">;

/** What the module exports, loaded as Node loads it. */
async function load(code: string): Promise<Discovered> {
  const module = (await import(`data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(code))}`)) as { imported: Discovered };
  return module.imported;
}

function streamOf(args: Settings): ResolvedCatalog {
  const { value: spec } = streamDialect.parse(args, "S");
  return {
    streams: [{ path: "S", args: { name: spec.name }, spec, needs: [] }],
    consumers: [],
    keyValue: [],
    objectStores: [],
    entries: [],
    objects: [],
  };
}

const only = (name: string, config: Settings) => ({
  streams: new Map([[name, streamInfo({ name, subjects: [name], duplicate_window: 120e9, ...config })]]),
  consumers: new Map(),
  unknown: new Set<string>(),
});

test("the shipped catalogue, running, is described as the catalogue that adopts it", async () => {
  const declared = declare(catalog);
  const described = describeBus(liveOf(declared));
  const { streams, keyValue, objectStores } = await load(renderCatalogCode(described, "nats://here"));
  const again = declare({ streams, keyValue, objectStores });
  expect(compareBus(again, liveOf(declared), owners)).toEqual({ equal: 10, differences: [] });
  expect(streams["SECURITY"]).toMatchObject({ denyDelete: true, denyPurge: true, adoptionPolicy: "adopt" });
  expect(Object.keys(streams["SECURITY"] ?? {})).not.toContain("duplicateWindow");
  expect(described.notes.every(({ leftOut, text }) => !leftOut && text.startsWith("it belongs to owner/"))).toBe(true);
});

test("any stream is described exactly, with no setting too many, or left out with the reason", () => {
  fc.assert(
    fc.property(streamArgs, (args) => {
      const declared = streamOf(args);
      const { name } = declared.streams[0]?.spec ?? { name: "" };
      const { streams, notes } = describeBus(liveOf(declared));
      const settings = streams[name];
      if (settings === undefined) return void expect(notes.filter(({ leftOut }) => leftOut)).toHaveLength(1);
      const { adoptionPolicy, ...own } = settings;
      expect(adoptionPolicy).toBe("adopt");
      const differs = (written: Settings) => compareBus(streamOf({ ...written, name }), liveOf(declared), owners).differences.length > 0;
      expect(differs(own)).toBe(false);
      for (const key of Object.keys(own).filter((one) => one !== "replicas")) {
        const { [key]: _one, ...fewer } = own;
        expect(differs(fewer) || streamDialect.parse({ ...fewer, name }, "S").problems.length > 0, key).toBe(true);
      }
    }),
  );
});

describe("what a cluster says is data, never code", () => {
  test.each(["__proto__", 'a"b', "$" + "{x}", "`", "constructor", "1a", "a'b"])("a stream named %j", async (name) => {
    const words = { description: `*/ ${name}\n// x`, metadata: { [`of ${name}`]: `\\${name}\u2028` } };
    const { streams } = await load(renderCatalogCode(describeBus(only(name, words)), `nats://${name}*/ boom();`));
    expect(Object.keys(streams)).toEqual([name]);
    expect(Object.values(streams)[0]).toMatchObject({ ...words, adoptionPolicy: "adopt" });
  });

  test.each(["a\\", "\u2028", "a.b"])("a stream that cannot be declared as %j is left out", (name) => {
    expect(describeBus(only(name, {}))).toMatchObject({ streams: {}, notes: [{ leftOut: true }] });
  });

  test("a note never ends its line", () => {
    const described = describeBus(only("A\nboom();", {}));
    expect(
      renderCatalogCode(described, "x")
        .split("\n")
        .filter((line) => line.startsWith("boom")),
    ).toEqual([]);
  });
});

describe("buckets", () => {
  const kv = {
    subjects: ["$KV.b.>"],
    max_msgs_per_subject: 3,
    discard: "new",
    allow_rollup_hdrs: true,
    allow_direct: true,
    deny_delete: true,
  };

  test("are told by name and subjects", () => {
    expect(describeBus(only("KV_b", kv)).keyValue).toEqual({ b: { history: 3, replicas: 1, adoptionPolicy: "adopt" } });
    expect(Object.keys(describeBus(only("KV_b", { ...kv, subjects: ["other"] })).streams)).toEqual(["KV_b"]);
  });

  test("that are more than a bucket can say stay streams, with a note", () => {
    const { streams, keyValue, notes } = describeBus(only("KV_b", { ...kv, max_msgs: 7 }));
    expect([Object.keys(streams), Object.keys(keyValue)]).toEqual([["KV_b"], []]);
    expect(notes).toEqual([{ noun: "key-value bucket", name: "b", text: expect.stringContaining("maxMsgs 7 → -1"), leftOut: false }]);
  });
});

test("what does not answer, and what a newer server added, is told", () => {
  const live = { ...only("S", { future: 1 }), unknown: new Set(["GONE"]) };
  expect(describeBus(live).notes).toEqual([
    { noun: "stream", name: "GONE", text: "its servers do not answer", leftOut: true },
    { noun: "stream", name: "S", text: expect.stringContaining("does not know future"), leftOut: false },
  ]);
});
