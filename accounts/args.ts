/** What a catalogue, or a stack file on top of it, says about accounts. */
import type { Duration, Size } from "../core/units.ts";
import type { RoleIntent } from "./roles.ts";

/** JetStream limits of an account. A limit left out is unlimited; what the servers have is the limit then. */
export interface JetStreamLimitsArgs {
  /** Memory for memory streams over all replicas.
   * @default - unlimited */
  readonly memory?: Size | undefined;
  /** Disk for file streams over all replicas.
   * @default - unlimited */
  readonly storage?: Size | undefined;
  /** Number of streams.
   * @default - unlimited */
  readonly streams?: number | undefined;
  /** Number of consumers.
   * @default - unlimited */
  readonly consumers?: number | undefined;
  /** Most unacknowledged messages a consumer may ask for.
   * @default - unlimited */
  readonly maxAckPending?: number | undefined;
  /** Largest memory stream.
   * @default - unlimited */
  readonly memoryStream?: Size | undefined;
  /** Largest file stream.
   * @default - unlimited */
  readonly storageStream?: Size | undefined;
  /** Whether every stream must set a limit in bytes.
   * @default false */
  readonly maxBytesRequired?: boolean | undefined;
}

/** Limits of an account. A limit left out is unlimited; the servers' own limits hold in any case. */
export interface AccountLimitsArgs {
  /** Client connections on one server.
   * @default - unlimited */
  readonly connections?: number | undefined;
  /** Leaf node connections on one server.
   * @default - unlimited */
  readonly leafNodes?: number | undefined;
  /** Subscriptions of one connection.
   * @default - unlimited */
  readonly subscriptions?: number | undefined;
  /** Largest message.
   * @default - unlimited */
  readonly payload?: Size | undefined;
  /** Number of imports.
   * @default - unlimited */
  readonly imports?: number | undefined;
  /** Number of exports.
   * @default - unlimited */
  readonly exports?: number | undefined;
  /** Whether exports may have wildcards.
   * @default true */
  readonly wildcardExports?: boolean | undefined;
  /** Whether users that prove no key are refused.
   * @default false */
  readonly disallowBearer?: boolean | undefined;
  /** JetStream limits, or `false` for an account without JetStream.
   * @default - on and unlimited; off in the system account */
  readonly jetstream?: JetStreamLimitsArgs | false | undefined;
}

/** A kind of user, by what it is for. Rights JetStream needs on top are worked out from that. */
export interface RoleArgs extends RoleIntent {}

/** A user: one holder of credentials. */
export interface UserArgs {
  /** Role in the same account.
   * @default - the role of the user's own name */
  readonly role?: string | undefined;
  /** How long credentials are good for; `"0"` is for ever.
   * @default "0" */
  readonly lifetime?: Duration | undefined;
  /** Time before the end from which on `up` renews the credentials.
   * @default - a third of `lifetime` */
  readonly renewBefore?: Duration | undefined;
}

/** An account: a name space of its own for subjects and streams. */
export interface AccountArgs {
  /** What it is for.
   * @default - nothing */
  readonly description?: string | undefined;
  /** Whether it is the account the servers themselves use; exactly one is.
   * @default false */
  readonly system?: boolean | undefined;
  /** Limits.
   * @default {} */
  readonly limits?: AccountLimitsArgs | undefined;
  /** Map keyed by role name.
   * @default {} */
  readonly roles?: Readonly<Record<string, RoleArgs>> | undefined;
  /** Map keyed by user name, unique over all accounts; the name of the credentials file.
   * @default {} */
  readonly users?: Readonly<Record<string, UserArgs>> | undefined;
}
