import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deepEqual } from "../../../engine/equality.ts";
import type { Json } from "../../../engine/events.ts";
import type { ResourceEntry } from "../../../engine/model.ts";
import { CLEAR_TEXT } from "../../../engine/secrets.ts";
import { decodeState, encodeState, parseDocument } from "../../../engine/state.ts";
import { decodeProperties, encodeProperties, type JsonMap } from "../../../engine/state-values.ts";
import { Secret } from "../../../engine/values.ts";
import { propertyMaps } from "../../support/engine-values.ts";

const CODEC = {
  encrypt: (text: string) => Buffer.from(text).toString("base64"),
  decrypt: (text: string) => Buffer.from(text, "base64").toString(),
};
const OPTIONS = { codec: CODEC, salt: "v1:salt", time: new Date(0) };

function entry(name: string, changes: Partial<ResourceEntry> = {}): ResourceEntry {
  return { urn: `urn:pulumi:dev::p::t::${name}`, type: "t", custom: true, id: name, inputs: {}, outputs: {}, ...changes };
}

function document(deployment: JsonMap, version: Json = 3): Json {
  return { version, deployment: { manifest: { time: "", magic: "", version: "" }, ...deployment } };
}

describe("values in the state file", () => {
  it("read back as they were written", () => {
    const maps = propertyMaps({ secrets: true, unknowns: true, outputs: false, prototypeKeys: true });
    fc.assert(
      fc.property(maps, (map) =>
        deepEqual(decodeProperties(JSON.parse(JSON.stringify(encodeProperties(map, OPTIONS))) as JsonMap, CODEC), map),
      ),
    );
  });

  it("never hold a secret in clear", () => {
    const text = JSON.stringify(encodeProperties({ a: new Secret({ b: "hush-1", c: new Secret(["hush-2"]) }) }, OPTIONS));
    expect(text).not.toContain("hush");
    expect(text).toContain("ciphertext");
  });

  it("show secrets when asked to", () => {
    const shown = encodeProperties({ a: new Secret("hush") }, { ...OPTIONS, showSecrets: true });
    expect(shown["a"]).toMatchObject({ plaintext: '"hush"' });
    expect(decodeProperties(shown, CLEAR_TEXT)).toEqual({ a: new Secret("hush") });
  });

  it("keep numbers that JSON does not know", () => {
    const map = { a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] };
    const json = encodeProperties(map, OPTIONS);
    expect(JSON.stringify(json)).toContain("7ff0000000000000");
    expect(decodeProperties(JSON.parse(JSON.stringify(json)) as JsonMap, CODEC)).toEqual(map);
  });

  it("give the same text whatever the order of keys", () => {
    expect(JSON.stringify(encodeProperties({ b: 1, a: { d: 1, c: 2 } }, OPTIONS))).toBe(
      JSON.stringify(encodeProperties({ a: { c: 2, d: 1 }, b: 1 }, OPTIONS)),
    );
  });
});

describe("the state file", () => {
  it("leaves empty fields out and says false only for custom", () => {
    const [written] = encodeState(
      { resources: [entry("a", { custom: false, protect: false, parent: "", dependencies: [] })], pendingOperations: [] },
      OPTIONS,
    ).deployment["resources"] as JsonMap[];
    expect(written).toEqual({ urn: "urn:pulumi:dev::p::t::a", type: "t", custom: false, id: "a" });
  });

  it("needs version 4 and names the features as soon as an entry uses one", () => {
    const plain = encodeState({ resources: [entry("a")], pendingOperations: [] }, OPTIONS);
    expect([plain.version, plain.features]).toEqual([3, undefined]);
    const used = encodeState({ resources: [entry("a", { taint: true, replaceWith: ["urn:x"] })], pendingOperations: [] }, OPTIONS);
    expect([used.version, used.features]).toEqual([4, ["replaceWith", "taint"]]);
  });

  it("keeps fields it does not know", () => {
    const json = document({ resources: [{ urn: "urn:a", type: "t", custom: true, viewOf: "urn:b" }], snippets: [1] }, 4);
    const snapshot = decodeState(parseDocument(json), CODEC);
    const written = encodeState(snapshot, OPTIONS);
    expect(written).toMatchObject({
      version: 4,
      features: ["snippets-prototype", "views"],
      deployment: { snippets: [1], resources: [{ viewOf: "urn:b" }] },
    });
  });

  it.each<[string, Json, string]>([
    ["a list", [], "ERR_STATE_CORRUPT"],
    ["an empty object", {}, "ERR_STATE_CORRUPT"],
    ["no deployment", { version: 3 }, "ERR_STATE_CORRUPT"],
    ["an older version", document({}, 2), "ERR_STATE_VERSION"],
    ["a newer version", document({}, 5), "ERR_STATE_VERSION"],
    ["an unknown feature", { ...(document({}, 4) as JsonMap), features: ["telepathy"] }, "ERR_STATE_VERSION"],
    ["wrong magic", { version: 3, deployment: { manifest: { magic: "0", version: "v3" } } }, "ERR_STATE_CORRUPT"],
    ["no manifest", { version: 3, deployment: {} }, "ERR_STATE_CORRUPT"],
    ["resources that are no list", document({ resources: 1 }), "ERR_STATE_CORRUPT"],
    ["an entry without URN", document({ resources: [{ type: "t" }] }), "ERR_STATE_CORRUPT"],
    ["dependencies that are no list", document({ resources: [{ urn: "urn:a", type: "t", dependencies: "b" }] }), "ERR_STATE_CORRUPT"],
    [
      "a secret without text",
      document({
        resources: [{ urn: "urn:a", type: "t", inputs: { a: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" } } }],
      }),
      "ERR_STATE_CORRUPT",
    ],
  ])("refuses %s", (_name, json, code) => {
    expect(() => decodeState(parseDocument(json), CODEC)).toThrow(expect.objectContaining({ code, remedy: expect.stringMatching(/./) }));
  });
});
