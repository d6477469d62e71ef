import { describe, expect, it } from "vitest";
import type { AccountArgs } from "../../../accounts/args.ts";
import { ACCOUNTS, ADMIN_USER, BUS_ACCOUNT } from "../../../accounts/catalog.ts";
import { resolveAccounts } from "../../../accounts/spec.ts";
import { subjectCovers } from "../../../core/names.ts";
import { catalog } from "../../../streams/catalog.ts";

const bus = (users: AccountArgs["users"] = {}): Record<string, AccountArgs> => ({
  SYS: { system: true },
  BUS: { roles: { admin: { everything: true }, gitlab: { publish: ["gitlab.>"] } }, users: { admin: {}, ...users } },
});

describe("the shipped accounts", () => {
  const { specs, problems } = resolveAccounts(ACCOUNTS);
  const [shipped, system] = specs;

  it("are well formed and give every user the role of its name", () => {
    expect(problems).toEqual([]);
    expect(specs.map(({ name, system }) => [name, system])).toEqual([
      ["BUS", false],
      ["SYS", true],
    ]);
    for (const spec of specs)
      for (const [name, user] of Object.entries(spec.users)) expect(user).toEqual({ role: name, lifetimeMs: 0, renewBeforeMs: 0 });
    expect(Object.keys(shipped?.users ?? {})).toEqual([
      "consciousness",
      "security",
      "performance",
      "orchestration",
      "gitlab",
      "matrix",
      "admin",
    ]);
    expect(Object.keys(system?.users ?? {})).toEqual(["monitoring"]);
  });

  it("keep natsbus's own role in the system account, or it would lock itself out", () => {
    expect(system?.roles["provisioner"]).toEqual({ publish: { allow: [">"], deny: [] }, subscribe: { allow: [">"], deny: [] } });
  });

  it.each(Object.entries(catalog.streams))(
    "let one role work with the stream %s and its consumers",
    (stream, { subjects = [], consumers = {} }) => {
      const roles = Object.entries(shipped?.roles ?? {}).filter(([, { publish }]) =>
        publish.allow.includes(`$JS.API.STREAM.INFO.${stream}`),
      );
      expect(roles).toHaveLength(1);
      const [[, role]] = roles as [(typeof roles)[0]];
      for (const subject of subjects) {
        expect(role.publish.allow.some((allowed) => subjectCovers(allowed, subject))).toBe(true);
        expect(role.subscribe.allow.some((allowed) => subjectCovers(allowed, subject))).toBe(true);
      }
      for (const consumer of Object.keys(consumers))
        expect(role.publish.allow).toContain(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`);
    },
  );

  it("have the user that makes the streams", () => {
    expect(shipped?.name).toBe(BUS_ACCOUNT);
    expect(shipped?.roles[shipped.users[ADMIN_USER]?.role ?? ""]?.publish.allow).toEqual([">"]);
  });
});

describe("a stack's changes", () => {
  it("change what they name and leave the rest", () => {
    const { specs, problems } = resolveAccounts(bus({ gitlab: { lifetime: "30d" } }), {
      BUS: { limits: { connections: 50, jetstream: { storage: "1GiB" } }, users: { gitlab: { lifetime: "90d" } } },
    });
    expect(problems).toEqual([]);
    expect(specs[0]?.limits).toMatchObject({ connections: 50, subscriptions: -1, jetstream: { storageBytes: 2 ** 30, memoryBytes: -1 } });
    expect(specs[0]?.users["gitlab"]).toEqual({ role: "gitlab", lifetimeMs: 90 * 86_400_000, renewBeforeMs: 30 * 86_400_000 });
    expect(Object.keys(specs[0]?.roles ?? {})).toEqual(["admin", "gitlab"]);
  });

  it("leave out with null, and add", () => {
    const { specs, problems } = resolveAccounts(bus({ gitlab: {} }), {
      BUS: { users: { gitlab: null }, roles: { ci: { publish: ["ci.>"] } } },
      OTHER: { limits: { jetstream: false } },
    });
    expect(problems).toEqual([]);
    expect(Object.keys(specs[0]?.users ?? {})).toEqual(["admin"]);
    expect(Object.keys(specs[0]?.roles ?? {})).toEqual(["admin", "gitlab", "ci"]);
    expect(specs[1]).toMatchObject({ name: "OTHER", users: {}, limits: { connections: -1 } });
    expect(resolveAccounts(bus(), { BUS: null }).specs.map(({ name }) => name)).toEqual(["SYS"]);
  });

  it("do not touch the catalogue", () => {
    const before = JSON.stringify(ACCOUNTS);
    resolveAccounts(ACCOUNTS, { BUS: { users: { gitlab: null }, limits: { connections: 1 } } });
    expect(JSON.stringify(ACCOUNTS)).toBe(before);
  });
});

describe("mistakes", () => {
  const cases: { name: string; change: Record<string, Record<string, unknown> | null>; expected: [string, string, RegExp?][] }[] = [
    { name: "unknown key", change: { BUS: { limit: {} } }, expected: [["ERR_CONFIG_KEY", "accounts.BUS.limit", /limits/]] },
    {
      name: "unknown inner key",
      change: { BUS: { limits: { connection: 1 } } },
      expected: [["ERR_CONFIG_KEY", "accounts.BUS.limits.connection", /connections/]],
    },
    {
      name: "wrong type",
      change: { BUS: { limits: { connections: "many" } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.limits.connections"]],
    },
    {
      name: "fraction",
      change: { BUS: { limits: { connections: 1.5 } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.limits.connections"]],
    },
    {
      name: "negative",
      change: { BUS: { limits: { subscriptions: -1 } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.limits.subscriptions"]],
    },
    { name: "unit", change: { BUS: { limits: { payload: "5 apples" } } }, expected: [["ERR_UNIT", "accounts.BUS.limits.payload"]] },
    {
      name: "duration",
      change: { BUS: { users: { admin: { lifetime: "1y" } } } },
      expected: [["ERR_UNIT", "accounts.BUS.users.admin.lifetime"]],
    },
    {
      name: "subject",
      change: { BUS: { roles: { gitlab: { publish: ["gitlab..x"] } } } },
      expected: [["ERR_SUBJECT", "accounts.BUS.roles.gitlab.publish.0"]],
    },
    { name: "role missing", change: { BUS: { users: { ci: {} } } }, expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.users.ci.role"]] },
    { name: "account name", change: { "A B": { limits: { jetstream: false } } }, expected: [["ERR_NAME", "accounts.A B"]] },
    { name: "user name", change: { BUS: { users: { "a/b": { role: "gitlab" } } } }, expected: [["ERR_NAME", "accounts.BUS.users.a/b"]] },
    { name: "no record", change: { BUS: { users: { admin: "yes" } } }, expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.users.admin"]] },
    { name: "unreadable system account", change: { SYS: { limits: 5 as never } }, expected: [["ERR_ACCOUNT_ARGS", "accounts.SYS.limits"]] },
    { name: "no system account", change: { SYS: null }, expected: [["ERR_ACCOUNT_ARGS", "accounts"]] },
    { name: "two system accounts", change: { S2: { system: true } }, expected: [["ERR_ACCOUNT_ARGS", "accounts"]] },
    {
      name: "JetStream in the system account",
      change: { SYS: { limits: { jetstream: {} } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.SYS.limits.jetstream"]],
    },
    {
      name: "reserved role",
      change: { SYS: { roles: { provisioner: {} } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.SYS.roles.provisioner"]],
    },
    {
      name: "user twice",
      change: { SYS: { roles: { admin: {} }, users: { admin: {} } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.users.admin"]],
    },
    {
      name: "renewal too early",
      change: { BUS: { users: { admin: { lifetime: "1h", renewBefore: "2h" } } } },
      expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.users.admin.renewBefore"]],
    },
    { name: "nobody to make streams", change: { BUS: { users: { admin: null } } }, expected: [["ERR_ACCOUNT_ARGS", "accounts.BUS.users"]] },
    { name: "nobody to make streams in a new account", change: { NEW: {} }, expected: [["ERR_ACCOUNT_ARGS", "accounts.NEW.users"]] },
    {
      name: "several at once",
      change: { BUS: { limits: { connections: "x" }, colour: "red" }, "x y": null, NEW: {} },
      expected: [
        ["ERR_ACCOUNT_ARGS", "accounts.BUS.limits.connections"],
        ["ERR_CONFIG_KEY", "accounts.BUS.colour"],
        ["ERR_ACCOUNT_ARGS", "accounts.NEW.users"],
      ],
    },
  ];

  it.each(cases)("are reported with code, place and remedy: $name", ({ change, expected }) => {
    const { problems } = resolveAccounts(bus(), change);
    expect(problems.map(({ code, path }) => [code, path])).toEqual(expected.map(([code, path]) => [code, path]));
    for (const problem of problems) expect(problem.message.length * problem.remedy.length).toBeGreaterThan(0);
    for (const [index, [, , remedy]] of expected.entries()) if (remedy) expect(problems[index]?.remedy).toMatch(remedy);
  });
});
