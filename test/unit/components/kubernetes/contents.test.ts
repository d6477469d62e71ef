import { describe, expect, test } from "vitest";
import type { AccountArgs } from "../../../../accounts/args.ts";
import { compareFiles } from "../../../../components/kubernetes/compare.ts";
import { changedContents, contentsText } from "../../../../components/kubernetes/contents.ts";
import { resolveBus } from "../../../../components/resolve.ts";
import type { Catalog, CatalogStream } from "../../../../streams/catalog.ts";
import { rawConfig } from "../../../support/kubernetes-spec.ts";

const EVERYTHING = { admin: { everything: true } } as const;
const ACCOUNTS = { SYS: { system: true }, BUS: { roles: EVERYTHING, users: { admin: {} } } } as const;
const ORDERS: CatalogStream = {
  subjects: ["orders.>", "returns.>"],
  maxAge: "7d",
  maxBytes: "64MiB",
  replicas: 3,
  consumers: { worker: { ackPolicy: "explicit" } },
};
const CATALOG: Catalog = {
  streams: { ORDERS },
  keyValue: { settings: { history: 5, maxBytes: "1MiB", entries: { greeting: "hush" } } },
  objectStores: {},
};

function text(catalog: Catalog, accounts: Readonly<Record<string, AccountArgs>> = ACCOUNTS, mode = "jwt"): string {
  const source = { stack: "test", project: "natsbus" };
  return contentsText(resolveBus(rawConfig({ target: "kubernetes", auth: { mode } }), source, { streams: catalog, accounts }));
}

function changes(after: Catalog, accounts: Readonly<Record<string, AccountArgs>> = ACCOUNTS) {
  return changedContents(text(CATALOG), text(after, accounts));
}

const withOrders = (changed: CatalogStream): Catalog => ({ ...CATALOG, streams: { ORDERS: { ...ORDERS, ...changed } } });

describe("what lives in the bus, compared without asking it", () => {
  test("is the same text each time, without values of entries, and equal to itself", () => {
    expect(text(CATALOG)).toBe(text(CATALOG));
    expect(text(CATALOG)).not.toContain("hush");
    expect(changes(CATALOG)).toEqual([]);
  });

  test.each<[string, CatalogStream, string, string, RegExp]>([
    ["a lower limit", { maxAge: "1d" }, "maxAge", "data", /beyond the lower limit are deleted/],
    ["a lower limit of a stream that refuses", { maxBytes: "1MiB", discard: "new" }, "maxBytes", "service", /are refused/],
    ["fewer copies", { replicas: 1 }, "replicas", "data", /3 copies become 1/],
    ["a subject that goes", { subjects: ["orders.>"] }, "subjects", "service", /publishers to returns\.>/],
    ["what cannot be changed", { storage: "memory" }, "storage", "data", /storage cannot be changed in place.*refused, unless/],
    ["retention by interest", { retention: "interest" }, "retention", "data", /every consumer has acknowledged is deleted/],
  ])("tells %s, and what it costs", (...row) => {
    const [, changed, key, level, words] = row;
    const [stream, ...others] = changes(withOrders(changed));
    expect(others).toEqual([]);
    expect(stream).toMatchObject({ kind: "Stream", name: "ORDERS", op: "update" });
    expect(stream?.leaves.map(({ path }) => path)).toContain(key);
    const risk = stream?.risks.find(({ text: said }) => words.test(said));
    expect(risk?.level).toBe(level);
  });

  test("tells no risk where there is none", () => {
    const [stream] = changes(withOrders({ maxAge: "30d", description: "All orders" }));
    expect(stream?.leaves.map(({ path, before, after }) => [path, before, after])).toEqual([
      ["description", "none", "All orders"],
      ["maxAge", "7d", "30d"],
    ]);
    expect(stream?.risks).toEqual([]);
  });

  test("tells what goes by its policy, and what comes", () => {
    const kept = changes({ ...CATALOG, streams: {}, keyValue: { ...CATALOG.keyValue, flags: { maxBytes: "1MiB" } } });
    expect(kept.map(({ op, kind, name, risks }) => [op, kind, name, risks[0]?.level])).toEqual([
      ["delete", "Stream", "ORDERS", "none"],
      ["delete", "Consumer", "ORDERS worker", "none"],
      ["create", "KeyValue", "flags", undefined],
    ]);
    const doomed = { ...CATALOG, streams: { ORDERS: { ...ORDERS, deletionPolicy: "delete" } } } as const;
    const [gone] = changedContents(text(doomed), text({ ...CATALOG, streams: {} }));
    expect(gone?.risks).toEqual([{ level: "data", text: "is deleted with everything it holds" }]);
  });

  test("tells who may do what, where accounts are signed; those of the configuration stand there", () => {
    const BUS = { roles: { ...EVERYTHING, api: { publish: ["orders.new"] } }, users: { admin: {}, api: {} } } as const;
    const [account] = changes(CATALOG, { ...ACCOUNTS, BUS });
    expect(account).toMatchObject({ kind: "Account", name: "BUS", op: "update" });
    expect(account?.leaves.map(({ path }) => path)).toContain("roles.api.publish.allow[orders.new]");
    expect(text(CATALOG, ACCOUNTS, "config")).toContain("Account: {}");
  });

  test("is not told against files of before there was such a text, and all new against none at all", () => {
    const file = { name: "contents.txt", text: text(CATALOG) };
    const other = { name: "1-service-nats.yaml", text: "apiVersion: v1\nkind: Service\nmetadata: { name: nats }\n" };
    expect(compareFiles([other], [other, file]).objects).toEqual([]);
    expect(compareFiles([], [file]).objects.map(({ op }) => op)).toEqual(["create", "create", "create", "create", "create"]);
  });
});
