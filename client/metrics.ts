/** What a client counts, and the snapshot of it. */

import type { RejectReason } from "./headers.ts";
import { LatencyHistogram, type LatencySnapshot } from "./histogram.ts";
import { RateMeter } from "./rate-meter.ts";

/** Everything a client has counted since it connected. Latencies in milliseconds, rates a second over the last ten seconds. */
export interface MetricsSnapshot {
  /** Time since the client connected, in milliseconds. */
  readonly uptimeMs: number;
  /** The connection, since the client connected. */
  readonly connection: {
    /** Connections made again after a loss. */
    readonly reconnects: number;
    /** Connections lost. */
    readonly disconnects: number;
    /** Errors told by a server, for instance refused permissions. */
    readonly serverErrors: number;
    /** Bytes that came in, acknowledgements included. */
    readonly inBytes: number;
    /** Bytes that went out, acknowledgements included. */
    readonly outBytes: number;
    /** Messages that came in, acknowledgements included. */
    readonly inMessages: number;
    /** Messages that went out, acknowledgements included. */
    readonly outMessages: number;
  };
  /** What was published with acknowledgement. */
  readonly publish: {
    /** Messages that a stream acknowledged. */
    readonly confirmed: number;
    /** Confirmed, but the stream held the message already. */
    readonly duplicates: number;
    /** Messages given up with an error. */
    readonly failed: number;
    /** Attempts beyond the first. */
    readonly retries: number;
    /** Sent and not confirmed yet. */
    readonly inFlight: number;
    /** Waiting for room in the in-flight window. */
    readonly queued: number;
    /** Bytes of all confirmed payloads. */
    readonly payloadBytes: number;
    /** Messages a second, lately. */
    readonly confirmedPerSecond: number;
    /** From the call until the acknowledgement, waiting and retries included. */
    readonly latency: LatencySnapshot;
  };
  /** What workers did. */
  readonly consume: {
    /** Deliveries that arrived. */
    readonly received: number;
    /** Messages that a handler finished. */
    readonly acknowledged: number;
    /** Given back for another delivery, or tried again in place. */
    readonly retried: number;
    /** Acknowledged without a handler, as a policy says. */
    readonly skipped: number;
    /** Messages stored as dead letters. */
    readonly deadLettered: number;
    /** Dead letters that could not be stored; the message is delivered again. */
    readonly deadLetterFailures: number;
    /** Messages no handler could finish, by reason. */
    readonly rejected: Readonly<Partial<Record<RejectReason, number>>>;
    /** Pulls that failed and were made again. */
    readonly pullErrors: number;
    /** Received and waiting for a handler. */
    readonly buffered: number;
    /** In a handler. */
    readonly running: number;
    /** Deliveries a second, lately. */
    readonly receivedPerSecond: number;
    /** Time in the handler. */
    readonly handling: LatencySnapshot;
    /** From the server's time of storing until the handler begins; clocks of both machines matter. */
    readonly lag: LatencySnapshot;
  };
  /** Requests of this client. */
  readonly request: {
    /** Requests answered with a value. */
    readonly answered: number;
    /** Requests without an answer, or answered with an error. */
    readonly failed: number;
    /** From the request until its answer. */
    readonly latency: LatencySnapshot;
  };
  /** Requests to services of this client. */
  readonly serve: {
    /** Requests that arrived at endpoints of this client. */
    readonly received: number;
    /** Requests answered with an error. */
    readonly failed: number;
    /** Requests waiting for a handler or in one. */
    readonly inHand: number;
    /** From a request's arrival until its answer was sent. */
    readonly handling: LatencySnapshot;
  };
}

/** Messages of one kind and pattern that ended one way. */
interface Outcome {
  readonly kind: string;
  readonly pattern: string;
  readonly outcome: "ok" | "failed";
  count: number;
}

const COUNTERS = {
  reconnects: 0,
  disconnects: 0,
  serverErrors: 0,
  confirmed: 0,
  duplicates: 0,
  failed: 0,
  retries: 0,
  inFlight: 0,
  queued: 0,
  payloadBytes: 0,
  received: 0,
  acknowledged: 0,
  retried: 0,
  skipped: 0,
  deadLettered: 0,
  deadLetterFailures: 0,
  pullErrors: 0,
  buffered: 0,
  running: 0,
  requestsAnswered: 0,
  requestsFailed: 0,
  served: 0,
  serveFailures: 0,
  serving: 0,
};

/** Bytes and messages of a connection. */
interface Traffic {
  readonly inBytes: number;
  readonly outBytes: number;
  readonly inMsgs: number;
  readonly outMsgs: number;
}

/** The counters of one client. */
export class ClientMetrics {
  /** Plain counters and gauges, changed in place. */
  readonly counts: typeof COUNTERS = { ...COUNTERS };
  readonly publishLatency = new LatencyHistogram();
  readonly handling = new LatencyHistogram();
  readonly lag = new LatencyHistogram();
  readonly requestLatency = new LatencyHistogram();
  readonly serving = new LatencyHistogram();
  /** Messages by kind, pattern and outcome; filled only for a registry of metrics. */
  readonly outcomes = new Map<string, Outcome>();
  readonly publishRate = new RateMeter();
  readonly receiveRate = new RateMeter();
  readonly #rejected: Partial<Record<RejectReason, number>> = {};
  readonly #startedAt = performance.now();

  /** Counts a message that could not be processed. */
  reject(reason: RejectReason): void {
    this.#rejected[reason] = (this.#rejected[reason] ?? 0) + 1;
  }

  /** Counts how a message of a pattern ended. */
  countOutcome(kind: string, pattern: string, outcome: "ok" | "failed"): void {
    const key = `${kind} ${pattern} ${outcome}`;
    const known = this.outcomes.get(key);
    if (known === undefined) this.outcomes.set(key, { kind, pattern, outcome, count: 1 });
    else known.count += 1;
  }

  /** A copy of everything counted so far. */
  snapshot(traffic: Traffic): MetricsSnapshot {
    const { counts } = this;
    const now = performance.now();
    const { reconnects, disconnects, serverErrors } = counts;
    const { confirmed, duplicates, failed, retries, inFlight, queued, payloadBytes } = counts;
    const { received, acknowledged, retried, skipped, deadLettered, deadLetterFailures, pullErrors, buffered, running } = counts;
    const wire = { inBytes: traffic.inBytes, outBytes: traffic.outBytes, inMessages: traffic.inMsgs, outMessages: traffic.outMsgs };
    const sent = { confirmed, duplicates, failed, retries, inFlight, queued, payloadBytes };
    const taken = { received, acknowledged, retried, skipped, deadLettered, deadLetterFailures, pullErrors, buffered, running };
    return {
      uptimeMs: now - this.#startedAt,
      connection: { reconnects, disconnects, serverErrors, ...wire },
      publish: { ...sent, confirmedPerSecond: this.publishRate.perSecond(now), latency: this.publishLatency.snapshot() },
      consume: {
        ...taken,
        rejected: { ...this.#rejected },
        receivedPerSecond: this.receiveRate.perSecond(now),
        handling: this.handling.snapshot(),
        lag: this.lag.snapshot(),
      },
      request: { answered: counts.requestsAnswered, failed: counts.requestsFailed, latency: this.requestLatency.snapshot() },
      serve: { received: counts.served, failed: counts.serveFailures, inHand: counts.serving, handling: this.serving.snapshot() },
    };
  }
}
