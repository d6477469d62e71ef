import { describe, expect, test } from "vitest";
import type { AccountArgs } from "../../../../accounts/args.ts";
import { compareFiles } from "../../../../components/kubernetes/compare.ts";
import { leafChanges } from "../../../../components/kubernetes/leaf-changes.ts";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { renderKubernetes } from "../../../../components/kubernetes/render.ts";
import { changeRisks } from "../../../../components/kubernetes/risk.ts";
import { resolveBus } from "../../../../components/resolve.ts";
import { emptyBus } from "../../../support/host-bus.ts";
import { fakeMaterial, KITCHEN_SINK, kubernetesSpec, rawConfig, type StackBlocks } from "../../../support/kubernetes-spec.ts";

function files(blocks: StackBlocks = {}, secrets: "plain" | "none" = "none") {
  const spec = kubernetesSpec(blocks);
  return renderKubernetes(emptyBus(spec), planKubernetes(spec), { secrets, material: fakeMaterial(spec) });
}

type Accounts = Readonly<Record<string, AccountArgs>>;

const ACCOUNTS = {
  SYS: { system: true },
  APP: {
    limits: { connections: 10 },
    roles: { api: { publish: ["orders.new", "orders.void"], subscribe: ["orders.>"] }, admin: { everything: true } },
    users: { admin: {}, api: { login: "password" }, worker: { role: "api" } },
  },
} as const satisfies Accounts;

/** Rendered files of a bus whose users stand in the servers' configuration. */
function filesOf(accounts: Accounts) {
  const source = { stack: "test", project: "natsbus" };
  const bus = resolveBus(rawConfig({ target: "kubernetes", auth: { mode: "config" } }), source, {
    streams: { streams: {}, keyValue: {}, objectStores: {} },
    accounts,
  });
  return renderKubernetes(bus, planKubernetes(bus.spec), { secrets: "none", material: fakeMaterial(bus.spec) });
}

describe("leaves that differ", () => {
  test("are named by the names of list entries, and by number where there are none", () => {
    const before = {
      a: [
        { name: "x", v: 1 },
        { name: "y", v: 2 },
      ],
      b: [1, 2],
      c: { d: "e" },
    };
    const after = { a: [{ name: "y", v: 2 }, { name: "x", v: 3 }, { name: "z" }], b: [1], c: { d: "e" }, f: true };
    expect(leafChanges(before, after)).toEqual([
      { path: "a[x].v", before: 1, after: 3 },
      { path: "a[z].name", before: undefined, after: "z" },
      { path: "b[1]", before: 2, after: undefined },
      { path: "f", before: undefined, after: true },
    ]);
  });

  test("of lists of different texts are the texts that come and go; where only the order differs, the places", () => {
    expect(leafChanges({ a: ["x", "y"] }, { a: ["w", "y"] })).toEqual([
      { path: "a[x]", before: "x", after: undefined },
      { path: "a[w]", before: undefined, after: "w" },
    ]);
    expect(leafChanges(["x", "y"], ["y", "x"]).map(({ path }) => path)).toEqual(["[0]", "[1]"]);
    expect(leafChanges(["x", "x"], ["x"]).map(({ path }) => path)).toEqual(["[1]"]);
  });

  test("of lists in which a name comes twice are told by number, so that none is lost", () => {
    const user = (level: number) => ({ nkey: "(hidden)", level });
    expect(leafChanges([user(1), user(2)], [user(3), user(2)])).toEqual([{ path: "[0].level", before: 1, after: 3 }]);
  });

  test("are none between equal values", () => {
    expect(leafChanges({ a: [{ b: {} }] }, { a: [{ b: {} }] })).toEqual([]);
  });
});

describe("compared files", () => {
  test("of the same bus do not differ, with Secrets or without", () => {
    expect(compareFiles(files(), files())).toEqual({ objects: [], settings: [] });
    expect(compareFiles(files({}, "plain"), files())).toEqual({ objects: [], settings: [] });
  });

  test("tell objects that come and go", () => {
    const { objects } = compareFiles(files(), files({ kubernetes: { toolbox: { enabled: true }, disruptionBudget: false } }));
    expect(objects.map(({ op, kind, name }) => `${op} ${kind} ${name}`)).toEqual([
      "create Deployment nats-box",
      "create NetworkPolicy nats-toolbox",
      "delete PodDisruptionBudget nats",
    ]);
  });

  test("tell what a changed setting asks of the servers", () => {
    const { settings } = compareFiles(files(), files({ logging: { level: "debug" }, jetstream: { domain: "hub" } }));
    expect(settings.map(({ path, action, before, after }) => [path, action, before, after])).toEqual([
      ["jetstream.domain", "restart", undefined, "hub"],
      ["debug", "reload", false, true],
    ]);
  });

  test("tell who may do what where users stand in the configuration, name by name, and whether servers must restart for it", () => {
    const { APP, SYS } = ACCOUNTS;
    const changed: Accounts = {
      SYS,
      APP: {
        limits: { connections: 20 },
        roles: { ...APP.roles, api: { publish: ["orders.new", "orders.paid"], subscribe: ["orders.>"] } },
        users: { admin: {}, api: { login: "password" }, clerk: { role: "api" } },
      },
    };
    expect(compareFiles(filesOf(ACCOUNTS), filesOf({ APP, SYS }))).toEqual({ objects: [], settings: [] });
    const { settings } = compareFiles(filesOf(ACCOUNTS), filesOf(changed));
    const told = settings.map(({ path, before, after }) => [path.replace("accounts.APP.", ""), before, after]);
    expect(told).toContainEqual(["users[api].permissions.publish.allow[orders.void]", "orders.void", undefined]);
    expect(told).toContainEqual(["users[api].permissions.publish.allow[orders.paid]", undefined, "orders.paid"]);
    expect(told).toContainEqual(["users[(key of worker)].nkey", "(key of worker)", undefined]);
    expect(told).toContainEqual(["users[(key of clerk)].nkey", undefined, "(key of clerk)"]);
    expect(told).toContainEqual(["limits.max_connections", 10, 20]);
    expect(new Set(settings.map(({ action }) => action))).toEqual(new Set(["reload"]));
  });

  test("tell every setting of a block that comes, and variables by their names", () => {
    const zones = { kubernetes: { scheduling: { zones: ["a", "b", "c"] } } };
    const { settings } = compareFiles(files(), files(zones));
    expect(settings.map(({ path, after }) => [path, after])).toEqual([
      ["jetstream.unique_tag", "az:"],
      ["server_tags[$NATS_ZONE_TAG]", "$NATS_ZONE_TAG"],
    ]);
  });

  test("never show a password or key of the server configuration, and all that is not one", () => {
    const serverConfig = {
      accounts: {
        APP: {
          users: [
            { user: "u", password: "hush", permissions: { publish: "orders.>" } },
            { nkey: "UHUSH", allowed_connection_types: ["MQTT"] },
          ],
          exports: [{ stream: "orders.*", account_token_position: 2 }],
        },
      },
      jetstream: { key: "hush", prev_key: "hush", prev_encryption_key: "hush", ek: "hush" },
      authorization: { token: "hush", timeout: 3 },
      cluster: { authorization: { user: "route", password: "hush" }, routes: ["nats://route:hush@n1.example.org:6222"] },
    };
    const leafNodes = { enabled: true, remotes: [{ urls: ["tls://leaf:hush@hub.example.org:7422"] }] };
    const text = files({ auth: { mode: "none" }, serverConfig, kubernetes: { listeners: { leafNodes } } }).find(({ name }) =>
      name.endsWith(".conf"),
    )?.text;
    expect(text).not.toMatch(/hush/i);
    for (const open of ["(hidden)", '"orders.>"', "account_token_position: 2", "timeout: 3", "tls://(hidden)@hub.example.org:7422"])
      expect(text).toContain(open);
  });

  test("never show what only the state knows", () => {
    for (const mode of ["jwt", "config", "none"])
      expect(JSON.stringify(files({ ...KITCHEN_SINK, auth: { mode }, kubernetes: {} }))).not.toMatch(/SECRET|operator\.jwt|system\.jwt/);
  });
});

describe("what is at stake", () => {
  const leaf = (path: string, before: unknown, after: unknown) => [{ path, before, after }];
  test.each([
    ["StatefulSet", "update", leaf("spec.replicas", 3, 2), "data"],
    ["StatefulSet", "update", leaf("spec.replicas", 3, 5), "service"],
    ["StatefulSet", "update", leaf("spec.template.spec.containers[nats].image", "a", "b"), "service"],
    ["StatefulSet", "update", leaf("spec.serviceName", "a", "b"), "service"],
    ["StatefulSet", "update", leaf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain", "Delete"), "data"],
    ["StatefulSet", "update", leaf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Delete", "Retain"), "none"],
    ["StatefulSet", "delete", [], "data"],
    ["Namespace", "delete", [], "data"],
    ["Service", "update", leaf("spec.type", "ClusterIP", "LoadBalancer"), "service"],
    ["NetworkPolicy", "delete", [], "service"],
    ["Secret", "update", leaf("data.x", "a", "b"), "none"],
  ] as const)("%s %s %j: %s", (...row) => {
    const [kind, op, leaves, level] = row;
    expect(changeRisks({ kind, op, leaves })[0]?.level).toBe(level);
  });

  test("is nothing for a label", () => {
    expect(changeRisks({ kind: "StatefulSet", op: "update", leaves: leaf("metadata.labels.team", "a", "b") })).toEqual([]);
  });

  test("is told worst first and once", () => {
    const leaves = [...leaf("spec.template.a", 1, 2), ...leaf("spec.template.b", 1, 2), ...leaf("spec.replicas", 3, 1)];
    expect(changeRisks({ kind: "StatefulSet", op: "update", leaves }).map(({ level }) => level)).toEqual(["data", "service"]);
  });
});
