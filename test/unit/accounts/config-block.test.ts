import { compareSync } from "bcryptjs";
import { describe, expect, it } from "vitest";
import type { AccountArgs } from "../../../accounts/args.ts";
import { renderAccountsBlock } from "../../../accounts/config-block.ts";
import { findConfigModeProblems, findSignedModeProblems } from "../../../accounts/config-rules.ts";
import { issuePlainUsers, type PlainUsersInputs } from "../../../accounts/plain-users.ts";
import { resolveAccounts } from "../../../accounts/spec.ts";
import { parseLogin } from "../../../core/login.ts";
import { publicKeyOf } from "../../../core/nats-keys.ts";
import { needsSecondReload } from "../../../core/reload.ts";
import type { ServerConfigSpec } from "../../../core/server-config-spec.ts";

const NOW = new Date("2026-05-01T00:00:00Z");
const admin = { roles: { admin: { everything: true } }, users: { one: { role: "admin" } } } satisfies AccountArgs;

function specsOf(a: AccountArgs, b: AccountArgs = {}) {
  const { specs, problems } = resolveAccounts({
    SYS: { system: true },
    A: { ...admin, ...a },
    B: { roles: admin.roles, users: { two: { role: "admin" } }, ...b },
  });
  expect(problems).toEqual([]);
  return specs;
}

describe("accounts in the server configuration", () => {
  it("have users with rights, limits, what they share and map", () => {
    const specs = specsOf(
      {
        roles: {
          ...admin.roles,
          r: { publish: ["p"], denyPublish: ["p.x"], responses: 2, responseTime: "30s", connections: ["mqtt"], proxyRequired: true },
        },
        users: { ...admin.users, u: { role: "r" } },
        limits: { connections: 5, payload: "1KiB", jetstream: { storage: "1MiB", streams: 3, maxBytesRequired: true } },
        exports: {
          open: { kind: "service", subject: "q.*", response: "stream", responseThreshold: "2s", latency: { sampling: 50, subject: "l" } },
          closed: { kind: "stream", subject: "s.>", private: true },
          unused: { kind: "stream", subject: "never", private: true },
        },
        mappings: { a: [{ subject: "b", weight: 40, cluster: "c" }] },
        defaultPermissions: { publish: { deny: ["no"] } },
        trace: { subject: "t", sampling: 7 },
        clusterTraffic: "owner",
      },
      { imports: { s: { kind: "stream", from: "A", subject: "s.1", as: "here" }, q: { kind: "service", from: "A", subject: "q.*" } } },
    );
    const block = renderAccountsBlock(specs, {
      one: [{ nkey: "U1" }],
      u: [
        { user: "u~", password: "hash" },
        { user: "u", password: "old" },
      ],
      two: [{ nkey: "U2" }],
    });
    expect(block["A"]).toEqual({
      users: [
        { nkey: "U1", permissions: { publish: { allow: [">"] }, subscribe: { allow: [">"] } } },
        ...[
          { user: "u~", password: "hash" },
          { user: "u", password: "old" },
        ].map((login) => ({
          ...login,
          permissions: {
            publish: { allow: ["$SYS.REQ.USER.INFO", "p"], deny: ["p.x"] },
            subscribe: { allow: ["_INBOX_u.>"] },
            allow_responses: { max: 2, expires: "30s" },
          },
          allowed_connection_types: ["MQTT"],
          proxy_required: true,
        })),
      ],
      jetstream: { max_store: 1_048_576, max_streams: 3, max_bytes_required: true, cluster_traffic: "owner" },
      limits: { max_connections: 5, max_payload: 1024 },
      exports: [
        { stream: "s.>", accounts: ["B"] },
        { service: "q.*", response_type: "stream", response_threshold: "2s", latency: { sampling: "50%", subject: "l" } },
      ],
      mappings: { a: [{ destination: "b", weight: "40%", cluster: "c" }] },
      default_permissions: { publish: { deny: ["no"] } },
      msg_trace: { dest: "t", sampling: "7%" },
    });
    expect(block["B"]).toMatchObject({
      jetstream: "enabled",
      imports: [{ service: { account: "A", subject: "q.*" } }, { stream: { account: "A", subject: "s.1" }, to: "here" }],
    });
    expect(block["SYS"]).toEqual({ users: [] });
  });

  it.each<[string, AccountArgs, string]>([
    ["tiers", { limits: { jetstream: { tiers: { R1: {} } } } }, "A.limits.jetstream.tiers"],
    ["a limit of imports", { limits: { imports: 4 } }, "A.limits.imports"],
    ["bytes in total", { limits: { data: "1MiB" } }, "A.limits.data"],
    ["no bearers", { limits: { disallowBearer: true } }, "A.limits.disallowBearer"],
    ["networks", { roles: { ...admin.roles, r: { sources: ["10.0.0.0/8"] } } }, "A.roles.r.sources"],
    ["a message size of a user", { roles: { ...admin.roles, r: { payload: "1KiB" } } }, "A.roles.r.payload"],
    ["a template of tags", { roles: { ...admin.roles, r: { publish: ["t.{{tag(team)}}"] } } }, "A.roles.r"],
    ["credentials that end", { users: { one: { role: "admin", lifetime: "1d" } } }, "A.users.one.lifetime"],
    ["tags", { users: { one: { role: "admin", tags: ["a:b"] } } }, "A.users.one.tags"],
    ["the name of a second login", { users: { "one~": { role: "admin" } } }, "A.users.one~"],
    ["revoked keys", { revoked: { "*": "2026-01-01T00:00:00Z" } }, "A.revoked"],
    ["a service for logins", { externalAuthorization: { users: ["one"] } }, "A.externalAuthorization"],
  ])("cannot have %s, and say so", (_what, args, path) => {
    const found = findConfigModeProblems(specsOf(args));
    expect(found).toEqual([
      expect.objectContaining({ code: "ERR_AUTH_MODE", path: `accounts.${path}`, remedy: expect.stringMatching(/\w/) }),
    ]);
  });

  it("alone know logins of their own kind", () => {
    const specs = specsOf({ users: { one: { role: "admin", login: "password" } } });
    expect(findConfigModeProblems(specs)).toEqual([]);
    expect(findSignedModeProblems(specs)).toEqual([expect.objectContaining({ path: "accounts.A.users.one.login" })]);
  });

  it.each([
    ["allowed", { subscribe: ["work.* crew"] }, 1],
    ["denied beside a template", { subscribe: ["work.>"], denySubscribe: ["work.* crew", "{{tag(team)}}.>"] }, 1],
    ["denied alone", { subscribe: ["work.>"], denySubscribe: ["work.* crew"] }, 0],
  ])("a queue group that is %s is refused where servers would lose it", (_how, worker, refusals) => {
    const specs = specsOf({ roles: { ...admin.roles, worker } });
    expect(findSignedModeProblems(specs).map(({ path }) => path)).toEqual(Array(refusals).fill("accounts.A.roles.worker"));
  });
});

describe("logins", () => {
  const inputs = (
    generations: Record<string, number> = {},
    users: PlainUsersInputs["users"] = { key: "nkey", word: "password" },
  ): PlainUsersInputs => ({ users, places: {}, generations });

  it("are a key or a password with its hash, kept as long as nothing changes", async () => {
    const first = await issuePlainUsers(undefined, inputs(), NOW);
    expect(first.logins["key"]).toEqual([{ nkey: publicKeyOf(parseLogin(first.credentials["key"]!, "key").nkeySeed!) }]);
    const [login] = first.logins["word"]! as [{ user: string; password: string }];
    const { user, password } = parseLogin(first.credentials["word"]!, "word");
    expect(user).toBe("word");
    expect(login.password).toMatch(/^\$2b\$11\$/);
    expect(compareSync(password!, login.password)).toBe(true);
    expect(await issuePlainUsers(first, inputs(), NOW)).toMatchObject({ credentials: first.credentials, logins: first.logins });
  });

  it("are two during a rotation, under two names where there are passwords, and one again after the next run", async () => {
    const first = await issuePlainUsers(undefined, inputs(), NOW);
    const both = await issuePlainUsers(first, inputs({ key: 1, word: 1 }), NOW);
    const names = (state: typeof first) => state.logins["word"]!.map((login) => ("user" in login ? login.user : ""));
    expect(both.logins["key"]).toHaveLength(2);
    expect(both.logins["key"]![1]).toEqual(first.logins["key"]![0]);
    expect(names(both)).toEqual(["word~", "word"]);
    const after = await issuePlainUsers(both, inputs({ key: 1, word: 1 }), NOW);
    expect([after.logins["key"], names(after)]).toEqual([[both.logins["key"]![0]], ["word~"]]);
    expect(after.credentials).toEqual(both.credentials);
  });

  it("of another kind begin anew, and a broken file is refused without quoting it", async () => {
    const first = await issuePlainUsers(undefined, inputs(), NOW);
    const other = await issuePlainUsers(first, inputs({}, { key: "password" }), NOW);
    expect(other.logins["key"]).toMatchObject([{ user: "key" }]);
    expect(() => parseLogin('{"user":"a","passwort":"SECRET"}', "a")).toThrow(
      expect.objectContaining({ code: "ERR_CREDENTIALS", message: expect.not.stringContaining("SECRET") }),
    );
  });
});

describe("a second reload", () => {
  const spec = (accounts: Record<string, unknown>) => ({ identity: { kind: "accounts", accounts } }) as unknown as ServerConfigSpec;
  const importing = { imports: [{ service: { account: "A", subject: "q" } }] };
  it("is needed for a new account that imports a service only", () => {
    const minimal = { client: { host: "h", port: 1 }, jetstream: {}, logging: {}, limits: {}, lameDuck: {} };
    const at = (accounts: Record<string, unknown>) => ({ ...minimal, ...spec(accounts) }) as unknown as ServerConfigSpec;
    expect(needsSecondReload(at({ A: {} }), at({ A: {}, B: importing }))).toBe(true);
    expect(needsSecondReload(at({ A: {}, B: {} }), at({ A: {}, B: importing }))).toBe(false);
    expect(needsSecondReload(at({ A: {} }), at({ A: {}, B: { imports: [{ stream: { account: "A", subject: "q" } }] } }))).toBe(false);
  });
});
