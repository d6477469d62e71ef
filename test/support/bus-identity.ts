import type { AccountInputs } from "../../accounts/account-model.ts";
import { applyAccount } from "../../accounts/account-operations.ts";
import { ACCOUNTS, BUS_ACCOUNT } from "../../accounts/catalog.ts";
import type { UsersState } from "../../accounts/model.ts";
import { type AccountSpec, resolveAccounts } from "../../accounts/spec.ts";
import { issueUsers } from "../../accounts/users.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { type OperatorCluster, startOperatorCluster } from "./operator-cluster.ts";

/** A cluster that has the shipped accounts, with credentials for every shipped user. */
export interface BusIdentity extends OperatorCluster {
  /** The shipped accounts. */
  readonly specs: readonly AccountSpec[];
  /** Credentials of the shipped users. */
  readonly users: UsersState;
  /** Inputs of an account's resource, for pushing it again with changes. */
  inputsOf(account: string): AccountInputs;
  /** How a shipped user connects. */
  connectionOf(user: string): ConnectionSpec;
}

/** Starts a cluster and pushes the shipped accounts to it.
 * @param options.push default true */
export async function startBusIdentity(options: { readonly push?: boolean } = {}): Promise<BusIdentity> {
  const { specs, problems } = resolveAccounts(ACCOUNTS);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const rolesOf = (name: string) => Object.keys(specs.find((spec) => spec.name === name)?.roles ?? {});
  const started = await startOperatorCluster({ roles: rolesOf(BUS_ACCOUNT), systemRoles: rolesOf("SYS") });
  const { operator, keys, servers, system } = started;
  const accounts = {
    SYS: { publicKey: operator.systemPublicKey, roleKeys: operator.systemRoleKeys, roleSeeds: operator.systemRoleSeeds },
    [BUS_ACCOUNT]: { publicKey: keys.publicKey, roleKeys: keys.roleKeys, roleSeeds: keys.roleSeeds },
  };
  const wanted = specs.flatMap(({ name, users }) =>
    Object.entries(users).map(([user, args]) => [user, { account: name, ...args }] as const),
  );
  const users = issueUsers(undefined, { users: Object.fromEntries(wanted), accounts }, new Date());
  const inputsOf = (name: string): AccountInputs => {
    const spec = specs.find((candidate) => candidate.name === name)!;
    const { publicKey, roleKeys } = accounts[name as keyof typeof accounts]!;
    const shared = { connection: system, servers, name, publicKey, roleKeys, limits: spec.limits, roles: spec.roles };
    return { ...shared, revoked: {}, signingSeed: operator.signingSeed, deletionPolicy: "retain" };
  };
  try {
    if (options.push !== false) for (const { name } of specs) await applyAccount(inputsOf(name));
  } catch (error) {
    // Nobody else would end the servers.
    await started[Symbol.asyncDispose]();
    throw error;
  }
  const connectionOf = (user: string) => ({ servers: system.servers, ca: system.ca!, creds: users.credentials[user]! });
  return { ...started, specs, users, inputsOf, connectionOf };
}
