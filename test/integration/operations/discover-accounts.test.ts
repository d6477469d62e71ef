import { afterAll, beforeAll, expect, test } from "vitest";
import type { AccountArgs } from "../../../accounts/args.ts";
import { accountClaims } from "../../../accounts/claims.ts";
import { createAccountKeys } from "../../../accounts/identity.ts";
import { UNLIMITED } from "../../../accounts/limits.ts";
import { natsAccountPort } from "../../../accounts/nats-port.ts";
import { resolveAccounts } from "../../../accounts/spec.ts";
import { renderToken } from "../../../accounts/token.ts";
import { closeConnections } from "../../../connection/pool.ts";
import { discoverAccounts } from "../../../operations/discover-accounts.ts";
import { type DeclaredAccounts, startDeclaredAccounts } from "../../support/declared-accounts.ts";

const CATALOG: Record<string, AccountArgs> = {
  SHOP: {
    description: 'Shop */ `of` "all"',
    roles: {
      admin: { everything: true },
      clerk: {
        publish: ["orders.>"],
        subscribe: ["orders.done", "work queue"],
        denyPublish: ["orders.secret"],
        responses: 3,
        responseTime: "5s",
        consume: [{ stream: "ORDERS", consumer: "desk", replay: true }],
        sources: ["10.0.0.0/8"],
        times: [{ from: "08:00:00", to: "18:00:00" }],
        timeZone: "Europe/Berlin",
        subscriptions: 7,
        payload: "1MiB",
        connections: ["websocket", "standard"],
      },
    },
    users: { shop: { role: "admin" }, clerk: {} },
    limits: {
      connections: 9,
      payload: "64KiB",
      wildcardExports: true,
      disallowBearer: true,
      jetstream: { tiers: { R1: { storage: "10MiB", streams: 2 }, R3: { storage: "1GiB", maxBytesRequired: true } } },
    },
    exports: {
      orders: { kind: "stream", subject: "orders.>", private: true, description: "Every order" },
      price: {
        kind: "service",
        subject: "price.*",
        response: "stream",
        responseThreshold: "2s",
        latency: { sampling: 50, subject: "lat" },
      },
    },
    mappings: {
      "old.*": [
        { subject: "new.{{wildcard(1)}}", weight: 40 },
        { subject: "newer.{{wildcard(1)}}", weight: 60 },
      ],
    },
    trace: { subject: "traces", sampling: 20 },
    clusterTraffic: "owner",
  },
  DESK: {
    roles: { admin: { everything: true } },
    users: { desk: { role: "admin" } },
    limits: { jetstream: { storage: "100MiB", streams: 5 } },
    defaultPermissions: { publish: { allow: ["a"], deny: ["b"] }, responses: { max: 2, expires: "1m" } },
    imports: {
      orders: { kind: "stream", from: "SHOP", subject: "orders.new.>", as: "shop.orders.>" },
      price: { kind: "service", from: "SHOP", subject: "price.*", as: "ask.$1", share: true },
    },
  },
  DRY: { limits: { jetstream: false }, roles: { none: { subscribe: ["x"] } }, users: { none: {} } },
};

let bus: DeclaredAccounts;
beforeAll(async () => {
  bus = await startDeclaredAccounts(CATALOG, { servers: 1 });
});
afterAll(async () => {
  await closeConnections();
  await bus?.[Symbol.asyncDispose]();
});

/** Accounts as they are meant, users left out. */
function meant(catalog: Readonly<Record<string, AccountArgs>>) {
  return resolveAccounts(catalog).specs.map(({ users: _users, ...spec }) => spec);
}

test("every account is read back from the servers as it was declared, users and the system account apart", async () => {
  const { accounts, notes } = await discoverAccounts(bus.system);
  expect(notes).toEqual([]);
  expect(Object.keys(accounts)).toEqual(["DESK", "DRY", "SHOP"]);
  expect(accounts["DRY"]).toEqual({ limits: { jetstream: false }, roles: { none: { subscribe: ["x"] } } });
  expect(meant(accounts as Record<string, AccountArgs>)).toEqual(meant(CATALOG));
});

test("what other tools signed is described where it can be, with what changes; what cannot be said is left out and named", async () => {
  const port = natsAccountPort(bus.system);
  const push = async (name: string, nats: object, limits = UNLIMITED) => {
    const { publicKey } = createAccountKeys({ account: name, roles: [] });
    const claims = accountClaims({ name, publicKey, limits, roles: [], revocations: {} }, 1_700_000_000);
    const answers = await port.push(renderToken({ ...claims, nats: { ...claims.nats, ...nats } }, bus.operator.signingSeed), 1);
    expect(answers).toEqual([{ server: "n1" }]);
  };
  const key = createAccountKeys({ account: "k", roles: ["k"] }).roleKeys["k"] ?? "";
  const template = { subs: -1, data: -1, payload: -1, pub: { allow: ["a.>"] }, sub: {} };
  await push("PLAIN", { signing_keys: [key] });
  await push("SCOPED", {
    signing_keys: [{ kind: "user_scope", key, role: "writer", template }],
    exports: [{ subject: "b", type: "stream" }],
  });
  await push("TAGGED", { tags: ["team:shop"] });
  const { accounts, notes } = await discoverAccounts(bus.system);
  expect(accounts["PLAIN"]).toEqual({ limits: { jetstream: false } });
  expect(accounts["SCOPED"]).toEqual({
    limits: { jetstream: false },
    roles: { writer: { publish: ["a.>"], subscribe: [">"] } },
    exports: { "stream-1": { kind: "stream", subject: "b" } },
  });
  expect(notes).toEqual([
    { name: "PLAIN", text: expect.stringContaining(key), leftOut: false },
    { name: "SCOPED", text: expect.stringContaining("role writer may also ask who it is"), leftOut: false },
    { name: "TAGGED", text: "it would be read otherwise: tags", leftOut: true },
  ]);
});

test("a user of another account is told that it cannot read them", async () => {
  await expect(discoverAccounts(bus.connectionOf("desk"))).rejects.toMatchObject({ code: "ERR_EXISTING_SYSTEM" });
});
