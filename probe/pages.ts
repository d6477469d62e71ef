/** The monitoring pages of a server, as far as the probe reads them. */

/** `/varz`; the exporter's series are picked from it by path. */
export interface VarzPage {
  readonly server_name: string;
  readonly version: string;
  readonly start: string;
  readonly config_digest?: string;
  readonly tls_cert_not_after?: string;
  readonly cluster?: { readonly name?: string; readonly tls_cert_not_after?: string };
  readonly leaf?: { readonly tls_cert_not_after?: string };
  readonly websocket?: { readonly tls_cert_not_after?: string };
  readonly mqtt?: { readonly tls_cert_not_after?: string };
  readonly connections?: number;
  readonly jetstream?: { readonly meta?: { readonly leader?: string } };
  readonly [field: string]: unknown;
}

/** A `/healthz` answer. */
export interface HealthPage {
  /** `ok`, `unavailable` or `error`. */
  readonly status: string;
  /** Why it is not ok. */
  readonly error?: string;
}

/** One Raft group as a member sees it. Only the leader knows who is current. */
export interface GroupPage {
  readonly leader?: string;
  readonly name?: string;
  readonly raft_group?: string;
  readonly replicas?: readonly PeerPage[];
}

/** Another member of a group. */
interface PeerPage {
  readonly name: string;
  readonly current?: boolean;
  readonly offline?: boolean;
  /** Entries it is behind. */
  readonly lag?: number;
}

/** A mirror or source of a stream. */
export interface OriginPage {
  readonly name: string;
  readonly lag: number;
  /** Nanoseconds since it was last heard; -1 never. */
  readonly active: number;
  readonly external?: { readonly api?: string; readonly deliver?: string };
}

/** A copy of a stream. */
export interface StreamPage {
  readonly name: string;
  readonly cluster?: GroupPage;
  readonly config?: {
    readonly num_replicas?: number;
    readonly discard?: string;
    readonly retention?: string;
    readonly max_bytes?: number;
    readonly max_msgs?: number;
  };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly consumer_count: number;
  };
  readonly mirror?: OriginPage;
  readonly sources?: readonly OriginPage[];
  readonly stream_raft_group?: string;
  readonly consumer_detail?: readonly ConsumerPage[];
}

/** A copy of a consumer. */
export interface ConsumerPage {
  readonly name: string;
  readonly config?: { readonly max_ack_pending?: number; readonly description?: string };
  readonly delivered: { readonly consumer_seq: number; readonly stream_seq: number; readonly last_active?: string };
  readonly ack_floor: { readonly consumer_seq: number; readonly stream_seq: number; readonly last_active?: string };
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_waiting: number;
  readonly num_pending: number;
  readonly cluster?: GroupPage;
}

/** `/jsz` with everything in it. */
export interface JszPage {
  readonly disabled?: boolean;
  readonly config?: { readonly domain?: string; readonly max_memory?: number; readonly max_storage?: number };
  readonly memory?: number;
  readonly storage?: number;
  readonly streams?: number;
  readonly consumers?: number;
  readonly messages?: number;
  readonly bytes?: number;
  readonly meta_cluster?: GroupPage;
  readonly account_details?: readonly {
    readonly name: string;
    readonly id?: string;
    readonly storage: number;
    readonly memory: number;
    readonly reserved_storage: number;
    readonly reserved_memory: number;
    readonly stream_detail?: readonly StreamPage[];
  }[];
}

/** One account of `/accstatz`. */
export interface AccountStatPage {
  readonly acc: string;
  readonly name?: string;
  readonly conns: number;
  readonly total_conns: number;
  readonly leafnodes: number;
  readonly num_subscriptions: number;
  readonly sent: { readonly msgs: number; readonly bytes: number };
  readonly received: { readonly msgs: number; readonly bytes: number };
  readonly slow_consumers: number;
}

/** All pages of one server at one moment. */
export interface ServerPages {
  /** When it answered, in milliseconds since 1970. */
  readonly at: number;
  readonly varz: VarzPage;
  /** Absent when it took too long. */
  readonly jsz?: JszPage;
  readonly health?: HealthPage;
  readonly enabledHealth?: HealthPage;
  readonly metaHealth?: HealthPage;
  readonly accounts?: readonly AccountStatPage[];
  /** Digest of the configuration the server was given; absent: not known. */
  readonly wantedDigest?: string;
}
