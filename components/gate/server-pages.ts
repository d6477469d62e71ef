/** What servers say of themselves, as far as natsbus reads it: the same pages on the monitor port and over the system account. */

/** The part of `/varz` natsbus reads. */
export interface Varz {
  /** Server name. */
  readonly server_name: string;
  /** Server version. */
  readonly version: string;
  /** When the server started, RFC 3339. */
  readonly start: string;
  /** Present client connections. */
  readonly connections: number;
  /** Largest message in bytes. */
  readonly max_payload?: number;
  /** Digest of the parsed configuration in force, `sha256:…`. */
  readonly config_digest?: string;
  /** When that configuration was read, RFC 3339. */
  readonly config_load_time?: string;
}

/** One Raft group as its leader or a follower sees it. Only the leader knows who is current. */
export interface GroupState {
  /** Leader's server name; absent while there is none. */
  readonly leader?: string;
  /** The other members. */
  readonly replicas?: readonly { readonly name: string; readonly current: boolean; readonly offline?: boolean; readonly lag?: number }[];
  /** Members of the meta group, this server included. */
  readonly cluster_size?: number;
}

/** The part of `/jsz?accounts=true&streams=true&consumers=true&config=true` natsbus reads. */
export interface Jsz {
  /** The meta group; absent on a lone server. */
  readonly meta_cluster?: GroupState;
  /** Streams this server holds a replica of. */
  readonly streams?: number;
  /** Consumers this server holds a replica of. */
  readonly consumers?: number;
  /** Messages stored on this server. */
  readonly messages?: number;
  /** Bytes stored on this server. */
  readonly bytes?: number;
  /** Accounts with their assets, when asked for. */
  readonly account_details?: readonly {
    readonly name: string;
    readonly id?: string;
    readonly stream_detail?: readonly StreamDetail[];
  }[];
}

/** One stream replica of a server. */
export interface StreamDetail {
  /** Stream name. */
  readonly name: string;
  /** The stream's group; absent on a lone server. */
  readonly cluster?: GroupState;
  /** Its configuration, when asked for. */
  readonly config?: {
    readonly num_replicas?: number;
    readonly subjects?: readonly string[];
    readonly metadata?: Readonly<Record<string, string>>;
  };
  /** What this replica holds. */
  readonly state?: { readonly messages?: number; readonly bytes?: number; readonly consumer_count?: number };
  /** Its consumers' replicas on this server. */
  readonly consumer_detail?: readonly {
    readonly name: string;
    readonly cluster?: GroupState;
    readonly config?: { readonly metadata?: Readonly<Record<string, string>> };
  }[];
}

/** The part of `/healthz` natsbus reads. */
export interface Healthz {
  /** `ok`, or `unavailable`. */
  readonly status?: string;
  /** What is wrong. */
  readonly error?: string;
}
