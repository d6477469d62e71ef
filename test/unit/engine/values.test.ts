import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { annotateSecrets } from "../../../engine/annotate.ts";
import { deepEqual } from "../../../engine/equality.ts";
import { containsSecret, containsUnknown, isMap, rewrite, unwrapSecrets } from "../../../engine/traversal.ts";
import { Asset, COMPUTED, OutputValue, type PropertyMap, ResourceReference, Secret, type Value } from "../../../engine/values.ts";
import { propertyMaps } from "../../support/engine-values.ts";

const PLAIN = { secrets: false, unknowns: false, outputs: false };

function reversed(map: PropertyMap): PropertyMap {
  const entries = Object.entries(map).reverse();
  return Object.fromEntries(entries.map(([key, value]) => [key, isMap(value) ? reversed(value) : value]));
}

describe("walking values", () => {
  it("finds and removes every secret, however deep, and leaves others alone", () => {
    fc.assert(fc.property(propertyMaps(), (map) => !containsSecret(unwrapSecrets(map))));
    fc.assert(fc.property(propertyMaps(PLAIN), (map) => unwrapSecrets(map) === map && !containsSecret(map) && !containsUnknown(map)));
  });

  it("finds unknowns behind secrets, references and outputs", () => {
    const values = [
      COMPUTED,
      new Secret(COMPUTED),
      new ResourceReference("u", COMPUTED),
      new OutputValue(undefined, false, []),
      { a: [{ b: COMPUTED }] },
    ];
    expect(values.map((value) => containsUnknown(value))).toEqual(values.map(() => true));
  });

  it("rewrites inside new parts too", () => {
    expect(rewrite([1, [1]], (part) => (part === 1 ? 2 : part))).toEqual([2, [2]]);
    expect(unwrapSecrets(new Secret(new Secret({ a: new Secret(1) })) as Value)).toEqual({ a: 1 });
  });
});

describe("equality of values", () => {
  it("holds for a value and itself, whatever the order of keys", () => {
    fc.assert(fc.property(propertyMaps(), (map) => deepEqual(map, reversed(map)) && deepEqual(reversed(map), map)));
  });

  it.each<[string, Value | undefined, Value | undefined, boolean]>([
    ["a secret and its content", new Secret(1), 1, false],
    ["a missing key and null", { a: null }, {}, false],
    ["lists in another order", [1, 2], [2, 1], false],
    ["a list and a map", [], {}, false],
    ["text and number", "1", 1, false],
    ["unknowns", COMPUTED, { ...COMPUTED }, false],
    ["NaN", Number.NaN, Number.NaN, true],
    ["assets of one hash", new Asset("h", { text: "a" }), new Asset("h", { path: "b" }), true],
    ["assets without hash", new Asset("", { text: "a" }), new Asset("", { text: "b" }), false],
    ["outputs with other order of dependencies", new OutputValue(1, false, ["a", "b"]), new OutputValue(1, false, ["b", "a"]), true],
    ["undefined", undefined, undefined, true],
  ])("is decided for %s", (_name, left, right, expected) => {
    expect(deepEqual(left, right)).toBe(expected);
  });
});

describe("secret marks that a provider lost", () => {
  it.each<[string, PropertyMap, PropertyMap, PropertyMap]>([
    ["the key of a secret", { a: 1, b: 2 }, { a: new Secret(1) }, { a: new Secret(1), b: 2 }],
    ["a key inside maps on both sides", { a: { b: 1, c: 2 } }, { a: { b: new Secret(1) } }, { a: { b: new Secret(1), c: 2 } }],
    ["a whole list that holds one", { a: [1, 2] }, { a: [1, new Secret(2)] }, { a: new Secret([1, 2]) }],
    ["a value that is not a map any more", { a: "x" }, { a: { b: new Secret(1) } }, { a: new Secret("x") }],
    ["nothing twice", { a: new Secret(1) }, { a: new Secret(1) }, { a: new Secret(1) }],
    ["nothing that is not there", { b: 1 }, { a: new Secret(1) }, { b: 1 }],
  ])("come back on %s", (_name, values, source, expected) => {
    expect(annotateSecrets(values, source)).toEqual(expected);
  });
});
