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

/**
 * An operator whose system account has other roles, or whose signing key is rotated. Every other key that is still wanted stays, and so does what the servers were
 * started with unless the signing key changes: then they must trust both keys, and only the new one after the overlap.
 */
export function updateOperator(before: OperatorState, inputs: OperatorInputs, now: Date): OperatorState {
  const state = withSystemRoles(before, inputs);
  const [was, will] = [before.phase, inputs.phase];
  if ((was?.generation ?? 0) !== (will?.generation ?? 0))
    return resign({ ...state, signingSeed: createKey("operator").seed, retiringKey: publicKeyOf(before.signingSeed) }, now);
  if (was?.overlapSince === undefined || will?.overlapSince !== undefined) return state;
  const { retiringKey: _over, ...alone } = state;
  return resign(alone, now);
}

/** The operator's token and the servers' first token of the system account, for the signing keys as they are. */
function resign(state: OperatorState, now: Date): OperatorState {
  const iat = Math.floor(now.getTime() / 1000);
  const { name, publicKey, systemPublicKey: systemAccount, signingSeed, retiringKey } = state;
  const signingKeys = [publicKeyOf(signingSeed), ...(retiringKey === undefined ? [] : [retiringKey])];
  const system = {
    account: state.systemAccount,
    roles: [],
    publicKey: systemAccount,
    seed: state.systemSeed,
    roleKeys: state.systemRoleKeys,
    roleSeeds: state.systemRoleSeeds,
  };
  return {
    ...state,
    token: renderToken(operatorClaims({ name, publicKey, signingKeys, systemAccount, iat }), state.seed),
    systemToken: firstSystemToken(system, { iat, signingSeed }),
  };
}

function withSystemRoles(before: OperatorState, inputs: OperatorInputs): OperatorState {
  const { systemPublicKey: publicKey, systemSeed: seed, systemRoleKeys: roleKeys, systemRoleSeeds: roleSeeds } = before;
  const keys = { account: before.systemAccount, roles: [], publicKey, seed, roleKeys, roleSeeds };
  const system = updateAccountKeys(keys, { account: inputs.systemAccount, roles: withProvisioner(inputs.systemRoles) });
  return { ...before, ...inputs, systemRoleKeys: system.roleKeys, systemRoleSeeds: system.roleSeeds };
}

/** Makes the keys of an account: its identity and one signing key a role. */
export function createAccountKeys(inputs: AccountKeysInputs): AccountKeysState {
  const { givenSeed } = inputs;
  const own = givenSeed === undefined ? createKey("account") : { seed: givenSeed, publicKey: publicKeyOf(givenSeed) };
  return updateAccountKeys({ ...inputs, ...own, roleKeys: {}, roleSeeds: {} }, inputs);
}

/** Keys for another set of roles; those of roles that stay are kept, unless they are rotated: then both are good until the overlap ends. */
export function updateAccountKeys(before: AccountKeysState, inputs: AccountKeysInputs): AccountKeysState {
  const isRotated = (before.phase?.generation ?? 0) !== (inputs.phase?.generation ?? 0);
  const kept = isRotated ? {} : before.roleSeeds;
  const seeds = inputs.roles.map((role) => [role, kept[role] ?? createKey("account").seed] as const);
  const roleKeys = Object.fromEntries(seeds.map(([role, seed]) => [role, publicKeyOf(seed)]));
  const retiring = inputs.phase?.overlapSince === undefined ? {} : isRotated ? before.roleKeys : (before.retiringRoleKeys ?? {});
  const retiringRoleKeys = Object.fromEntries(Object.entries(retiring).filter(([role]) => inputs.roles.includes(role)));
  const { phase: _phase, generation: _generation, ...rest } = before;
  return { ...rest, ...inputs, roleKeys, roleSeeds: Object.fromEntries(seeds), retiringRoleKeys };
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
