import { expect, test } from "vitest";
import { pairUp } from "../../../../components/existing/watched.ts";

test.each<[string, (string | undefined)[], string[], Record<string, string>]>([
  ["each URL to the name it said", ["b", "a"], ["a", "b"], { a: "u1", b: "u0" }],
  ["one that is silent to the name that is left", ["b", undefined], ["a", "b"], { a: "u1", b: "u0" }],
  ["two that are silent to none", [undefined, undefined], ["a", "b"], {}],
  ["a silent one to none while two names are left", [undefined, "c"], ["a", "b", "c"], { c: "u1" }],
  ["of two with one name the first", ["a", "a"], ["a"], { a: "u0" }],
  ["what is said where no names are known", ["a", undefined], [], { a: "u0" }],
])("pairs %s", (_what, found, names, pairs) => {
  const urls = found.map((_, index) => `u${index}`);
  expect(Object.fromEntries(pairUp(urls, found, names))).toEqual(pairs);
});
