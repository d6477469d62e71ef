import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCredentials } from "../../../accounts/credentials.ts";
import { createAccountKeys, createOperator, updateAccountKeys, updateOperator } from "../../../accounts/identity.ts";
import type { UsersInputs, UsersState } from "../../../accounts/model.ts";
import { users as operations } from "../../../accounts/operations.ts";
import { nextPhase, type RotationPhase } from "../../../accounts/rotation.ts";
import { parseToken } from "../../../accounts/token.ts";
import { issueUsers } from "../../../accounts/users.ts";
import { publicKeyOf } from "../../../core/nats-keys.ts";

const NOW = new Date("2026-05-01T00:00:00Z");
const LATER = new Date("2026-05-02T00:00:00Z");
const DAY_MS = 86_400_000;
const keys = createAccountKeys({ account: "BUS", roles: ["gitlab", "admin"] });
const inputs = (generations: Record<string, number>, more: Partial<UsersInputs> = {}): UsersInputs => ({
  users: {
    gitlab: { account: "BUS", role: "gitlab", lifetimeMs: 0, renewBeforeMs: 0 },
    admin: { account: "BUS", role: "admin", lifetimeMs: 0, renewBeforeMs: 0 },
  },
  accounts: { BUS: keys },
  generations,
  ...more,
});

/** One `up`: check, then create or update, as the engine calls them. */
function up(before: UsersState | undefined, news: UsersInputs, now = NOW): UsersState {
  const { inputs: planned } = operations.check(before ?? {}, news);
  return issueUsers(before, planned, now);
}

describe("phases", () => {
  it("begin with a larger number, end with the next run, and are nothing where nothing was rotated", () => {
    const one = nextPhase(undefined, { generation: 1, isNew: false }, NOW);
    expect(one).toEqual({ generation: 1, overlapSince: NOW.toISOString() });
    expect(nextPhase(one, { generation: 1, isNew: false }, LATER)).toEqual({ generation: 1 });
    expect(nextPhase({ generation: 1 }, { generation: 1, isNew: false }, LATER)).toEqual({ generation: 1 });
    expect(nextPhase(undefined, { generation: 0, isNew: false }, NOW)).toBe(undefined);
    expect(nextPhase(undefined, { generation: 4, isNew: true }, NOW)).toEqual({ generation: 4 });
  });

  it("come to rest after one run more than the last change, whatever was asked before", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 }), { minLength: 1 }), (wanted) => {
        let phase: RotationPhase | undefined;
        for (const generation of [...wanted, wanted.at(-1) ?? 0]) phase = nextPhase(phase, { generation, isNew: false }, NOW);
        expect(phase?.overlapSince).toBe(undefined);
        expect(phase?.generation ?? 0).toBe(wanted.at(-1));
        expect(nextPhase(phase, { generation: wanted.at(-1) ?? 0, isNew: false }, LATER)).toEqual(phase);
      }),
    );
  });
});

describe("a rotated user", () => {
  const first = up(undefined, inputs({}));
  const second = up(first, inputs({ gitlab: 1 }));
  const third = up(second, inputs({ gitlab: 1 }), LATER);

  it("has a second credential beside the first, and the first is refused by the run after", () => {
    expect(second.publicKeys["gitlab"]).not.toBe(first.publicKeys["gitlab"]);
    expect(second.retiring).toEqual({ gitlab: { publicKey: first.publicKeys["gitlab"], account: "BUS" } });
    expect(second.revoked).toEqual({});
    expect(third.publicKeys).toEqual(second.publicKeys);
    expect(third.credentials).toEqual(second.credentials);
    expect(third.revoked).toEqual({ BUS: { [first.publicKeys["gitlab"]!]: Math.floor(LATER.getTime() / 1000) } });
    expect(third.retiring).toEqual({});
  });

  it("leaves the others alone, and rests afterwards", () => {
    for (const state of [second, third]) expect(state.credentials["admin"]).toBe(first.credentials["admin"]);
    expect(operations.diff(third, operations.check(third, inputs({ gitlab: 1 })).inputs).changes).toBe(false);
    expect(operations.diff(second, operations.check(second, inputs({ gitlab: 1 })).inputs).changes).toBe(true);
  });

  it("rotated again during the overlap loses the first at once and keeps the second until the next run", () => {
    const again = up(second, inputs({ gitlab: 2 }), LATER);
    expect(Object.keys(again.revoked["BUS"] ?? {})).toEqual([first.publicKeys["gitlab"]]);
    expect(again.retiring?.["gitlab"]?.publicKey).toBe(second.publicKeys["gitlab"]);
  });

  it("removed during the overlap loses both", () => {
    const gone = up(second, { ...inputs({}), users: { admin: inputs({}).users["admin"]! } }, LATER);
    expect(Object.keys(gone.revoked["BUS"] ?? {}).sort()).toEqual([first.publicKeys["gitlab"], second.publicKeys["gitlab"]].sort());
  });

  it("has its revocation dropped an hour after its token ended by itself, not before", () => {
    const mortal = { gitlab: { account: "BUS", role: "gitlab", lifetimeMs: 10 * DAY_MS, renewBeforeMs: DAY_MS } };
    const at = (days: number) => new Date(Date.now() + days * DAY_MS);
    const start = issueUsers(undefined, inputs({}, { users: mortal }), at(0));
    const gone = issueUsers(start, inputs({}, { users: {} }), at(1));
    expect(Object.keys(gone.revoked["BUS"] ?? {})).toHaveLength(1);
    const kept = issueUsers(gone, inputs({}, { users: {} }), at(9.9));
    expect(kept.revoked).toEqual(gone.revoked);
    const dropped = issueUsers(kept, inputs({}, { users: {} }), at(10.1));
    expect(dropped.revoked).toEqual({ BUS: {} });
    expect(dropped.revokedUntil).toEqual({});
  });
});

describe("rotated signing keys of an account", () => {
  it("stand beside the old ones, sign every user anew without revoking anybody, and end the old ones with the next run", () => {
    const before = up(undefined, inputs({}));
    const rotated = updateAccountKeys(keys, {
      account: "BUS",
      roles: keys.roles,
      phase: { generation: 1, overlapSince: NOW.toISOString() },
    });
    expect(rotated.publicKey).toBe(keys.publicKey);
    expect(rotated.retiringRoleKeys).toEqual(keys.roleKeys);
    const signed = up(before, inputs({}, { accounts: { BUS: rotated } }));
    expect(signed.revoked).toEqual({});
    expect(parseCredentials(signed.credentials["gitlab"]!).claims.iss).toBe(rotated.roleKeys["gitlab"]);
    const after = updateAccountKeys(rotated, { account: "BUS", roles: keys.roles, phase: { generation: 1 } });
    expect(after.roleKeys).toEqual(rotated.roleKeys);
    expect(after.retiringRoleKeys).toEqual({});
    expect(up(signed, inputs({}, { accounts: { BUS: after } })).credentials).toEqual(signed.credentials);
  });
});

describe("a rotated signing key of the operator", () => {
  it("is trusted beside the old one, then alone; the identity and the system account stay", () => {
    const before = createOperator({ name: "op", systemAccount: "SYS", systemRoles: [] }, NOW);
    const same = { name: "op", systemAccount: "SYS", systemRoles: [] };
    const both = updateOperator(before, { ...same, phase: { generation: 1, overlapSince: NOW.toISOString() } }, NOW);
    const [old, fresh] = [publicKeyOf(before.signingSeed), publicKeyOf(both.signingSeed)];
    expect(parseToken(both.token).nats["signing_keys"]).toEqual([old, fresh].sort());
    expect(parseToken(both.systemToken).iss).toBe(fresh);
    expect(both).toMatchObject({
      publicKey: before.publicKey,
      systemPublicKey: before.systemPublicKey,
      systemCredentials: before.systemCredentials,
    });
    const alone = updateOperator(both, { ...same, phase: { generation: 1 } }, LATER);
    expect(parseToken(alone.token).nats["signing_keys"]).toEqual([fresh]);
    expect(alone.retiringKey).toBe(undefined);
    expect(updateOperator(alone, { ...same, phase: { generation: 1 } }, LATER)).toEqual(alone);
  });
});
