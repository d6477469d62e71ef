/** Settings of the acceptance suite. */

/** Whether the suite may stop servers: always, only after asking for it by name, or never. */
export type DisruptionRule = "allow" | "ask" | "never";

/** What `natsbus verify` holds a bus against. */
export interface VerifySpec {
  /** Whether it may stop servers; absent: `allow` for a stack named dev or an ephemeral one on this machine, else `ask`. */
  readonly disruptive?: DisruptionRule;
  /** Limits. */
  readonly thresholds: VerifyThresholds;
}

/** Limits of what `natsbus verify` measures. */
export interface VerifyThresholds {
  /** Least messages a second, published with acknowledgement by one client, many in flight. */
  readonly publishRate: number;
  /** Least rate of the client library against the raw client, in the same run. */
  readonly publishRatio: number;
  /** Least rate of consuming against the raw client, in the same run. */
  readonly consumeRatio: number;
  /** Least percentage of acknowledged messages that reach a consumer. */
  readonly delivered: number;
  /** Most milliseconds from publishing to the acknowledgement, on average, one message at a time. */
  readonly meanLatency: number;
  /** Most milliseconds of the slowest hundredth, five publishers at once. */
  readonly latencyP99: number;
  /** Most milliseconds without an acknowledgement after a server was stopped in order. */
  readonly failover: number;
  /** Most milliseconds without an acknowledgement after a server was killed. */
  readonly crashFailover: number;
  /** Most milliseconds from starting a stopped server until every replica is current again. */
  readonly catchUp: number;
  /** Most percentage of the account's JetStream storage in use. */
  readonly storageUsed: number;
  /** Least number of kinds of errors that were provoked and recovered from. */
  readonly errorTypes: number;
  /** Least rate with the most publishers against the best rate of the curve. */
  readonly scaling: number;
}

/** The limits when the stack file says nothing. Rate, mean latency, delivery and fail-over are the reference figures to beat on one machine. */
export const VERIFY_DEFAULTS: VerifyThresholds = {
  publishRate: 3399,
  publishRatio: 0.5,
  consumeRatio: 0.4,
  delivered: 100,
  meanLatency: 1.46,
  latencyP99: 250,
  failover: 1000,
  crashFailover: 15_000,
  catchUp: 30_000,
  storageUsed: 90,
  errorTypes: 15,
  scaling: 0.4,
};
