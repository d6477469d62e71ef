/** What monitoring must know about a bus: plain numbers and names, derived by the caller from the resolved spec. */

/** A bus as its rules and dashboards see it. */
export interface BusFacts {
  /** Value of the label `nats_cluster` on every series of this bus; unique among all buses that one Prometheus watches. */
  readonly cluster: string;
  /** Servers the bus should have, from 1 up. */
  readonly servers: number;
  /** Whether servers present certificates, which then can run out. */
  readonly tls: boolean;
  /** Memory a server may use, in bytes.
   * @default - no limit is known, no memory alert */
  readonly memoryLimitBytes?: number;
  /** Whether at least one account has a JetStream storage limit.
   * @default false */
  readonly accountStorageLimits?: boolean;
  /** The declared streams, key-value buckets and object stores included under their stream names. */
  readonly streams: readonly StreamFacts[];
}

/** A declared stream. */
export interface StreamFacts {
  /** Name of the account it lives in. */
  readonly account: string;
  /** Name of the stream. */
  readonly name: string;
  /** Copies wanted, 1 to 5. */
  readonly replicas: number;
  /** Whether the stream refuses messages when it is full: discard `new`, or a work queue. Only then is nearing a limit worth an alert. */
  readonly refusesWhenFull: boolean;
  /** Whether silence on this stream is a fault.
   * @default false */
  readonly expectTraffic?: boolean;
  /** Whether the stream mirrors another one.
   * @default false */
  readonly mirror?: boolean;
  /** Whether the stream sources other ones.
   * @default false */
  readonly sources?: boolean;
  /** Whether the stream captures JetStream's own advisories (`$JS.EVENT.ADVISORY.>` or some of them): each message in it is bad news.
   * @default false */
  readonly advisories?: boolean;
  /** Who is told about this stream; the value of the label `team`.
   * @default - the general receivers */
  readonly team?: string;
  /** The declared durable consumers. */
  readonly consumers: readonly ConsumerFacts[];
}

/** A declared durable consumer. */
export interface ConsumerFacts {
  /** Name of the consumer. */
  readonly name: string;
  /** Messages that may wait for this consumer before it counts as behind.
   * @default - no backlog alert */
  readonly backlogLimit?: number;
  /** Unacknowledged messages after which delivery stops.
   * @default - no limit, or no acknowledgements: no saturation alert */
  readonly maxAckPending?: number;
}

/** Whether several servers form a cluster, so that there is a leader, a quorum and routes. */
export function isClustered(facts: BusFacts): boolean {
  return facts.servers > 1;
}

/** Servers that must be healthy for JetStream to accept writes. */
export function quorumOf(facts: BusFacts): number {
  return Math.floor(facts.servers / 2) + 1;
}

/** Whether some stream satisfies `test`. */
export function hasStream(facts: BusFacts, test: (stream: StreamFacts) => boolean): boolean {
  return facts.streams.some(test);
}

/** Whether some consumer satisfies `test`. */
export function hasConsumer(facts: BusFacts, test: (consumer: ConsumerFacts) => boolean): boolean {
  return facts.streams.some((stream) => stream.consumers.some(test));
}
