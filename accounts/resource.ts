/** Operators, accounts, users and their files as Pulumi resources. Keys and users need no server, so they are made while servers start. */
import * as pulumi from "@pulumi/pulumi";
import type { Validity } from "../core/validity.ts";
import type { PlainLogin } from "./plain-users.ts";
import {
  accountKeysProvider,
  accountProvider,
  credentialFilesProvider,
  operatorProvider,
  plainUsersProvider,
  usersProvider,
} from "./provider.ts";
import type {
  AccountKeysResourceArgs,
  AccountResourceArgs,
  CredentialsFilesResourceArgs,
  OperatorResourceArgs,
  PlainUsersResourceArgs,
  RoleKeys,
  UsersResourceArgs,
} from "./resource-args.ts";

const MODULE = "natsbus/accounts";

/**
 * An operator, who vouches for accounts, and the system account, which the servers themselves use. Its keys never change.
 *
 * @example
 * const operator = new Operator("bus-operator", { name: "natsbus-dev", systemAccount: "SYS", systemRoles: ["monitoring"] });
 */
export class Operator extends pulumi.dynamic.Resource {
  /** Operator's public key. */
  declare readonly publicKey: pulumi.Output<string>;
  /** Operator's token, for the servers' setting `operator`. */
  declare readonly token: pulumi.Output<string>;
  /** Seed that signs accounts; a secret. */
  declare readonly signingSeed: pulumi.Output<string>;
  /** System account's public key, for the servers' setting `system_account`. */
  declare readonly systemPublicKey: pulumi.Output<string>;
  /** System account's first token, for the servers' setting `resolver_preload`; it never changes. */
  declare readonly systemToken: pulumi.Output<string>;
  /** System account's seed; a secret. */
  declare readonly systemSeed: pulumi.Output<string>;
  /** Map keyed by role of the system account: public signing key. */
  declare readonly systemRoleKeys: pulumi.Output<RoleKeys>;
  /** Map keyed by role of the system account: seed; a secret. */
  declare readonly systemRoleSeeds: pulumi.Output<RoleKeys>;
  /** Text of the credentials natsbus connects to the system account with; a secret. */
  declare readonly systemCredentials: pulumi.Output<string>;

  constructor(name: string, args: OperatorResourceArgs, options: pulumi.CustomResourceOptions = {}) {
    const open = ["publicKey", "token", "systemPublicKey", "systemToken", "systemRoleKeys", "retiringKey"];
    const secret = ["seed", "signingSeed", "systemSeed", "systemRoleSeeds", "systemCredentials"];
    super(operatorProvider, name, withOutputs(args, [...open, ...secret]), secretly(options, secret), MODULE, "Operator");
  }
}

/**
 * Keys of one account: its identity, which never changes, and a signing key for each role.
 *
 * @example
 * const keys = new AccountKeys("bus-account-keys", { account: "BUS", roles: ["security", "admin"] });
 */
export class AccountKeys extends pulumi.dynamic.Resource {
  /** Account's public key. */
  declare readonly publicKey: pulumi.Output<string>;
  /** Account's seed, which signs activations; a secret. */
  declare readonly seed: pulumi.Output<string>;
  /** Map keyed by role: public signing key. */
  declare readonly roleKeys: pulumi.Output<RoleKeys>;
  /** Map keyed by role: seed; a secret. */
  declare readonly roleSeeds: pulumi.Output<RoleKeys>;
  /** Map keyed by role: public signing key that is on its way out and still good. */
  declare readonly retiringRoleKeys: pulumi.Output<RoleKeys>;

  constructor(name: string, args: AccountKeysResourceArgs, options: pulumi.CustomResourceOptions = {}) {
    const secret = ["seed", "roleSeeds"];
    const { givenSeed, ...open } = args;
    super(
      accountKeysProvider,
      name,
      withOutputs({ ...open, ...(givenSeed === undefined ? {} : { givenSeed: pulumi.secret(givenSeed) }) }, [
        ...["publicKey", "roleKeys", "retiringRoleKeys", ...secret],
      ]),
      secretly(options, [...secret, "givenSeed"]),
      MODULE,
      "AccountKeys",
    );
  }
}

/**
 * Credentials of any number of users. One resource, because a resource a user would cost more time than all credentials together; each user is still issued,
 * renewed and revoked on its own, and a preview shows which.
 *
 * @example
 * const users = new Users("bus-users", { users: { gitlab: { account: "BUS", role: "gitlab", lifetimeMs: 0, renewBeforeMs: 0 } }, accounts: { BUS: keys } });
 */
export class Users extends pulumi.dynamic.Resource {
  /** Map keyed by user name: text of its `.creds` file; a secret. */
  declare readonly credentials: pulumi.Output<Readonly<Record<string, string>>>;
  /** Map keyed by user name: public key. */
  declare readonly publicKeys: pulumi.Output<Readonly<Record<string, string>>>;
  /** Map keyed by user name: when its credentials were issued and when they end. */
  declare readonly validity: pulumi.Output<Readonly<Record<string, Validity>>>;
  /** Map keyed by user name: credentials that are on their way out and still good. */
  declare readonly retiring: pulumi.Output<Readonly<Record<string, { readonly publicKey: string }>>>;
  /** Credentials that must be refused from now on; for the accounts. */
  declare readonly revoked: pulumi.Output<Readonly<Record<string, Readonly<Record<string, number>>>>>;

  constructor(name: string, args: UsersResourceArgs, options: pulumi.CustomResourceOptions = {}) {
    const accounts = Object.fromEntries(
      Object.entries(args.accounts).map(([account, { publicKey, roleSeeds, retiringRoleKeys }]) => [
        account,
        { publicKey, roleSeeds, ...(retiringRoleKeys === undefined ? {} : { retiringRoleKeys }) },
      ]),
    );
    const outputs = ["credentials", "publicKeys", "validity", "revoked", "revokedUntil", "retiring"];
    super(
      usersProvider,
      name,
      withOutputs({ users: args.users, accounts, ...(args.generations === undefined ? {} : { generations: args.generations }) }, outputs),
      secretly(options, ["credentials", "accounts"]),
      MODULE,
      "Users",
    );
  }
}

/**
 * Logins of users that stand in the server configuration: keys, or passwords of which the servers get bcrypt hashes.
 *
 * @example
 * const users = new PlainUsers("bus-logins", { users: { gitlab: "nkey" }, places: { gitlab: { account: "BUS", role: "gitlab" } } });
 */
export class PlainUsers extends pulumi.dynamic.Resource {
  /** Map keyed by user name: text of its credentials file; a secret. */
  declare readonly credentials: pulumi.Output<Readonly<Record<string, string>>>;
  /** Map keyed by user name: logins in force, for `renderAccountsBlock`; a secret. */
  declare readonly logins: pulumi.Output<Readonly<Record<string, readonly PlainLogin[]>>>;

  constructor(name: string, args: PlainUsersResourceArgs, options: pulumi.CustomResourceOptions = {}) {
    const secret = ["credentials", "logins"];
    super(plainUsersProvider, name, withOutputs(args, secret), secretly(options, secret), MODULE, "PlainUsers");
  }
}

/**
 * An account on the servers: pushed to all of them and verified on all of them.
 *
 * @example
 * new Account("bus-account", { connection, servers: ["n1", "n2", "n3"], name: "BUS", publicKey: keys.publicKey, limits, roles, roleKeys: keys.roleKeys, signingSeed: operator.signingSeed });
 */
export class Account extends pulumi.dynamic.Resource {
  /** Account's public key. */
  declare readonly publicKey: pulumi.Output<string>;
  /** Unix second of the version in force. */
  declare readonly issuedAt: pulumi.Output<number>;

  constructor(name: string, args: AccountResourceArgs, options: pulumi.CustomResourceOptions = {}) {
    const inputs = { revoked: {}, deletionPolicy: "retain", ...args };
    super(
      accountProvider,
      name,
      withOutputs(inputs, ["issuedAt", "inForce"]),
      secretly(options, ["connection", "signingSeed", "exporterSeeds"]),
      MODULE,
      "Account",
    );
  }
}

/**
 * Credentials and the certificate bundle as files on this machine, readable by you alone.
 *
 * @example
 * new CredentialsFiles("bus-files", { directory: ".natsbus/dev", credentials: users.credentials, ca: authority.bundle });
 */
export class CredentialsFiles extends pulumi.dynamic.Resource {
  /** Map keyed by user name: path of its file. */
  declare readonly files: pulumi.Output<Readonly<Record<string, string>>>;
  /** Path of the certificate bundle; empty when there is none. */
  declare readonly caFile: pulumi.Output<string>;

  constructor(name: string, args: CredentialsFilesResourceArgs, options: pulumi.CustomResourceOptions = {}) {
    super(
      credentialFilesProvider,
      name,
      withOutputs(args, ["files", "caFile", "digests"]),
      secretly(options, ["credentials"]),
      MODULE,
      "CredentialsFiles",
    );
  }
}

/** Pulumi learns from `undefined` inputs which outputs to expect. */
function withOutputs(args: object, outputs: readonly string[]): pulumi.Inputs {
  return { ...Object.fromEntries(outputs.map((output) => [output, undefined])), ...args };
}

function secretly(options: pulumi.CustomResourceOptions, names: readonly string[]): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(options, { additionalSecretOutputs: [...names] });
}
