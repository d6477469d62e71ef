import type { AccountInputs } from "../../accounts/account-model.ts";
import { applyAccount } from "../../accounts/account-operations.ts";
import type { AccountArgs } from "../../accounts/args.ts";
import { createAccountKeys } from "../../accounts/identity.ts";
import type { AccountKeysState, UsersState } from "../../accounts/model.ts";
import { type AccountSpec, resolveAccounts } from "../../accounts/spec.ts";
import { issueUsers } from "../../accounts/users.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { type OperatorCluster, startOperatorCluster } from "./operator-cluster.ts";

/** Accounts of a test's own catalogue, on real servers. */
export interface DeclaredAccounts extends OperatorCluster {
  /** Map keyed by account name: its keys, without the system account. */
  readonly accountKeys: Readonly<Record<string, AccountKeysState>>;
  /** Credentials of all users. */
  readonly users: UsersState;
  /** Inputs of an account's resource as the catalogue has it, or as another one has it. */
  inputsOf(account: string, catalog?: Readonly<Record<string, AccountArgs>>): AccountInputs;
  /** How a user connects. */
  connectionOf(user: string): ConnectionSpec;
}

/** Starts a cluster and pushes the accounts of `catalog`; the system account is added. */
export async function startDeclaredAccounts(
  catalog: Readonly<Record<string, AccountArgs>>,
  options: { readonly servers?: number } = {},
): Promise<DeclaredAccounts> {
  const specs = resolve(catalog);
  const started = await startOperatorCluster({ systemRoles: [], ...options });
  const accountKeys = Object.fromEntries(
    specs.map(({ name, roles }) => [name, createAccountKeys({ account: name, roles: Object.keys(roles) })] as const),
  );
  const wanted = specs.flatMap(({ name, users }) =>
    Object.entries(users).map(([user, args]) => [user, { account: name, ...args }] as const),
  );
  const users = issueUsers(undefined, { users: Object.fromEntries(wanted), accounts: accountKeys }, new Date());
  const { operator, servers, system } = started;
  const inputsOf = (name: string, changed = catalog): AccountInputs => {
    const { limits, roles, sharing, description } = resolve(changed).find((spec) => spec.name === name)!;
    const keys = accountKeys[name]!;
    return {
      connection: system,
      servers,
      name,
      publicKey: keys.publicKey,
      roleKeys: keys.roleKeys,
      ...(description === undefined ? {} : { description }),
      limits,
      roles,
      sharing,
      accountKeys: Object.fromEntries(Object.entries(accountKeys).map(([account, { publicKey }]) => [account, publicKey])),
      exporterSeeds: Object.fromEntries(Object.entries(accountKeys).map(([account, { seed }]) => [account, seed])),
      userKeys: Object.fromEntries(Object.entries(users.publicKeys).map(([user, key]) => [user, [key]])),
      revoked: {},
      signingSeed: operator.signingSeed,
      deletionPolicy: "retain",
    };
  };
  try {
    for (const { name } of specs) await applyAccount(inputsOf(name));
  } catch (error) {
    // Nobody else would end the servers.
    await started[Symbol.asyncDispose]();
    throw error;
  }
  const connectionOf = (user: string) => ({ servers: system.servers, ca: system.ca!, creds: users.credentials[user]! });
  return { ...started, accountKeys, users, inputsOf, connectionOf };
}

function resolve(catalog: Readonly<Record<string, AccountArgs>>): AccountSpec[] {
  const { specs, problems } = resolveAccounts({ SYS: { system: true }, ...catalog });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return specs.filter(({ system }) => !system);
}
