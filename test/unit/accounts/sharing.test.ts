import { decode } from "@nats-io/jwt";
import { describe, expect, it } from "vitest";
import { renderActivation } from "../../../accounts/activation.ts";
import type { AccountArgs } from "../../../accounts/args.ts";
import { accountClaims, normaliseClaims, sameClaims } from "../../../accounts/claims.ts";
import { createAccountKeys } from "../../../accounts/identity.ts";
import { hasJetStream, lostTiers } from "../../../accounts/limits.ts";
import { resolveAccounts } from "../../../accounts/spec.ts";
import { renderToken } from "../../../accounts/token.ts";
import { createKey } from "../../../core/nats-keys.ts";

const admin = { roles: { admin: { everything: true } }, users: { one: { role: "admin" } } } satisfies AccountArgs;
const other = { roles: { admin: { everything: true } }, users: { two: { role: "admin" } } } satisfies AccountArgs;
const KEY = createKey("account").publicKey;

function problemsOf(a: AccountArgs, b: AccountArgs = {}) {
  return resolveAccounts({ SYS: { system: true }, A: { ...admin, ...a }, B: { ...other, ...b } }).problems;
}

describe("what servers accept and then ignore is refused here, with path and remedy", () => {
  const stream = { kind: "stream", subject: "s.*" } as const;
  const service = { kind: "service", subject: "q.*" } as const;
  it.each<[string, AccountArgs, string]>([
    ["limits beside tiers", { limits: { jetstream: { tiers: { R1: {} }, streams: 4 } } }, "A.limits.jetstream.tiers"],
    ["no tier at all", { limits: { jetstream: { tiers: {} } } }, "A.limits.jetstream.tiers"],
    ["a tier that is none", { limits: { jetstream: { tiers: { R9: {} } } } }, "A.limits.jetstream.tiers.R9"],
    ["more exports than allowed", { limits: { exports: 0 }, exports: { s: stream } }, "A.limits.exports"],
    ["more imports than allowed", { limits: { imports: 0 }, imports: { s: { ...stream, from: KEY } } }, "A.limits.imports"],
    ["a wildcard export where none may be", { limits: { wildcardExports: false }, exports: { s: stream } }, "A.exports.s.subject"],
    ["overlapping exports", { exports: { a: service, b: { ...service, subject: "q.>" } } }, "A.exports.b.subject"],
    ["a token position without wildcard", { exports: { s: { ...stream, accountTokenPosition: 1 } } }, "A.exports.s.accountTokenPosition"],
    ["latency of a stream", { exports: { s: { ...stream, latency: { sampling: 5, subject: "l" } } } }, "A.exports.s.latency"],
    ["a sampling above 100", { exports: { q: { ...service, latency: { sampling: 101, subject: "l" } } } }, "A.exports.q.latency.sampling"],
    ["a revoked account nobody knows", { exports: { s: { ...stream, revoked: { X: "2026-01-01T00:00:00Z" } } } }, "A.exports.s.revoked.X"],
    ["a revocation without time zone", { exports: { s: { ...stream, revoked: { B: "2026-01-01T00:00:00" } } } }, "A.exports.s.revoked.B"],
    ["an import from nobody", { imports: { s: { ...stream, from: "NOBODY" } } }, "A.imports.s.from"],
    ["an import from itself", { imports: { s: { ...stream, from: "A" } } }, "A.imports.s.from"],
    ["an import of what is not exported", { imports: { s: { ...stream, from: "B" } } }, "A.imports.s.subject"],
    ["a wildcard left out", { imports: { s: { ...stream, from: KEY, as: "local" } } }, "A.imports.s.as"],
    ["a wildcard that is not there", { imports: { s: { ...stream, from: KEY, as: "local.$2" } } }, "A.imports.s.as"],
    [
      "two services in one place",
      { imports: { a: { ...service, from: KEY }, b: { kind: "service", subject: "r.*", from: KEY, as: "q.$1" } } },
      "A.imports.b.as",
    ],
    [
      "weights above 100",
      {
        mappings: {
          a: [
            { subject: "b", weight: 60 },
            { subject: "c", weight: 60 },
          ],
        },
      },
      "A.mappings.a",
    ],
    ["a mapping's wildcard out of range", { mappings: { "a.*": [{ subject: "b.{{wildcard(2)}}" }] } }, "A.mappings.a.*.0.subject"],
    ["a callout user nobody knows", { externalAuthorization: { users: ["nobody"] } }, "A.externalAuthorization.users"],
    ["a callout account nobody knows", { externalAuthorization: { users: ["one"], accounts: ["X"] } }, "A.externalAuthorization.accounts"],
    [
      "a callout key of the wrong kind",
      { externalAuthorization: { users: ["one"], encryptFor: KEY } },
      "A.externalAuthorization.encryptFor",
    ],
    ["traces to a wildcard", { trace: { subject: "t.>" } }, "A.trace.subject"],
    ["a revoked name instead of a key", { revoked: { one: "2026-01-01T00:00:00Z" } }, "A.revoked.one"],
    ["a network that is none", { roles: { ...admin.roles, r: { sources: ["10.0.0.0"] } } }, "A.roles.r.sources.0"],
    ["a time that is none", { roles: { ...admin.roles, r: { times: [{ from: "8:00", to: "18:00:00" }] } } }, "A.roles.r.times.0.from"],
    ["a time zone that is none", { roles: { ...admin.roles, r: { timeZone: "Mars/Olympus" } } }, "A.roles.r.timeZone"],
    [
      "a way to connect that is none",
      { roles: { ...admin.roles, r: { connections: ["carrier-pigeon" as "mqtt"] } } },
      "A.roles.r.connections.0",
    ],
    ["a role and rights of one's own", { users: { one: { role: "admin", rights: {} } } }, "A.users.one.rights"],
    ["rights that hide a role", { users: { admin: { rights: {} }, one: { role: "admin" } } }, "A.users.admin.rights"],
    ["a queue with blanks", { defaultPermissions: { subscribe: { allow: ["a b c"] } } }, "A.defaultPermissions.subscribe.allow.0"],
    ["a misspelt key", { exports: { s: { ...stream, privat: true } as typeof stream } }, "A.exports.s.privat"],
  ])("%s", (_what, args, path) => {
    const problems = problemsOf(args);
    expect(problems.map((problem) => problem.path)).toContain(`accounts.${path}`);
    for (const problem of problems) expect(problem.remedy).toMatch(/\w/);
  });

  it("accepts everything at once when it fits together", () => {
    const exports = {
      orders: { kind: "stream", subject: "orders.*", private: true },
      price: {
        kind: "service",
        subject: "price.*.get",
        accountTokenPosition: 2,
        response: "chunked",
        responseThreshold: "2s",
        latency: { sampling: "headers", subject: "slow" },
      },
    } satisfies AccountArgs["exports"];
    const imports = { orders: { kind: "stream", from: "A", subject: "orders.new", as: "new" } } satisfies AccountArgs["imports"];
    const problems = problemsOf(
      { exports, clusterTraffic: "owner", externalAuthorization: { users: ["one"], accounts: ["B", "*"] } },
      { imports },
    );
    expect(problems).toEqual([]);
  });
});

describe("claims", () => {
  const resolved = (a: AccountArgs, b: AccountArgs = {}) =>
    resolveAccounts({ SYS: { system: true }, A: { ...admin, ...a }, B: { ...other, ...b } }).specs;
  const keys = createAccountKeys({ account: "A", roles: [] });
  const importer = createKey("account");

  it("have names of accounts and users as their keys, and only what is said", () => {
    const [spec] = resolved({
      exports: { orders: { kind: "stream", subject: "orders.>", private: true, revoked: { B: "2026-01-01T00:00:00Z" } } },
      mappings: { a: [{ subject: "b", weight: 50 }] },
      externalAuthorization: { users: ["one"] },
      clusterTraffic: "owner",
      trace: { subject: "t" },
    });
    const sharingKeys = { accounts: { B: importer.publicKey }, users: { one: ["U2", "U1"] }, activations: {} };
    const { nats } = accountClaims(
      { name: "A", publicKey: keys.publicKey, limits: spec!.limits, roles: [], revocations: {}, sharing: spec!.sharing, sharingKeys },
      1,
    );
    expect(nats).toMatchObject({
      exports: [
        { name: "orders", subject: "orders.>", type: "stream", token_req: true, revocations: { [importer.publicKey]: 1767225600 } },
      ],
      mappings: { a: [{ subject: "b", weight: 50 }] },
      authorization: { auth_users: ["U1", "U2"] },
      cluster_traffic: "owner",
      trace: { dest: "t", sampling: 100 },
    });
    expect(nats).not.toHaveProperty("imports");
  });

  it("of imports are the same whenever their activation was signed, and others when it says something else", () => {
    const [, spec] = resolved(
      { exports: { o: { kind: "stream", subject: "o.>", private: true } } },
      { imports: { o: { kind: "stream", from: "A", subject: "o.1" } } },
    );
    expect(spec!.sharing.imports[0]).toMatchObject({ activated: true });
    const at = (iat: number, subject = "o.1") => {
      const activations = { o: renderActivation({ name: "o", kind: "stream", subject }, importer.publicKey, keys.seed, iat) };
      return accountClaims(
        {
          name: "B",
          publicKey: importer.publicKey,
          limits: spec!.limits,
          roles: [],
          revocations: {},
          sharing: spec!.sharing,
          sharingKeys: { accounts: {}, users: {}, activations },
        },
        9,
      );
    };
    expect(sameClaims(at(1), at(2))).toBe(true);
    expect(sameClaims(at(1), at(1, "o.2"))).toBe(false);
    expect(normaliseClaims(at(1))).toEqual(normaliseClaims(at(1)));
  });

  it("of an activation are what the other implementation reads", () => {
    const token = renderActivation({ name: "o", kind: "service", subject: "o.>" }, importer.publicKey, keys.seed, 7);
    expect(decode(token)).toMatchObject({
      iss: keys.publicKey,
      sub: importer.publicKey,
      iat: 7,
      nats: { kind: "service", subject: "o.>", type: "activation", version: 2 },
    });
    expect(
      renderToken(
        { sub: importer.publicKey, name: "o", iat: 7, nats: { type: "activation", version: 2, kind: "service", subject: "o.>" } },
        keys.seed,
      ),
    ).toBe(token);
  });

  it("of tiers replace the flat limits, and leaving one out is seen", () => {
    const limits = (jetstream: NonNullable<AccountArgs["limits"]>["jetstream"]) => resolved({ limits: { jetstream } })[0]!.limits;
    const [r1, both, flat] = [limits({ tiers: { R1: { streams: 3 } } }), limits({ tiers: { R1: {}, R3: {} } }), limits({})];
    expect(accountClaims({ name: "A", publicKey: keys.publicKey, limits: r1, roles: [], revocations: {} }, 1).nats["limits"]).toMatchObject(
      { disk_storage: 0, tiered_limits: { R1: { disk_storage: -1, streams: 3 } } },
    );
    expect([hasJetStream(r1), hasJetStream(limits({ tiers: { R1: { memory: "0", storage: "0" } } }))]).toEqual([true, false]);
    expect([lostTiers(both, r1), lostTiers(flat, r1), lostTiers(r1, both), lostTiers(both, flat), lostTiers(flat, both)]).toEqual([
      ["R3"],
      ["R3"],
      [],
      [],
      [],
    ]);
  });

  it("of a role's users carry every limit", () => {
    const rights = {
      publish: ["a"],
      denyPublish: ["a.secret"],
      subscribe: ["b queue"],
      responses: -1,
      responseTime: "0",
      sources: ["10.0.0.0/8", "fd00::/8"],
      times: [{ from: "08:00:00", to: "18:00:00" }],
      timeZone: "Europe/Berlin",
      subscriptions: 7,
      payload: "1KiB",
      data: "1MiB",
      bearer: true,
      proxyRequired: true,
      connections: ["mqtt", "standard"],
    } satisfies NonNullable<AccountArgs["users"]>[string]["rights"];
    const [spec] = resolved({ users: { ...admin.users, own: { rights, tags: ["team:red"] } } });
    expect(spec!.users["own"]).toMatchObject({ role: "own", tags: ["team:red"] });
    const roles = [{ role: "own", publicKey: "AK", permissions: spec!.roles["own"]! }];
    expect(
      accountClaims({ name: "A", publicKey: keys.publicKey, limits: spec!.limits, roles, revocations: {} }, 1).nats["signing_keys"],
    ).toMatchObject([
      {
        template: {
          pub: { allow: ["$SYS.REQ.USER.INFO", "a"], deny: ["a.secret"] },
          sub: { allow: ["_INBOX_{{name()}}.>", "b queue"] },
          resp: { max: -1, ttl: -1_000_000 },
          src: ["10.0.0.0/8", "fd00::/8"],
          times: [{ start: "08:00:00", end: "18:00:00" }],
          times_location: "Europe/Berlin",
          subs: 7,
          payload: 1024,
          data: 1_048_576,
          bearer_token: true,
          proxy_required: true,
          allowed_connection_types: ["MQTT", "STANDARD"],
        },
      },
    ]);
  });
});
