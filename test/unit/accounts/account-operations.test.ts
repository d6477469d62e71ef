import { describe, expect, it } from "vitest";
import type { AccountInputs, AccountState } from "../../../accounts/account-model.ts";
import { checkAccount, deleteAccount, diffAccount } from "../../../accounts/account-operations.ts";
import { accountClaims, normaliseClaims } from "../../../accounts/claims.ts";
import { UNLIMITED, UNLIMITED_JETSTREAM } from "../../../accounts/limits.ts";
import { resolvePermissions } from "../../../accounts/roles.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { UNKNOWN_VALUE } from "../../../core/unknown.ts";

const INPUTS: AccountInputs = {
  connection: { servers: ["tls://127.0.0.1:1"], creds: "secret" },
  servers: ["n1"],
  name: "BUS",
  publicKey: createKey("account").publicKey,
  limits: { ...UNLIMITED, jetstream: UNLIMITED_JETSTREAM },
  roles: { gitlab: resolvePermissions({ publish: ["gitlab.>"] }) },
  roleKeys: { gitlab: "AGITLAB" },
  revoked: {},
  signingSeed: createKey("operator").seed,
  deletionPolicy: "retain",
};
const { name, publicKey, limits } = INPUTS;
const roles = [{ role: "gitlab", publicKey: "AGITLAB", permissions: resolvePermissions({ publish: ["gitlab.>"] }) }];
const STATE: AccountState = {
  ...INPUTS,
  issuedAt: 7,
  inForce: normaliseClaims(accountClaims({ name, publicKey, limits, roles, revocations: {} }, 7)),
};

describe("an account's plan", () => {
  it("sees no change where there is none, also after a round through the state", () => {
    expect(diffAccount(STATE, INPUTS).changes).toBe(false);
    const stored = JSON.parse(JSON.stringify(STATE)) as AccountState;
    expect(
      diffAccount({ ...stored, __provider: "text" } as AccountState, { ...INPUTS, __provider: "other" } as AccountInputs).changes,
    ).toBe(false);
  });

  it.each<[string, Partial<AccountInputs>]>([
    ["a limit", { limits: { ...INPUTS.limits, connections: 5 } }],
    ["another connection", { connection: { servers: ["tls://127.0.0.1:2"] } }],
    ["a server more", { servers: ["n1", "n2"] }],
    ["a role less", { roles: {} }],
    ["a revocation", { revoked: { BUS: { UX: 5 } } }],
    ["a value not known yet", { signingSeed: UNKNOWN_VALUE }],
  ])("sees %s", (_name, change) => expect(diffAccount(STATE, { ...INPUTS, ...change }).changes).toBe(true));

  it("sees drift that a refresh found", () => {
    expect(diffAccount({ ...STATE, inForce: { ...STATE.inForce, name: "OTHER" } }, INPUTS).changes).toBe(true);
  });

  it.each<[string, Partial<AccountInputs>, string, string]>([
    ["a new identity", { publicKey: createKey("account").publicKey }, "publicKey", "ERR_ACCOUNT_REPLACE"],
    ["JetStream off", { limits: UNLIMITED }, "limits.jetstream", "ERR_ACCOUNT_JETSTREAM"],
    [
      "no storage",
      { limits: { ...UNLIMITED, jetstream: { ...UNLIMITED_JETSTREAM, memoryBytes: 0, storageBytes: 0 } } },
      "limits.jetstream",
      "ERR_ACCOUNT_JETSTREAM",
    ],
  ])("refuses %s, which would hide streams", (...[, change, property, code]) => {
    const { failures } = checkAccount(INPUTS, { ...INPUTS, ...change });
    expect(failures).toMatchObject([{ property, reason: expect.stringContaining(code) }]);
  });

  it("refuses nothing on creation, without a change, or while keys are not known", () => {
    for (const [olds, news] of [
      [{}, INPUTS],
      [INPUTS, INPUTS],
      [INPUTS, { ...INPUTS, publicKey: UNKNOWN_VALUE }],
    ] as const) {
      expect(checkAccount(olds, news).failures).toEqual([]);
    }
  });

  it("forgets a retained account without any connection", async () => {
    await expect(deleteAccount(STATE)).resolves.toBeUndefined();
  });
});
