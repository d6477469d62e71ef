import { expect, test } from "vitest";
import type { DescribedBus } from "../../../operations/describe.ts";
import { countDescribed, undeclared } from "../../../operations/undeclared.ts";
import type { Catalog } from "../../../streams/catalog.ts";
import { joinCatalogs } from "../../../streams/join-catalogs.ts";
import { resolveStreams } from "../../../streams/resolve.ts";

const NOTHING = { streams: {}, keyValue: {}, objectStores: {} };
const OWN: Catalog = {
  streams: { A: { subjects: ["a"], consumers: { one: { maxDeliver: 5 } } }, B: { subjects: ["b"] } },
  keyValue: { settings: {} },
  objectStores: { files: {} },
};
const adopted = (settings: object = {}) => ({ ...settings, adoptionPolicy: "adopt" });
const FOUND: DescribedBus = {
  streams: {
    A: adopted({ subjects: ["a", "z"], consumers: { one: adopted(), two: adopted({ maxDeliver: 9 }) } }),
    B: adopted({ subjects: ["b"] }),
    C: adopted({ subjects: ["c"], consumers: { three: adopted() } }),
    KV_settings: adopted({ subjects: ["$KV.settings.>"] }),
  },
  keyValue: { theirs: adopted() },
  objectStores: { files: adopted(), theirs: adopted() },
  notes: [
    { noun: "stream", name: "A", text: "belongs to us", leftOut: false },
    { noun: "key-value bucket", name: "settings", text: "is a stream", leftOut: false },
    { noun: "object store", name: "files", text: "belongs to us", leftOut: false },
    { noun: "consumer", name: "A/one", text: "belongs to us", leftOut: false },
    { noun: "consumer", name: "A/four", text: "a value cannot be written", leftOut: true },
    { noun: "stream", name: "D", text: "its servers do not answer", leftOut: true },
  ],
};

function declared(catalog: Catalog) {
  const { specs, problems } = resolveStreams(catalog, NOTHING, { servers: 3 });
  expect(problems).toEqual([]);
  return specs;
}

test("only what is not declared is left: a declared stream with its other consumers, and notes about the rest", () => {
  const rest = undeclared(FOUND, declared(OWN));
  expect(rest).toEqual({
    streams: { A: { consumers: { two: adopted({ maxDeliver: 9 }) } }, C: FOUND.streams["C"] },
    keyValue: { theirs: adopted() },
    objectStores: { theirs: adopted() },
    notes: FOUND.notes.filter(({ leftOut }) => leftOut),
  });
  expect(countDescribed(rest)).toEqual({ streams: 1, consumers: 2, keyValue: 1, objectStores: 1 });
});

test("joined with the catalogue everything is declared, in the catalogue's own words where it has any", () => {
  const joined = joinCatalogs(OWN, undeclared(FOUND, declared(OWN)));
  expect(joined.streams["A"]).toEqual({ subjects: ["a"], consumers: { one: { maxDeliver: 5 }, two: adopted({ maxDeliver: 9 }) } });
  const none = undeclared({ ...FOUND, notes: [] }, declared(joined));
  expect(none).toEqual({ ...NOTHING, notes: [] });
  expect(joinCatalogs(OWN, NOTHING)).toEqual(OWN);
});
