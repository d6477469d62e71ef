/** What the identity resources take from the program, with Pulumi inputs. */
import type * as pulumi from "@pulumi/pulumi";
import type { ConnectionSpec } from "../core/connection.ts";
import type { AccountLimits } from "./claims.ts";
import type { UserInputs } from "./model.ts";
import type { LoginKind } from "./plain-users.ts";
import type { Permissions } from "./roles.ts";
import type { Sharing } from "./sharing.ts";

/** Map keyed by role: its signing key, public or secret. */
export type RoleKeys = Readonly<Record<string, string>>;

/** Arguments of the operator resource. */
export interface OperatorResourceArgs {
  /** Operator name. */
  readonly name: pulumi.Input<string>;
  /** Name of the account the servers themselves use. */
  readonly systemAccount: pulumi.Input<string>;
  /** Roles of that account; the one natsbus connects with is added. */
  readonly systemRoles: pulumi.Input<readonly string[]>;
  /** How often the signing key is to have been rotated: a larger number than before rotates it.
   * @default 0 */
  readonly generation?: pulumi.Input<number>;
}

/** Arguments of the account keys resource. */
export interface AccountKeysResourceArgs {
  /** Account name. */
  readonly account: pulumi.Input<string>;
  /** Role names; each gets a signing key. */
  readonly roles: pulumi.Input<readonly string[]>;
  /** Seed of the key of an account that exists already; a secret.
   * @default - a new key */
  readonly givenSeed?: pulumi.Input<string>;
  /** File in which the account's seed is kept when the resource is deleted while the account stays on the servers.
   * @default - the key is forgotten */
  readonly keptIn?: pulumi.Input<string>;
  /** How often the signing keys are to have been rotated: a larger number than before rotates them.
   * @default 0 */
  readonly generation?: pulumi.Input<number>;
}

/** Arguments of the users resource. */
export interface UsersResourceArgs {
  /** Map keyed by user name. */
  readonly users: pulumi.Input<Readonly<Record<string, UserInputs>>>;
  /** Map keyed by account name: its identity and the seeds of its roles. */
  readonly accounts: Readonly<
    Record<
      string,
      {
        readonly publicKey: pulumi.Input<string>;
        readonly roleSeeds: pulumi.Input<RoleKeys>;
        readonly retiringRoleKeys?: pulumi.Input<RoleKeys> | undefined;
      }
    >
  >;
  /** Map keyed by user name: how often its credentials are to have been rotated: a larger number than before rotates them.
   * @default {} */
  readonly generations?: pulumi.Input<Readonly<Record<string, number>>>;
}

/** Arguments of the resource of users in the server configuration. */
export interface PlainUsersResourceArgs {
  /** Map keyed by user name: kind of its login. */
  readonly users: pulumi.Input<Readonly<Record<string, LoginKind>>>;
  /** Map keyed by user name: where it belongs; shown to people only. */
  readonly places: pulumi.Input<Readonly<Record<string, { readonly account: string; readonly role: string }>>>;
  /** Map keyed by user name: how often its login is to have been rotated: a larger number than before rotates it.
   * @default {} */
  readonly generations?: pulumi.Input<Readonly<Record<string, number>>>;
}

/** Arguments of the account resource. */
export interface AccountResourceArgs {
  /** Connection with a user of the system account. */
  readonly connection: pulumi.Input<ConnectionSpec>;
  /** Names of all servers of the cluster; every one of them must take the account. */
  readonly servers: pulumi.Input<readonly string[]>;
  /** Account name. */
  readonly name: pulumi.Input<string>;
  /** Account's public key. */
  readonly publicKey: pulumi.Input<string>;
  /** What the account is for.
   * @default - nothing */
  readonly description?: pulumi.Input<string>;
  /** All limits. */
  readonly limits: pulumi.Input<AccountLimits>;
  /** Map keyed by role: its rights. */
  readonly roles: pulumi.Input<Readonly<Record<string, Permissions>>>;
  /** Map keyed by role: public signing key. */
  readonly roleKeys: pulumi.Input<RoleKeys>;
  /** Map keyed by role: public signing key that is on its way out and still good.
   * @default {} */
  readonly retiringRoleKeys?: pulumi.Input<RoleKeys>;
  /** Credentials to refuse, an output of the users resource.
   * @default {} */
  readonly revoked?: pulumi.Input<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  /** What the account shares, imports, maps and leaves to others.
   * @default - nothing */
  readonly sharing?: pulumi.Input<Sharing>;
  /** Map keyed by account name: public keys that names in `sharing` stand for.
   * @default {} */
  readonly accountKeys?: pulumi.Input<Readonly<Record<string, string>>>;
  /** Map keyed by user name: public keys in force that names in `sharing` stand for.
   * @default {} */
  readonly userKeys?: pulumi.Input<Readonly<Record<string, readonly string[]>>>;
  /** Map keyed by account name: seeds of accounts whose private exports this one imports.
   * @default {} */
  readonly exporterSeeds?: pulumi.Input<Readonly<Record<string, string>>>;
  /** Version that the servers have in their configuration and take up when they start, for the system account: with another one the account is brought to them again.
   * @default - none */
  readonly startedWith?: pulumi.Input<string>;
  /** Map keyed by account name: public keys of all accounts of the bus. One that leaves the map while it holds streams is refused at preview: it would stay on the servers and
   * nobody could sign users for it any more.
   * @default - other accounts may go */
  readonly companions?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /** Seed of the operator's signing key. */
  readonly signingSeed: pulumi.Input<string>;
  /** Whether the account is removed from the servers with its resource; refused while it has streams.
   * @default "retain" */
  readonly deletionPolicy?: pulumi.Input<"retain" | "delete">;
}

/** Arguments of the credentials files resource. */
export interface CredentialsFilesResourceArgs {
  /** Folder for `ca.pem`; credentials go into `creds/` below it. Relative to the project. */
  readonly directory: pulumi.Input<string>;
  /** Map keyed by user name: text of its `.creds` file. */
  readonly credentials: pulumi.Input<Readonly<Record<string, string>>>;
  /** Certificate bundle, PEM; empty for none. */
  readonly ca: pulumi.Input<string>;
}
