/** What a catalogue, or a stack file on top of it, says about accounts. */
import type { Duration, Size } from "../core/units.ts";
import type { RoleIntent } from "./roles.ts";
import type { SharingArgs } from "./sharing-args.ts";

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

/** JetStream limits by the number of replicas; a replica count without limits is refused. */
export interface TieredLimitsArgs {
  /** Map keyed by `R1` to `R5`: limits of all streams with that many replicas; sizes count once, not for every replica. */
  readonly tiers: Readonly<Record<string, JetStreamLimitsArgs>>;
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
  /** Bytes in total; kept in the account, but servers do not enforce it.
   * @default - unlimited */
  readonly data?: Size | undefined;
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
  /** JetStream limits, for all replica counts together or by tiers; `false` for an account without JetStream.
   * @default - on and unlimited; off in the system account */
  readonly jetstream?: JetStreamLimitsArgs | TieredLimitsArgs | false | undefined;
}

/** How a user may connect: a transport of NATS. */
export type ConnectionKind = "standard" | "websocket" | "leafnode" | "leafnode-websocket" | "mqtt" | "mqtt-websocket" | "in-process";

/** A kind of user, by what it is for. Rights JetStream needs on top are worked out from that. */
export interface RoleArgs extends Omit<RoleIntent, "responseMs"> {
  /** How long after a request it may be answered; `"0"` is for ever.
   * @default "2m" */
  readonly responseTime?: Duration | undefined;
  /** Networks users may come from, in CIDR form.
   * @default - from everywhere */
  readonly sources?: readonly string[] | undefined;
  /** Times of day users may be connected, `"HH:MM:SS"`; one that ends before it starts spans midnight.
   * @default - always */
  readonly times?: readonly { readonly from: string; readonly to: string }[] | undefined;
  /** Time zone of `times`, for instance `"Europe/Berlin"`.
   * @default - the server's own */
  readonly timeZone?: string | undefined;
  /** Subscriptions of a connection.
   * @default - unlimited */
  readonly subscriptions?: number | undefined;
  /** Largest message.
   * @default - unlimited */
  readonly payload?: Size | undefined;
  /** Bytes in total; servers do not enforce it.
   * @default - unlimited */
  readonly data?: Size | undefined;
  /** Whether a token alone, without the proof of a key, is enough to connect.
   * @default false */
  readonly bearer?: boolean | undefined;
  /** Whether users must come through a trusted proxy; needs nats-server 2.12.
   * @default false */
  readonly proxyRequired?: boolean | undefined;
  /** Ways to connect.
   * @default - all */
  readonly connections?: readonly ConnectionKind[] | undefined;
}

/** A user: one holder of credentials. */
export interface UserArgs {
  /** Role in the same account.
   * @default - the role of the user's own name */
  readonly role?: string | undefined;
  /** Rights of the user's own instead of a role: as a role of the user's name would have.
   * @default - those of the role */
  readonly rights?: RoleArgs | undefined;
  /** How the user proves who it is with `auth.mode: config`: with a key, or with a password that natsbus makes.
   * @default "nkey" */
  readonly login?: "nkey" | "password" | undefined;
  /** Tags, for `{{tag(…)}}` in the role's subjects, `"name:value"`.
   * @default [] */
  readonly tags?: readonly string[] | undefined;
  /** How long credentials are good for; `"0"` is for ever.
   * @default "0" */
  readonly lifetime?: Duration | undefined;
  /** Time before the end from which on `up` renews the credentials.
   * @default - a third of `lifetime` */
  readonly renewBefore?: Duration | undefined;
}

/** An account: a name space of its own for subjects and streams. */
export interface AccountArgs extends SharingArgs {
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
