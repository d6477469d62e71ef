/** Keys of operators and accounts: everything of an identity that comes before users and needs no server. */

import { createKey, publicKeyOf } from "../core/nats-keys.ts";
import { accountClaims, operatorClaims, userClaims } from "./claims.ts";
import { renderCredentials } from "./credentials.ts";
import { UNLIMITED } from "./limits.ts";
import type { AccountKeysInputs, AccountKeysState, OperatorInputs, OperatorState } from "./model.ts";
import { resolvePermissions } from "./roles.ts";
import { renderToken } from "./token.ts";

/** Role, and user, of the system account that natsbus itself connects with. */
export const PROVISIONER = "provisioner";

/** Makes an operator and its system account from nothing. */
export function createOperator(inputs: OperatorInputs, now: Date): OperatorState {
  const iat = Math.floor(now.getTime() / 1000);
  const identity = createKey("operator");
  const signing = createKey("operator");
  const system = createAccountKeys({ account: inputs.systemAccount, roles: withProvisioner(inputs.systemRoles) });
  const operator = {
    name: inputs.name,
    publicKey: identity.publicKey,
    signingKeys: [signing.publicKey],
    systemAccount: system.publicKey,
    iat,
  };
  return {
    ...inputs,
    ...identity,
    signingSeed: signing.seed,
    token: renderToken(operatorClaims(operator), identity.seed),
    systemPublicKey: system.publicKey,
    systemSeed: system.seed,
    systemRoleKeys: system.roleKeys,
    systemRoleSeeds: system.roleSeeds,
    systemToken: firstSystemToken(system, { iat, signingSeed: signing.seed }),
    systemCredentials: provisionerCredentials(system, iat),
  };
}

/** An operator whose system account has other roles; every key that is still wanted stays, and so does what the servers were started with. */
export function updateOperator(before: OperatorState, inputs: OperatorInputs): OperatorState {
  const { systemPublicKey: publicKey, systemSeed: seed, systemRoleKeys: roleKeys, systemRoleSeeds: roleSeeds } = before;
  const keys = { account: before.systemAccount, roles: [], publicKey, seed, roleKeys, roleSeeds };
  const system = updateAccountKeys(keys, { account: inputs.systemAccount, roles: withProvisioner(inputs.systemRoles) });
  return { ...before, ...inputs, systemRoleKeys: system.roleKeys, systemRoleSeeds: system.roleSeeds };
}

/** Makes the keys of an account: its identity and one signing key a role. */
export function createAccountKeys(inputs: AccountKeysInputs): AccountKeysState {
  return updateAccountKeys({ ...inputs, ...createKey("account"), roleKeys: {}, roleSeeds: {} }, inputs);
}

/** Keys for another set of roles; those of roles that stay are kept. */
export function updateAccountKeys(before: AccountKeysState, inputs: AccountKeysInputs): AccountKeysState {
  const seeds = inputs.roles.map((role) => [role, before.roleSeeds[role] ?? createKey("account").seed] as const);
  const roleKeys = Object.fromEntries(seeds.map(([role, seed]) => [role, publicKeyOf(seed)]));
  return { ...before, ...inputs, roleKeys, roleSeeds: Object.fromEntries(seeds) };
}

function withProvisioner(roles: readonly string[]): string[] {
  return [...new Set([...roles, PROVISIONER])];
}

function firstSystemToken(system: AccountKeysState, issue: { iat: number; signingSeed: string }): string {
  const role = { role: PROVISIONER, publicKey: system.roleKeys[PROVISIONER] ?? "", permissions: resolvePermissions({ everything: true }) };
  const body = { name: system.account, publicKey: system.publicKey, limits: UNLIMITED, roles: [role], revocations: {} };
  return renderToken(accountClaims(body, issue.iat), issue.signingSeed);
}

function provisionerCredentials(system: AccountKeysState, iat: number): string {
  const user = createKey("user");
  const claims = userClaims({ name: PROVISIONER, publicKey: user.publicKey, account: system.publicKey, iat });
  return renderCredentials(renderToken(claims, system.roleSeeds[PROVISIONER] ?? ""), user.seed);
}
