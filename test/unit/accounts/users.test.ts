import { describe, expect, it } from "vitest";
import { parseCredentials } from "../../../accounts/credentials.ts";
import { createAccountKeys, createOperator, PROVISIONER, updateAccountKeys, updateOperator } from "../../../accounts/identity.ts";
import type { UserInputs, UsersInputs } from "../../../accounts/model.ts";
import { accountKeys, operator as operatorOperations, users as usersOperations } from "../../../accounts/operations.ts";
import { parseToken } from "../../../accounts/token.ts";
import { issueUsers, planUsers } from "../../../accounts/users.ts";
import { publicKeyOf } from "../../../core/nats-keys.ts";
import { UNKNOWN_VALUE } from "../../../core/unknown.ts";

const DAY_MS = 86_400_000;
const START = new Date("2026-01-01T00:00:00Z");
const dayAt = (days: number) => new Date(START.getTime() + days * DAY_MS);
const keys = createAccountKeys({ account: "BUS", roles: ["gitlab", "matrix"] });
const ever: UserInputs = { account: "BUS", role: "gitlab", lifetimeMs: 0, renewBeforeMs: 0 };
const days = (lifetime: number, renew: number): UserInputs => ({ ...ever, lifetimeMs: lifetime * DAY_MS, renewBeforeMs: renew * DAY_MS });
const inputs = (users: Record<string, UserInputs>, accounts: UsersInputs["accounts"] = { BUS: keys }): UsersInputs => ({ users, accounts });
const claimsOf = (credentials: string | undefined) => parseCredentials(credentials ?? "").claims;
const revokedAt = (now: Date) => Math.floor(now.getTime() / 1000);

describe("an operator", () => {
  const operator = createOperator({ name: "dev", systemAccount: "SYS", systemRoles: ["monitoring"] }, START);

  it("signs the system account, and the provisioner belongs to it", () => {
    expect(parseToken(operator.token)).toMatchObject({
      iss: operator.publicKey,
      nats: { system_account: operator.systemPublicKey, signing_keys: [publicKeyOf(operator.signingSeed)] },
    });
    expect(parseToken(operator.systemToken)).toMatchObject({ iss: publicKeyOf(operator.signingSeed), sub: operator.systemPublicKey });
    expect(claimsOf(operator.systemCredentials)).toMatchObject({
      name: PROVISIONER,
      iss: operator.systemRoleKeys[PROVISIONER],
      nats: { issuer_account: operator.systemPublicKey },
    });
  });

  it("keeps all keys, and what servers were started with, when roles change", () => {
    const changed = updateOperator(operator, { name: "dev", systemAccount: "SYS", systemRoles: ["audit"] }, new Date());
    const { systemRoleKeys, systemRoleSeeds, systemRoles, ...rest } = changed;
    expect(operator).toMatchObject(rest);
    expect(Object.keys(systemRoleKeys)).toEqual(["audit", PROVISIONER]);
    expect(systemRoleSeeds[PROVISIONER]).toBe(operator.systemRoleSeeds[PROVISIONER]);
    expect(systemRoles).toEqual(["audit"]);
  });

  it("changes only when asked", () => {
    expect(operatorOperations.diff(operator, { name: "dev", systemAccount: "SYS", systemRoles: ["monitoring"] }).changes).toBe(false);
    expect(operatorOperations.diff(operator, { name: "dev", systemAccount: "SYS", systemRoles: [] }).changes).toBe(true);
  });
});

describe("an account's keys", () => {
  it("stay for roles that stay", async () => {
    const changed = updateAccountKeys(keys, { account: "BUS", roles: ["matrix", "new"] });
    expect(changed).toMatchObject({ publicKey: keys.publicKey, seed: keys.seed });
    expect(changed.roleSeeds["matrix"]).toBe(keys.roleSeeds["matrix"]);
    expect(Object.keys(changed.roleKeys)).toEqual(["matrix", "new"]);
    expect((await accountKeys.diff(keys, { account: "BUS", roles: ["gitlab", "matrix"] })).changes).toBe(false);
    expect((await accountKeys.diff(keys, { account: "BUS", roles: ["gitlab"] })).changes).toBe(true);
  });
});

describe("users", () => {
  it("are signed by their role's key and carry no rights of their own", () => {
    const { credentials, publicKeys } = issueUsers(undefined, inputs({ gitlab: ever }), START);
    const claims = claimsOf(credentials["gitlab"]);
    expect(claims).toMatchObject({ sub: publicKeys["gitlab"], iss: keys.roleKeys["gitlab"], iat: START.getTime() / 1000 });
    expect(claims.nats).toEqual({ type: "user", version: 2, issuer_account: keys.publicKey });
    expect(claims).not.toHaveProperty("exp");
  });

  it("keep their credentials while nothing about them changes, whatever happens to others", () => {
    const before = issueUsers(undefined, inputs({ gitlab: ever, matrix: { ...ever, role: "matrix" } }), START);
    const now = issueUsers(before, inputs({ gitlab: ever, third: ever }), dayAt(5));
    expect(now.credentials["gitlab"]).toBe(before.credentials["gitlab"]);
    expect(Object.keys(now.credentials)).toEqual(["gitlab", "third"]);
    expect(now.revoked).toEqual({ BUS: { [before.publicKeys["matrix"]!]: revokedAt(dayAt(5)) } });
  });

  it("stay revoked, also when others leave later or a user of the same name comes back", () => {
    const first = issueUsers(undefined, inputs({ gitlab: ever, matrix: ever }), START);
    const second = issueUsers(first, inputs({ matrix: ever }), dayAt(1));
    const third = issueUsers(second, inputs({ gitlab: ever }), dayAt(2));
    expect(third.revoked["BUS"]).toEqual({
      [first.publicKeys["gitlab"]!]: revokedAt(dayAt(1)),
      [first.publicKeys["matrix"]!]: revokedAt(dayAt(2)),
    });
    expect(third.publicKeys["gitlab"]).not.toBe(first.publicKeys["gitlab"]);
  });

  it("lose the old credentials when they move to another role", () => {
    const before = issueUsers(undefined, inputs({ bot: ever }), START);
    const now = issueUsers(before, inputs({ bot: { ...ever, role: "matrix" } }), dayAt(1));
    expect(claimsOf(now.credentials["bot"]).iss).toBe(keys.roleKeys["matrix"]);
    expect(now.revoked["BUS"]).toHaveProperty(before.publicKeys["bot"]!);
  });

  it("are renewed within their window, and the old credentials run on to their end", () => {
    const before = issueUsers(undefined, inputs({ bot: days(90, 30) }), START);
    expect(claimsOf(before.credentials["bot"]).exp).toBe(dayAt(90).getTime() / 1000);
    expect(issueUsers(before, inputs({ bot: days(90, 30) }), dayAt(59)).credentials).toEqual(before.credentials);
    const now = issueUsers(before, inputs({ bot: days(90, 30) }), dayAt(60));
    expect(claimsOf(now.credentials["bot"]).exp).toBe(dayAt(150).getTime() / 1000);
    expect(now.revoked).toEqual({});
  });

  it("lose credentials that would outlive the new lifetime", () => {
    const before = issueUsers(undefined, inputs({ bot: ever }), START);
    const now = issueUsers(before, inputs({ bot: days(90, 30) }), dayAt(1));
    expect(now.revoked["BUS"]).toHaveProperty(before.publicKeys["bot"]!);
    const longer = issueUsers(now, inputs({ bot: ever }), dayAt(2));
    expect(longer.revoked).toEqual(now.revoked);
  });

  it("show a renewal in a preview as a change of validity", () => {
    const long = Date.now() - 61 * DAY_MS;
    const planned = planUsers(inputs({ bot: days(90, 30), other: ever }), {}, new Date(long));
    const state = issueUsers(undefined, { ...inputs({ bot: days(90, 30), other: ever }), validity: planned }, new Date(long));
    const { inputs: checked, failures } = usersOperations.check(state, inputs({ bot: days(90, 30), other: ever }));
    expect(failures).toEqual([]);
    expect(checked.validity?.["other"]).toEqual(planned["other"]);
    expect(checked.validity?.["bot"]).not.toEqual(planned["bot"]);
    expect(usersOperations.diff(state, checked).changes).toBe(true);
    expect(usersOperations.diff(state, { ...checked, validity: planned }).changes).toBe(false);
  });

  it("wait for keys that are not there yet, and refuse a role that is not there at all", () => {
    const unknown = usersOperations.check(
      {},
      inputs({ bot: ever }, { BUS: { publicKey: UNKNOWN_VALUE, roleSeeds: UNKNOWN_VALUE as unknown as Record<string, string> } }),
    );
    expect(unknown.failures).toEqual([]);
    expect(usersOperations.diff(issueUsers(undefined, inputs({ bot: ever }), START), unknown.inputs).changes).toBe(true);
    const wrong = usersOperations.check({}, inputs({ bot: { ...ever, role: "nobody" } }));
    expect(wrong.failures).toMatchObject([{ property: "users.bot.role" }]);
  });
});
