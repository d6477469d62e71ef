/** Inputs and outputs of the resource that brings an account to the servers, as plain values. */
import type { ConnectionSpec } from "../core/connection.ts";
import type { AccountLimits } from "./claims.ts";
import type { Permissions } from "./roles.ts";
import type { Sharing } from "./sharing.ts";
import type { Json } from "./token.ts";

/** What becomes of an account on the servers when its resource is deleted. */
export type AccountDeletion = "retain" | "delete";

/** What an account is made from. */
export interface AccountInputs {
  /** Connection with a user of the system account. Holds a secret. */
  readonly connection: ConnectionSpec;
  /** Names of all servers of the cluster. */
  readonly servers: readonly string[];
  /** Account name. */
  readonly name: string;
  /** Account's public key. */
  readonly publicKey: string;
  /** What the account is for. */
  readonly description?: string;
  /** All limits. */
  readonly limits: AccountLimits;
  /** Map keyed by role. */
  readonly roles: Readonly<Record<string, Permissions>>;
  /** Map keyed by role: public signing key. */
  readonly roleKeys: Readonly<Record<string, string>>;
  /** Map keyed by role: public signing key on its way out and still good; absent: none. */
  readonly retiringRoleKeys?: Readonly<Record<string, string>>;
  /** Map keyed by account name, then by user public key: tokens up to this Unix second are refused. Other accounts' entries are ignored. */
  readonly revoked: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What it shares, imports, maps and leaves to others; absent: nothing. */
  readonly sharing?: Sharing;
  /** Map keyed by account name: public keys that names in `sharing` stand for. */
  readonly accountKeys?: Readonly<Record<string, string>>;
  /** Map keyed by user name: public keys in force that names in `sharing` stand for. */
  readonly userKeys?: Readonly<Record<string, readonly string[]>>;
  /** Map keyed by account name: seeds of the accounts that this one imports private things from. Secrets. */
  readonly exporterSeeds?: Readonly<Record<string, string>>;
  /** Version that the servers take up from their configuration when they start; with another one the account is brought to them again. Absent: none. */
  readonly startedWith?: string;
  /** Map keyed by account name: public keys of all accounts of the bus; one that leaves while it holds streams is refused. Absent: others may go. */
  readonly companions?: Readonly<Record<string, string>>;
  /** Seed of the operator's signing key. A secret. */
  readonly signingSeed: string;
  /** What becomes of the account when the resource is deleted. */
  readonly deletionPolicy: AccountDeletion;
}

/** An account as the servers have it. */
export interface AccountState extends AccountInputs {
  /** Unix second of the version in force. */
  readonly issuedAt: number;
  /** What the version in force says, in normal form. */
  readonly inForce: { readonly [key: string]: Json };
  /** Servers that have another version than the one that was brought to them, as last seen, a sentence each; absent: none has. */
  readonly drift?: readonly string[];
}
