/** Inputs and outputs of the identity resources that need no server, as plain values. */
import type { Validity } from "../core/validity.ts";
import type { RotationPhase } from "./rotation.ts";

/** What an operator is made from. */
export interface OperatorInputs {
  /** Operator name. */
  readonly name: string;
  /** Name of the account the servers themselves use. */
  readonly systemAccount: string;
  /** Roles of the system account; the one natsbus connects with is added. */
  readonly systemRoles: readonly string[];
  /** How often the signing key is to have been rotated.
   * @default 0 */
  readonly generation?: number;
  /** Where the rotation stands; planned by `check`. */
  readonly phase?: RotationPhase;
}

/** An operator with its system account. */
export interface OperatorState extends OperatorInputs {
  /** Operator's public key. */
  readonly publicKey: string;
  /** Operator's seed; signs only its own token. A secret. */
  readonly seed: string;
  /** Seed of the operator's signing key; signs accounts. A secret. */
  readonly signingSeed: string;
  /** Public signing key that its successor is replacing: servers trust both. Absent: there is only one. */
  readonly retiringKey?: string;
  /** Operator's token, for the servers' configuration. Not a secret. */
  readonly token: string;
  /** System account's public key, for the servers' configuration. */
  readonly systemPublicKey: string;
  /** System account's seed. A secret. */
  readonly systemSeed: string;
  /** Map keyed by role of the system account: public signing key. */
  readonly systemRoleKeys: Readonly<Record<string, string>>;
  /** Map keyed by role of the system account: seed of its signing key. A secret. */
  readonly systemRoleSeeds: Readonly<Record<string, string>>;
  /** First version of the system account's token, for the servers' preload. It changes with the signing key only, so that no role change touches a server's
   * configuration; the full version is pushed. Not a secret. */
  readonly systemToken: string;
  /** Credentials natsbus connects to the system account with. A secret. */
  readonly systemCredentials: string;
}

/** What the keys of an account are made from. */
export interface AccountKeysInputs {
  /** Account name. */
  readonly account: string;
  /** Role names; each gets a signing key. */
  readonly roles: readonly string[];
  /** Seed of the key of an account that exists already. A secret.
   * @default - a new key */
  readonly givenSeed?: string;
  /** File in which the seed is kept when the resource is deleted, relative to the project.
   * @default - the key is forgotten */
  readonly keptIn?: string;
  /** How often the signing keys are to have been rotated.
   * @default 0 */
  readonly generation?: number;
  /** Where the rotation stands; planned by `check`. */
  readonly phase?: RotationPhase;
}

/** Keys of an account. */
export interface AccountKeysState extends AccountKeysInputs {
  /** Account's public key, its identity. */
  readonly publicKey: string;
  /** Account's seed. A secret. */
  readonly seed: string;
  /** Map keyed by role: public signing key. */
  readonly roleKeys: Readonly<Record<string, string>>;
  /** Map keyed by role: seed of its signing key. A secret. */
  readonly roleSeeds: Readonly<Record<string, string>>;
  /** Map keyed by role: public signing key that its successor is replacing; users of both are let in. Empty: there is only one each. */
  readonly retiringRoleKeys?: Readonly<Record<string, string>>;
}

/** What one user is. */
export interface UserInputs {
  /** Account name. */
  readonly account: string;
  /** Role in that account. */
  readonly role: string;
  /** How long the credentials are good for, in milliseconds; 0 is for ever. */
  readonly lifetimeMs: number;
  /** Time before the end from which on they are renewed, in milliseconds. */
  readonly renewBeforeMs: number;
  /** Tags; absent: none. */
  readonly tags?: readonly string[];
}

/** An account as far as it signs users. */
export interface SigningAccount {
  /** Account's public key. */
  readonly publicKey: string;
  /** Map keyed by role: seed of its signing key. A secret. */
  readonly roleSeeds: Readonly<Record<string, string>>;
  /** Map keyed by role: public signing key that its successor is replacing.
   * @default {} */
  readonly retiringRoleKeys?: Readonly<Record<string, string>>;
}

/** What a set of users is made from. */
export interface UsersInputs {
  /** Map keyed by user name. */
  readonly users: Readonly<Record<string, UserInputs>>;
  /** Map keyed by account name: its identity and the seeds that sign its users. Holds secrets. */
  readonly accounts: Readonly<Record<string, SigningAccount>>;
  /** Map keyed by user name: how often its credentials are to have been rotated.
   * @default {} */
  readonly generations?: Readonly<Record<string, number>>;
  /** Map keyed by user name: where its rotation stands; planned by `check`. */
  readonly phases?: Readonly<Record<string, RotationPhase>>;
  /** Map keyed by user name; planned by `check`, so that a preview shows renewals. */
  readonly validity?: Readonly<Record<string, Validity>>;
}

/** A set of users with their credentials. */
export interface UsersState extends UsersInputs {
  readonly validity: Readonly<Record<string, Validity>>;
  /** Map keyed by user name: text of the `.creds` file. A secret. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Map keyed by user name: the user's public key. */
  readonly publicKeys: Readonly<Record<string, string>>;
  /** Map keyed by account name, then by user public key: tokens issued up to this Unix second must be refused. For the account's token. */
  readonly revoked: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Map keyed by revoked user public key: Unix second its token ends by itself, after which the revocation is dropped. Without an entry it is kept for ever. */
  readonly revokedUntil?: Readonly<Record<string, number>>;
  /** Map keyed by user name: credentials whose successor was handed out, still good until the next run. */
  readonly retiring?: Readonly<Record<string, RetiringUser>>;
}

/** A credential that is on its way out. */
export interface RetiringUser {
  /** The user's public key. */
  readonly publicKey: string;
  /** Account name. */
  readonly account: string;
  /** Unix second its token ends by itself; absent: never. */
  readonly until?: number;
}
