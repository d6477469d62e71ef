/** What the checks look at, free of any wire format. */

/** Another member of a Raft group, as its leader sees it. */
export interface PeerSeen {
  readonly name: string;
  readonly current: boolean;
  readonly offline: boolean;
  /** Entries it is behind. */
  readonly lag: number;
  /** Seconds since it was last heard. */
  readonly activeSeconds: number;
}

/** The meta group. */
export interface MetaSeen {
  /** Absent: there is none. */
  readonly leader?: string;
  /** The other members. */
  readonly peers: readonly PeerSeen[];
}

/** JetStream of an account; limits of 0 or less are none. */
export interface UsageSeen {
  readonly streams: number;
  readonly consumers: number;
  readonly memory: number;
  readonly maxMemory: number;
  readonly storage: number;
  readonly maxStorage: number;
}

/** All streams of an account. */
export interface StreamsSeen {
  /** Those that answer, by name. */
  readonly found: readonly StreamSeen[];
  /** Names of those that exist and do not answer: their servers are away, or they have no leader. */
  readonly silent: readonly string[];
}

/** A stream. */
export interface StreamSeen {
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
  /** Copies wanted. */
  readonly replicas: number;
  /** Its Raft group; absent on a lone server. */
  readonly group?: { readonly leader?: string; readonly peers: readonly PeerSeen[] };
  /** Its mirror or sources; `activeSeconds` is absent when one was never heard. */
  readonly origins: readonly { readonly name: string; readonly lag: number; readonly activeSeconds?: number }[];
  /** Share of its limit in use; absent where being full loses nothing. */
  readonly fill?: number;
}

/** A consumer. */
export interface ConsumerSeen {
  readonly stream: string;
  readonly name: string;
  readonly leader?: string;
  /** Whether it has a Raft group at all. */
  readonly clustered: boolean;
  readonly pending: number;
  readonly ackPending: number;
  /** 0 or less: no limit. */
  readonly maxAckPending: number;
  readonly redelivered: number;
  /** Messages that may wait; absent: not declared. */
  readonly backlogLimit?: number;
}

/** Credentials of a user. */
export interface CredentialSeen {
  /** User. */
  readonly name: string;
  /** End of validity in seconds since 1970; absent: none. */
  readonly expiresAt?: number;
}
