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
  const keys = createAccountKeys(accounts, operator, { name, options, generations: rotations.accounts });
  // The user that natsbus itself needs is a resource of its own: nothing about the other users can make its credentials unknown in a preview.
  const provisioners = new Users(
    `${name}-provisioner`,
    userArgs(accounts, keys, { generations: rotations.users, wanted: (user) => user === ADMIN_USER }),
    options,
  );
  const users = new Users(
    `${name}-users`,
    userArgs(accounts, keys, { generations: rotations.users, wanted: (user) => user !== ADMIN_USER }),
    options,
  );
  const credentials = pulumi.all([provisioners.credentials, users.credentials]).apply(([own, others]) => ({ ...own, ...others }));
  const files = new CredentialsFiles(`${name}-files`, { directory: spec.process.directory, credentials, ca: bundle }, options);
  const revoked = pulumi.all([provisioners.revoked, users.revoked]).apply(([own, others]) => mergeRevoked(own, others));
  const userKeys = pulumi
    .all([provisioners.publicKeys, users.publicKeys, provisioners.retiring, users.retiring])
    .apply(([own, others, ownBefore, othersBefore]) => keysInForce({ ...own, ...others }, { ...ownBefore, ...othersBefore }));
  return {
    target: {
      kind: "operator",
      operatorJwt: operator.token,
      systemAccount: operator.systemPublicKey,
      systemAccountJwt: operator.systemToken,
      resolverIntervalMs: spec.auth.resolverIntervalMs,
    } as unknown as pulumi.Input<ServerIdentity>,
    admin: provisioners.credentials.apply((own) => own[ADMIN_USER] ?? ""),
    system: operator.systemCredentials,
    files: files.files,
    credentials,
    push: (cluster) => accounts.map((account) => pushAccount(account, { name, operator, cluster, revoked, keys, userKeys })),
  };
}

interface SigningKeys {
  readonly publicKey: pulumi.Output<string>;
  readonly seed: pulumi.Output<string>;
  readonly roleKeys: pulumi.Output<Readonly<Record<string, string>>>;
  readonly roleSeeds: pulumi.Output<Readonly<Record<string, string>>>;
  readonly retiringRoleKeys?: pulumi.Output<Readonly<Record<string, string>>>;
}

function createAccountKeys(
  accounts: readonly AccountSpec[],
  operator: Operator,
  {
    name,
    options,
    generations,
  }: {
    readonly name: string;
    readonly options: pulumi.CustomResourceOptions;
    readonly generations: Readonly<Record<string, number>>;
  },
): Readonly<Record<string, SigningKeys>> {
  const keysOf = (account: AccountSpec): SigningKeys =>
    account.system
      ? {
          publicKey: operator.systemPublicKey,
          seed: operator.systemSeed,
          roleKeys: operator.systemRoleKeys,
          roleSeeds: operator.systemRoleSeeds,
        }
      : new AccountKeys(
          `${name}-${account.name}-keys`,
          { account: account.name, roles: Object.keys(account.roles), ...generation(generations[account.name]) },
          options,
        );
  return Object.fromEntries(accounts.map((account) => [account.name, keysOf(account)]));
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

interface Push {
  readonly name: string;
  readonly operator: Operator;
  readonly cluster: ReachableCluster;
  readonly revoked: pulumi.Output<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  readonly keys: Readonly<Record<string, SigningKeys>>;
  readonly userKeys: pulumi.Output<Readonly<Record<string, readonly string[]>>>;
}

function keysInForce(
  keys: Readonly<Record<string, string>>,
  retiring: Readonly<Record<string, { readonly publicKey: string }>>,
): Readonly<Record<string, readonly string[]>> {
  const both = (user: string, key: string) => [key, ...(retiring[user] === undefined ? [] : [retiring[user].publicKey])];
  return Object.fromEntries(Object.entries(keys).map(([user, key]) => [user, both(user, key)]));
}

/** Only what the account's sharing names, so that no other account's change touches it. */
function sharingArgs({ sharing }: AccountSpec, { keys, userKeys }: Push) {
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
        : userKeys.apply((all) => Object.fromEntries(users.flatMap((user) => (all[user] === undefined ? [] : [[user, all[user]]])))),
  };
}

function pushAccount(account: AccountSpec, push: Push): Account {
  const { name, operator, cluster, revoked, keys } = push;
  const { publicKey, roleKeys, retiringRoleKeys } = keys[account.name] as SigningKeys;
  return new Account(
    `${name}-${account.name}`,
    {
      connection: connectionTo(cluster, operator.systemCredentials),
      servers: [...cluster.nodes],
      name: account.name,
      publicKey,
      ...(account.description === undefined ? {} : { description: account.description }),
      limits: account.limits,
      roles: account.roles,
      roleKeys,
      ...(retiringRoleKeys === undefined ? {} : { retiringRoleKeys }),
      revoked,
      ...sharingArgs(account, push),
      signingSeed: operator.signingSeed,
    },
    cluster.inside,
  );
}

type Revoked = Readonly<Record<string, Readonly<Record<string, number>>>>;

function mergeRevoked(a: Revoked, b: Revoked): Revoked {
  const accounts = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(accounts.map((account) => [account, { ...a[account], ...b[account] }]));
}
