/** The identities of a bus: keys and credentials first, which need no server, then the accounts, which do. */
import * as pulumi from "@pulumi/pulumi";
import { ADMIN_USER } from "../accounts/catalog.ts";
import { Account, AccountKeys, CredentialsFiles, Operator, Users } from "../accounts/resource.ts";
import type { UsersResourceArgs } from "../accounts/resource-args.ts";
import type { AccountSpec, UserSpec } from "../accounts/spec.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { parseLogin } from "../core/login.ts";
import { createConfigIdentity } from "./config-identity.ts";
import type { Identity, IdentityContext, ReachableCluster } from "./identity-model.ts";
import type { ResolvedBus } from "./resolve.ts";
import type { ServerIdentity } from "./server-plan.ts";

/** Settings of a connection to the cluster with the given credentials. */
export function connectionTo(
  cluster: ReachableCluster,
  creds: pulumi.Output<string> | undefined,
  jetstream: { readonly domain?: string } = {},
): pulumi.Input<ConnectionSpec> {
  const { servers, ca, forward } = cluster;
  const common = {
    servers,
    ...(forward === undefined ? {} : { forward }),
    // Nothing for the system's own authorities.
    ...(ca === undefined ? {} : { ca: ca.apply((bundle) => bundle || undefined) }),
    ...jetstream,
  };
  // A kubeconfig given as text holds keys of its own; with credentials the whole connection is a secret anyway.
  const open = forward?.kubeconfig === undefined ? pulumi.output(common) : pulumi.secret(common);
  if (creds === undefined) return open as pulumi.Output<ConnectionSpec>;
  const known = pulumi.all([open, creds] as const);
  return known.apply(([connection, text]) => ({ ...connection, ...parseLogin(text, ADMIN_USER) }) as ConnectionSpec);
}

/** Creates the identity of a bus in the mode its configuration names. */
export function createIdentity(bus: ResolvedBus, context: IdentityContext): Identity {
  const { mode } = bus.spec.auth;
  if (mode === "config") return createConfigIdentity(bus, context);
  return mode === "jwt" ? createOperatorIdentity(bus, context) : createOpenIdentity(context, bus.spec.process.directory);
}

function createOpenIdentity({ name, options, bundle }: IdentityContext, directory: string): Identity {
  const files = new CredentialsFiles(`${name}-files`, { directory, credentials: {}, ca: bundle }, options);
  return {
    target: { kind: "none" },
    admin: undefined,
    system: undefined,
    files: files.files,
    credentials: pulumi.output<Record<string, string>>({}),
    push: () => [],
  };
}

function createOperatorIdentity({ spec, accounts }: ResolvedBus, { name, options, bundle }: IdentityContext): Identity {
  const system = accounts.find((account) => account.system);
  const operator = new Operator(
    `${name}-operator`,
    {
      name: spec.auth.operator,
      systemAccount: system?.name ?? "SYS",
      systemRoles: Object.keys(system?.roles ?? {}),
      ...generation(spec.auth.rotations.operator),
    },
    options,
  );
  const { rotations } = spec.auth;
  const keys = createAccountKeys(accounts, { name, options, generations: rotations.accounts, operator });
  const users = createUsers(accounts, keys, { name, options, generations: rotations.users });
  const { credentials } = users;
  const files = new CredentialsFiles(`${name}-files`, { directory: spec.process.directory, credentials, ca: bundle }, options);
  return {
    target: {
      kind: "operator",
      operatorJwt: operator.token,
      systemAccount: operator.systemPublicKey,
      systemAccountJwt: operator.systemToken,
      resolverIntervalMs: spec.auth.resolverIntervalMs,
    } as unknown as pulumi.Input<ServerIdentity>,
    admin: users.admin,
    system: operator.systemCredentials,
    files: files.files,
    credentials,
    push: (cluster) => {
      const connection = connectionTo(cluster, operator.systemCredentials);
      const { signingSeed } = operator;
      const startedWith = operator.systemToken;
      const push = { name, connection, signingSeed, servers: [...cluster.nodes], options: cluster.inside, keys, users, startedWith };
      return accounts.map((account) => pushAccount(account, push));
    },
  };
}

/** Keys of an account as far as others need them. */
export interface SigningKeys {
  readonly publicKey: pulumi.Output<string>;
  readonly seed: pulumi.Output<string>;
  readonly roleKeys: pulumi.Output<Readonly<Record<string, string>>>;
  readonly roleSeeds: pulumi.Output<Readonly<Record<string, string>>>;
  readonly retiringRoleKeys?: pulumi.Output<Readonly<Record<string, string>>>;
}

/** Where keys and users belong, and how often they are to have been rotated. */
interface Making {
  readonly name: string;
  readonly options: pulumi.CustomResourceOptions;
  readonly generations: Readonly<Record<string, number>>;
}

/** What account keys need besides. */
interface KeyMaking extends Making {
  /** Operator whose system account is among the accounts; absent: that account is somebody else's. */
  readonly operator?: Operator;
  /** Map keyed by account name: seeds of accounts that exist already. */
  readonly seeds?: Readonly<Record<string, string>>;
  /** File in which an account's seed is kept when natsbus lets go of it; absent: it goes with the servers. */
  readonly keptIn?: (account: string) => string;
}

/** Keys of every account; those of the system account come with the operator. */
export function createAccountKeys(accounts: readonly AccountSpec[], making: KeyMaking): Readonly<Record<string, SigningKeys>> {
  const { operator } = making;
  const keysOf = (account: AccountSpec): SigningKeys =>
    account.system && operator !== undefined
      ? {
          publicKey: operator.systemPublicKey,
          seed: operator.systemSeed,
          roleKeys: operator.systemRoleKeys,
          roleSeeds: operator.systemRoleSeeds,
        }
      : accountKeysOf(account, making);
  return Object.fromEntries(accounts.map((account) => [account.name, keysOf(account)]));
}

function accountKeysOf(account: AccountSpec, { name, options, generations, seeds = {}, keptIn }: KeyMaking): AccountKeys {
  const givenSeed = seeds[account.name];
  const args = {
    account: account.name,
    roles: Object.keys(account.roles),
    ...(givenSeed === undefined ? {} : { givenSeed }),
    ...(keptIn === undefined ? {} : { keptIn: keptIn(account.name) }),
    ...generation(generations[account.name]),
  };
  return new AccountKeys(`${name}-${account.name}-keys`, args, options);
}

/** Credentials of all users, and what the accounts must know of them. */
export interface IssuedUsers {
  /** Credentials of the user that makes the streams. */
  readonly admin: pulumi.Output<string>;
  /** Map keyed by user name. Secrets. */
  readonly credentials: pulumi.Output<Readonly<Record<string, string>>>;
  /** What must be refused from now on. */
  readonly revoked: pulumi.Output<Revoked>;
  /** Map keyed by user name: its public keys, two during a rotation. */
  readonly publicKeys: pulumi.Output<Readonly<Record<string, readonly string[]>>>;
}

/** Issues credentials for every user of the accounts. */
export function createUsers(
  accounts: readonly AccountSpec[],
  keys: Readonly<Record<string, SigningKeys>>,
  { name, options, generations }: Making,
): IssuedUsers {
  // The user that natsbus itself needs is a resource of its own: nothing about the other users can make its credentials unknown in a preview.
  const ownArgs = userArgs(accounts, keys, { generations, wanted: (user) => user === ADMIN_USER });
  const own = new Users(`${name}-provisioner`, ownArgs, options);
  const others = new Users(`${name}-users`, userArgs(accounts, keys, { generations, wanted: (user) => user !== ADMIN_USER }), options);
  return {
    admin: own.credentials.apply((texts) => texts[ADMIN_USER] ?? ""),
    credentials: pulumi.all([own.credentials, others.credentials]).apply(([one, rest]) => ({ ...one, ...rest })),
    revoked: pulumi.all([own.revoked, others.revoked]).apply(([one, rest]) => mergeRevoked(one, rest)),
    publicKeys: pulumi
      .all([own.publicKeys, others.publicKeys, own.retiring, others.retiring])
      .apply(([one, rest, oneBefore, restBefore]) => keysInForce({ ...one, ...rest }, { ...oneBefore, ...restBefore })),
  };
}

/** Only when it was ever rotated, so that a stack that never was has nothing new in its state. */
function generation(count: number | undefined): { readonly generation?: number } {
  return count === undefined || count === 0 ? {} : { generation: count };
}

/** Some users, with what has to do with them alone. */
function userArgs(
  accounts: readonly AccountSpec[],
  keys: Readonly<Record<string, SigningKeys>>,
  { generations, wanted }: { readonly generations: Readonly<Record<string, number>>; readonly wanted: (user: string) => boolean },
): UsersResourceArgs {
  const users = usersOf(accounts, wanted);
  const own = Object.fromEntries(Object.entries(generations).filter(([user]) => user in users));
  return { users, accounts: keys, ...(Object.keys(own).length === 0 ? {} : { generations: own }) };
}

function usersOf(accounts: readonly AccountSpec[], wanted: (user: string, spec: UserSpec) => boolean) {
  const users = accounts.flatMap((account) =>
    Object.entries(account.users)
      .filter(([user, spec]) => wanted(user, spec))
      .map(([user, spec]) => [user, { account: account.name, ...spec }] as const),
  );
  return Object.fromEntries(users);
}

/** What bringing an account to the servers needs. */
export interface Push {
  /** Name of the bus. */
  readonly name: string;
  /** Connection with a user of the system account. */
  readonly connection: pulumi.Input<ConnectionSpec>;
  /** Seed of the operator's signing key. */
  readonly signingSeed: pulumi.Input<string>;
  /** Names of all servers. */
  readonly servers: pulumi.Input<readonly string[]>;
  /** Options of the accounts. */
  readonly options: pulumi.CustomResourceOptions;
  /** Map keyed by account name. */
  readonly keys: Readonly<Record<string, SigningKeys>>;
  /** Users of all accounts. */
  readonly users: IssuedUsers;
  /** Version of the system account in the servers' configuration; absent: that account is somebody else's. */
  readonly startedWith?: pulumi.Input<string>;
}

function keysInForce(
  keys: Readonly<Record<string, string>>,
  retiring: Readonly<Record<string, { readonly publicKey: string }>>,
): Readonly<Record<string, readonly string[]>> {
  const both = (user: string, key: string) => [key, ...(retiring[user] === undefined ? [] : [retiring[user].publicKey])];
  return Object.fromEntries(Object.entries(keys).map(([user, key]) => [user, both(user, key)]));
}

/** Only what the account's sharing names, so that no other account's change touches it. */
function sharingArgs({ sharing }: AccountSpec, { keys, users: { publicKeys } }: Push) {
  const exporters = [...new Set(sharing.imports.filter(({ activated }) => activated).map(({ from }) => from))];
  const seeds = exporters.flatMap((from) => (keys[from] === undefined ? [] : [[from, keys[from].seed] as const]));
  const named = [
    ...sharing.imports.map(({ from }) => from),
    ...sharing.exports.flatMap(({ revoked }) => Object.keys(revoked)),
    ...(sharing.externalAuthorization?.accounts ?? []),
  ];
  const accounts = [...new Set(named)].flatMap((account) =>
    keys[account] === undefined ? [] : [[account, keys[account].publicKey] as const],
  );
  const users = sharing.externalAuthorization?.users ?? [];
  return {
    sharing,
    accountKeys: Object.fromEntries(accounts) as unknown as pulumi.Input<Readonly<Record<string, string>>>,
    exporterSeeds: Object.fromEntries(seeds) as unknown as pulumi.Input<Readonly<Record<string, string>>>,
    userKeys:
      users.length === 0
        ? {}
        : publicKeys.apply((all) => Object.fromEntries(users.flatMap((user) => (all[user] === undefined ? [] : [[user, all[user]]])))),
  };
}

/** An account, pushed to all servers and verified on all of them. */
export function pushAccount(account: AccountSpec, push: Push): Account {
  const { name, connection, signingSeed, servers, options, keys } = push;
  const { publicKey, roleKeys, retiringRoleKeys } = keys[account.name] as SigningKeys;
  return new Account(
    `${name}-${account.name}`,
    {
      connection,
      servers,
      name: account.name,
      publicKey,
      ...(account.description === undefined ? {} : { description: account.description }),
      limits: account.limits,
      roles: account.roles,
      roleKeys,
      ...(retiringRoleKeys === undefined ? {} : { retiringRoleKeys }),
      revoked: push.users.revoked,
      ...(account.system && push.startedWith !== undefined ? { startedWith: push.startedWith } : {}),
      ...(account.users[ADMIN_USER] === undefined ? {} : { companions: companionsOf(keys) }),
      ...sharingArgs(account, push),
      signingSeed,
    },
    options,
  );
}

/** The account that is always there watches over the others. */
function companionsOf(keys: Push["keys"]): Readonly<Record<string, pulumi.Input<string>>> {
  return Object.fromEntries(Object.entries(keys).map(([account, { publicKey }]) => [account, publicKey]));
}

type Revoked = Readonly<Record<string, Readonly<Record<string, number>>>>;

function mergeRevoked(a: Revoked, b: Revoked): Revoked {
  const accounts = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(accounts.map((account) => [account, { ...a[account], ...b[account] }]));
}
