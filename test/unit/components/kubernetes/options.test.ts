import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ACCOUNTS } from "../../../../accounts/catalog.ts";
import { leafChanges } from "../../../../components/kubernetes/leaf-changes.ts";
import { mergeOver } from "../../../../components/kubernetes/manifest.ts";
import { resolveBus } from "../../../../components/resolve.ts";
import type { Catalog } from "../../../../streams/catalog.ts";
import { OPTIONS, type OptionRow } from "../../../support/kubernetes-options.ts";
import { KITCHEN_SINK, kubernetesBus, rawConfig, WATCHED } from "../../../support/kubernetes-spec.ts";
import { declareMocked, type MockedResource, openTexts } from "../../../support/mocked-bus.ts";

type Declared = ReadonlyMap<string, MockedResource>;

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
}

const EMPTY: Catalog = { streams: {}, keyValue: {}, objectStores: {} };
const ONE_STREAM: Catalog = {
  ...EMPTY,
  streams: { ORDERS: { subjects: ["orders.>"], maxBytes: "1MiB", consumers: { worker: {} } } },
};
/** Fields of a resource that are told one by one; more would tell nothing. */
const MOST_FIELDS = 2;

beforeAll(() => {
  // No cluster is asked, and that is said each time.
  vi.stubEnv("KUBECONFIG", "/nowhere");
  vi.spyOn(console, "log").mockImplementation(() => undefined);
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const known = new Map<string, Promise<Declared>>();

/** What the program declares with these settings; the mocks are shared, so one at a time. */
function declare(kubernetes: unknown, kind: OptionRow["with"]): Promise<Declared> {
  const monitoring = kind === "monitoring" ? { monitoring: { enabled: true } } : {};
  const raw = rawConfig({ target: "kubernetes", ...monitoring, kubernetes });
  const key = JSON.stringify([raw, kind]);
  const streams = kind === "no streams" ? EMPTY : ONE_STREAM;
  const found = known.get(key) ?? declareMocked(resolveBus(raw, { stack: "test", project: "natsbus" }, { streams, accounts: ACCOUNTS }));
  known.set(key, found);
  return found;
}

function changes(before: Declared, after: Declared): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name) => {
    const short = name.replace(/^bus-(kubernetes-)?/, "");
    const [was, is] = [before.get(name), after.get(name)];
    if (was === undefined || is === undefined) return [`${was === undefined ? "+" : "-"}${short}`];
    const fields = leafChanges(was.inputs, is.inputs).map(({ path }) => path);
    if (fields.length === 0) return [];
    return [fields.length > MOST_FIELDS ? short : `${short}: ${fields.join(" ")}`];
  });
}

function nested(key: string, value: unknown): unknown {
  return key.split(".").reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
}

/** Every key of `natsbus:kubernetes` that holds no further keys. */
function allKeys(): string[] {
  const text = readFileSync(new URL("../../../../docs/reference/stack-config.schema.json", import.meta.url), "utf8");
  const config = (JSON.parse(text) as Schema).properties?.["config"]?.properties ?? {};
  return keysIn(config["natsbus:kubernetes"], "");
}

function keysIn(schema: Schema | undefined, path: string): string[] {
  const places = schema === undefined ? [] : [schema, ...(schema.anyOf ?? [])];
  const properties = places.find((place) => place.properties !== undefined)?.properties;
  if (properties === undefined) return [path];
  return Object.entries(properties).flatMap(([key, inner]) => keysIn(inner, path === "" ? key : `${path}.${key}`));
}

describe("the whole program of a bus on Kubernetes", () => {
  test("has a row for every key", () => {
    expect(OPTIONS.map(({ key }) => key)).toEqual(allKeys());
  });

  test.each(OPTIONS)("$key changes exactly what it should", async ({ key, value, also = {}, on = {}, with: kind, changes: wanted }) => {
    const before = await declare(on, kind);
    const after = await declare(mergeOver(mergeOver(on, also), nested(key, value)), kind);
    expect(changes(before, after).sort()).toEqual([...wanted].sort());
  });

  test("hands secrets to the engine as secrets only, whatever is turned on", async () => {
    for (const blocks of [
      {},
      { auth: { mode: "none" } },
      { auth: { mode: "config" } },
      { ...KITCHEN_SINK, cluster: { servers: 5 } },
      WATCHED,
    ]) {
      const resources = await declareMocked(kubernetesBus(blocks));
      expect(resources.size).toBeGreaterThan(15);
      for (const [name, { type, inputs }] of resources) {
        const open = openTexts(inputs).filter((text) => text.includes("SECRET"));
        // Certificates are shown to everybody.
        expect([name, open.filter((text) => !text.includes("SECRET certificate"))]).toEqual([name, []]);
        if (type === "kubernetes:core/v1:Secret")
          expect([name, typeof inputs["stringData"], openTexts(inputs["stringData"])]).toEqual([name, "object", []]);
      }
      const config = [...resources].find(([name]) => /-secret-.*-config$/.test(name));
      expect(JSON.stringify(config)).toContain("server_name");
    }
  });
});
