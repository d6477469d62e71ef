import fc from "fast-check";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, it } from "vitest";
import { deepEqual } from "../../../engine/equality.ts";
import { SIGNATURE_KEY, SIGNATURES, UNKNOWN } from "../../../engine/signatures.ts";
import { containsSecret, containsUnknown } from "../../../engine/traversal.ts";
import { Archive, Asset, COMPUTED, OutputValue, type PropertyMap, ResourceReference, Secret } from "../../../engine/values.ts";
import { decodeStruct, type EncodeOptions, encodeStruct, KEEP_ALL } from "../../../engine/wire.ts";
import { propertyMaps } from "../../support/engine-values.ts";

function viaBytes(map: PropertyMap, options: EncodeOptions): PropertyMap {
  return decodeStruct(structMessages.Struct.deserializeBinary(encodeStruct(map, options).serializeBinary()));
}

/** What a receiver that knows no special values would see. */
function plain(map: PropertyMap, options: EncodeOptions): unknown {
  return encodeStruct(map, options).toJavaScript();
}

describe("the wire form of property bags", () => {
  it("survives a round trip through bytes with every special value", () => {
    fc.assert(fc.property(propertyMaps(), (map) => deepEqual(viaBytes(map, KEEP_ALL), map)));
  });

  it("carries no secret mark and no wrapper toward a receiver that knows none", () => {
    fc.assert(fc.property(propertyMaps(), (map) => !containsSecret(viaBytes(map, {}))));
  });

  it("leaves unknowns out when asked to", () => {
    fc.assert(
      fc.property(
        propertyMaps({ secrets: false, unknowns: true, outputs: false }),
        (map) => !containsUnknown(viaBytes(map, { unknowns: "drop" })),
      ),
    );
  });

  it.each<[string, PropertyMap, EncodeOptions, unknown]>([
    ["a secret kept", { a: new Secret("x") }, KEEP_ALL, { a: { [SIGNATURE_KEY]: SIGNATURES.secret, value: "x" } }],
    ["a secret in clear", { a: new Secret([new Secret("x")]) }, {}, { a: ["x"] }],
    ["an unknown", { a: COMPUTED }, KEEP_ALL, { a: UNKNOWN }],
    ["a custom resource by id", { a: new ResourceReference("urn", "i-1") }, {}, { a: "i-1" }],
    ["a component by URN", { a: new ResourceReference("urn", undefined) }, {}, { a: "urn" }],
    ["a resource without id yet", { a: new ResourceReference("urn", COMPUTED) }, {}, { a: UNKNOWN }],
    [
      "a reference kept",
      { a: new ResourceReference("urn", COMPUTED) },
      KEEP_ALL,
      { a: { [SIGNATURE_KEY]: SIGNATURES.reference, urn: "urn", id: "" } },
    ],
    [
      "an output's content",
      { a: new OutputValue(1, true, []) },
      { secrets: true },
      { a: { [SIGNATURE_KEY]: SIGNATURES.secret, value: 1 } },
    ],
    ["an unknown output", { a: new OutputValue(undefined, false, ["u"]) }, {}, { a: UNKNOWN }],
    [
      "an elided asset",
      { a: new Asset("h", { text: "t" }) },
      { elideAssets: true },
      { a: { [SIGNATURE_KEY]: SIGNATURES.asset, hash: "h" } },
    ],
    [
      "an archive of assets",
      { a: new Archive("h", { assets: { f: new Asset("g", { text: "" }) } }) },
      {},
      { a: { [SIGNATURE_KEY]: SIGNATURES.archive, hash: "h", assets: { f: { [SIGNATURE_KEY]: SIGNATURES.asset, hash: "g", text: "" } } } },
    ],
    ["absent keys and elements", { a: undefined, b: [undefined, 1] } as unknown as PropertyMap, {}, { b: [null, 1] }],
  ])("writes %s", (_name, map, options, expected) => {
    expect(plain(map, options)).toEqual(expected);
  });

  it.each([
    ["a date", new Date(0)],
    ["bytes", new Uint8Array(1)],
    ["a big integer", 1n],
  ])("refuses %s rather than changing it", (_name, value) => {
    expect(() => encodeStruct({ a: value } as unknown as PropertyMap)).toThrow(expect.objectContaining({ code: "ERR_INTERNAL" }));
  });

  it("drops the SDK's extra mark of assets", () => {
    const struct = structMessages.Struct.fromJavaScript({
      a: { [SIGNATURE_KEY]: SIGNATURES.asset, __pulumiAsset: true, hash: "h", text: "t" },
    });
    expect(decodeStruct(struct)).toEqual({ a: new Asset("h", { text: "t" }) });
  });

  it("accepts typed unknowns, and refuses any outside a preview", () => {
    const struct = structMessages.Struct.fromJavaScript({ a: "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7" });
    expect(decodeStruct(struct)).toEqual({ a: COMPUTED });
    expect(() => decodeStruct(struct, { unknowns: "refuse" })).toThrow(expect.objectContaining({ code: "ERR_ENGINE_UNKNOWN_VALUE" }));
  });

  it("keeps NaN and infinities", () => {
    expect(viaBytes({ a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] }, {})).toEqual({
      a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    });
  });
});
