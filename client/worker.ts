/** Consumes: takes messages by priority, runs handlers side by side, and sees that each message is acknowledged, tried again or buried. */
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { Attempt, type Outcome } from "./attempt.ts";
import { retryDelay } from "./back-off.ts";
import type { Rejection } from "./codec.ts";
import type { ConsumeSpec } from "./consume-args.ts";
import type { OpenConsumer } from "./consumer-access.ts";
import type { Delivery } from "./delivery.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import { type Opener, openMessage, routesBySubject } from "./inbound.ts";
import { type Held, Intake } from "./intake.ts";
import { PassingValues } from "./keyed-values.ts";
import { LanePolicy } from "./lane-policy.ts";
import type { ClientMetrics } from "./metrics.ts";
import type { Middleware } from "./middleware.ts";
import type { Handler, Opened } from "./route.ts";
import type { Undertaker } from "./undertaker.ts";
import type { MessageVerifier } from "./verifier.ts";

/** What a worker works with. */
export interface WorkerTools {
  readonly connection: NatsConnection;
  /** Below which the user may listen. */
  readonly inboxPrefix: string | undefined;
  readonly middleware: Middleware | undefined;
  readonly metrics: ClientMetrics;
  readonly verifier: MessageVerifier | undefined;
  readonly undertaker: Undertaker;
  /** Called once, when the worker has stopped. */
  readonly onStop: (worker: Worker) => void;
}

interface Work {
  readonly opened: Opened;
  readonly headers: HeaderRecord;
  readonly key: string | undefined;
}

interface Lane extends OpenConsumer {
  readonly intake: Intake<Work>;
  running: number;
}

const DEFAULT_BACK_OFF_MS = [1_000, 5_000, 30_000, 120_000];
const DEFAULT_ATTEMPTS = 5;
const UNBURIED_WAIT_MS = 30_000;
const SHORTEST_BEAT_MS = 100;

/** A running consumption; made by {@link MessageBus.consume}. Stop it by {@link drain} or the end of an `await using` block. */
export class Worker implements AsyncDisposable {
  readonly #spec: ConsumeSpec;
  readonly #tools: WorkerTools;
  readonly #lanes: readonly Lane[];
  readonly #policy: LanePolicy;
  readonly #opener: Opener;
  readonly #busyKeys = new Set<string>();
  readonly #isFree: ((work: Work) => boolean) | undefined;
  readonly #draining = new AbortController();
  readonly #attempts = new PassingValues<number, Attempt>();
  #attemptCount = 0;
  #isStopped = false;
  readonly #beat: NodeJS.Timeout;
  readonly #drainMs: number;
  #whenIdle: (() => void) | undefined;
  #drained: Promise<void> | undefined;

  /** Begins to consume at once. */
  constructor(spec: ConsumeSpec, consumers: readonly OpenConsumer[], tools: WorkerTools, drainMs: number) {
    this.#spec = spec;
    this.#tools = tools;
    this.#drainMs = drainMs;
    this.#policy = new LanePolicy(spec);
    this.#opener = { routes: routesBySubject(spec.routes), skipsUnrouted: spec.skipsUnrouted, verifier: tools.verifier };
    this.#isFree = spec.orderBy === undefined ? undefined : ({ key }) => key === undefined || !this.#busyKeys.has(key);
    this.#lanes = consumers.map((open) => ({ ...open, running: 0, intake: this.#intakeOf(open) }));
    const shortestMs = Math.min(...consumers.map((open) => open.ackWaitMs));
    this.#beat = setInterval(() => this.#keep(), Math.max(SHORTEST_BEAT_MS, shortestMs / 3));
    for (const lane of this.#lanes) lane.intake.start();
  }

  /** Messages that wait for a handler. */
  get buffered(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.intake.waiting, 0);
  }

  /** Messages in handlers. */
  get running(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.running, 0);
  }

  /** Takes no more messages, gives back those that wait, and lets handlers finish; after `limitMs` they are aborted and their messages given back.
   * @param limitMs in milliseconds; `drainTimeout` of the client when not given */
  drain(limitMs = this.#drainMs): Promise<void> {
    this.#drained ??= this.#stop(limitMs);
    return this.#drained;
  }

  /** The same as {@link drain}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  async #stop(limitMs: number): Promise<void> {
    this.#draining.abort();
    await Promise.all(this.#lanes.map((lane) => lane.intake.stop()));
    const timer = setTimeout(() => this.#cutOff(), limitMs);
    if (this.running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    clearTimeout(timer);
    clearInterval(this.#beat);
    this.#tools.onStop(this);
  }

  #cutOff(): void {
    this.#isStopped = true;
    for (const attempt of this.#attempts.all()) attempt.cutOff("the worker stopped");
  }

  #intakeOf({ pullSubject }: OpenConsumer): Intake<Work> {
    const { metrics, connection, inboxPrefix } = this.#tools;
    return new Intake<Work>({
      ...{ connection, inboxPrefix, subject: pullSubject },
      prefetch: this.#spec.prefetch,
      open: (message) => this.#open(message),
      onMessage: () => this.#dispatch(),
      onError: () => {
        metrics.counts.pullErrors += 1;
      },
    });
  }

  #open(message: Delivery): Work | Promise<Work> {
    const { metrics } = this.#tools;
    metrics.counts.received += 1;
    metrics.receiveRate.mark();
    const { headers } = message;
    const opened = openMessage(this.#opener, { message, headers });
    if (opened instanceof Promise) return opened.then((result) => this.#keyed(result, message.subject, headers.plain));
    return this.#keyed(opened, message.subject, headers.plain);
  }

  #keyed(opened: Opened, subject: string, headers: HeaderRecord): Work {
    if (opened.kind !== "value" || this.#spec.orderBy === undefined) return { opened, headers, key: undefined };
    try {
      return { opened, headers, key: this.#spec.orderBy({ subject, headers, value: opened.value }) };
    } catch (error) {
      const rejected = { kind: "rejected", reason: "handler", detail: `orderBy failed: ${String(error)}` } as const;
      return { opened: rejected, headers, key: undefined };
    }
  }

  /** The server delivers again what it hears nothing of, and what waits here is not lost. */
  #keep(): void {
    for (const lane of this.#lanes) for (const { message } of lane.intake.inHand()) message.working();
  }

  #dispatch(): void {
    if (this.#draining.signal.aborted) return;
    for (;;) {
      const lane = this.#nextLane();
      const held = lane?.intake.take(this.#isFree);
      if (lane === undefined || held === undefined) return;
      this.#work(lane, held);
    }
  }

  #nextLane(): Lane | undefined {
    const ready = this.#lanes.map((lane) => lane.intake.has(this.#isFree));
    const running = this.#lanes.map((lane) => lane.running);
    const chosen = this.#policy.pick(ready, running);
    return chosen === undefined ? undefined : this.#lanes[chosen];
  }

  /** Works on a message; one whose handler needs no waiting is settled before this returns. */
  #work(lane: Lane, held: Held<Work>): void {
    const { key } = held.content;
    lane.running += 1;
    if (key !== undefined) this.#busyKeys.add(key);
    let finishing: Promise<void> | undefined;
    try {
      finishing = this.#finish(lane, held);
    } catch (error) {
      finishing = Promise.reject(error);
    }
    if (finishing === undefined) this.#release(lane, held);
    else this.#releaseAfter(finishing, lane, held);
  }

  // As an async function it would keep messages alive until the next full collection.
  #releaseAfter(finishing: Promise<void>, lane: Lane, held: Held<Work>): void {
    const release = (): void => {
      this.#release(lane, held);
      this.#dispatch();
    };
    finishing.then(release, () => {
      // Only a closed connection keeps a message from being settled; the server delivers it again.
      this.#tools.metrics.counts.pullErrors += 1;
      release();
    });
  }

  #release(lane: Lane, held: Held<Work>): void {
    const { key } = held.content;
    lane.intake.settle(held);
    lane.running -= 1;
    if (key !== undefined) this.#busyKeys.delete(key);
    if (this.running === 0) this.#whenIdle?.();
  }

  #finish(lane: Lane, held: Held<Work>): Promise<void> | undefined {
    const { opened } = held.content;
    const { counts } = this.#tools.metrics;
    if (opened.kind === "rejected") return this.#bury(lane, held, opened);
    if (opened.kind === "skip") {
      held.message.ack();
      counts.skipped += 1;
      return undefined;
    }
    const { deliveryCount } = held.message.info;
    if (lane.maxDeliver !== undefined && lane.maxDeliver > 1 && deliveryCount >= lane.maxDeliver) {
      return this.#bury(lane, held, { reason: "deliveries", detail: `delivered ${deliveryCount} times and never acknowledged` });
    }
    const outcome = this.#attempt(lane, held, opened);
    return outcome instanceof Promise ? outcome.then((result) => this.#conclude(lane, held, result)) : this.#conclude(lane, held, outcome);
  }

  #attempt(lane: Lane, held: Held<Work>, opened: Extract<Opened, { kind: "value" }>): Outcome | Promise<Outcome> {
    const { handling, lag } = this.#tools.metrics;
    const startedMs = performance.now();
    lag.record(Date.now() - Math.floor(held.message.info.timestampNanos / 1e6));
    const attempt = new Attempt(held);
    const content = { value: opened.value, headers: held.content.headers };
    const outcome = attempt.run(this.#handlerOf(lane, held, opened), content, this.#spec.handlerMs);
    if (!(outcome instanceof Promise)) {
      handling.record(performance.now() - startedMs);
      return outcome;
    }
    this.#attemptCount += 1;
    const number = this.#attemptCount;
    this.#attempts.add(number, attempt);
    return outcome.then((result) => {
      this.#attempts.take(number);
      handling.record(performance.now() - startedMs);
      return result;
    });
  }

  #handlerOf(lane: Lane, { message, content }: Held<Work>, { run, pattern }: Extract<Opened, { kind: "value" }>): Handler {
    const { middleware } = this.#tools;
    if (middleware === undefined) return run;
    const { subject, data, seq: sequence, info } = message;
    const delivery = { stream: this.#spec.stream, consumer: lane.name, sequence, deliveries: info.deliveryCount };
    const headers = { ...content.headers };
    const context = {
      kind: "consume",
      subject,
      pattern,
      id: headers[HEADER.id] || undefined,
      headers,
      size: data.length,
      delivery,
    } as const;
    return (received) => middleware(context, async () => run(received));
  }

  #conclude(lane: Lane, held: Held<Work>, outcome: Outcome): Promise<void> | undefined {
    const { counts } = this.#tools.metrics;
    switch (outcome.kind) {
      case "failed":
        if (!this.#isStopped) return this.#retry(lane, held, outcome.detail);
        held.message.nak();
        return undefined;
      case "terminated":
        return this.#bury(lane, held, { reason: "terminated", detail: outcome.detail });
      case "returned":
        counts.retried += 1;
        return undefined;
      case "done":
        held.message.ack();
        break;
      case "acknowledged":
    }
    counts.acknowledged += 1;
    return undefined;
  }

  async #retry(lane: Lane, held: Held<Work>, detail: string): Promise<void> {
    held.failures += 1;
    const failures = held.failures + held.message.info.deliveryCount - 1;
    const allowed = this.#spec.maxAttempts ?? (lane.maxDeliver === undefined ? DEFAULT_ATTEMPTS : Math.max(1, lane.maxDeliver - 1));
    if (failures >= allowed) return this.#bury(lane, held, { reason: "handler", detail });
    this.#tools.metrics.counts.retried += 1;
    const waits = this.#spec.backOffMs ?? (lane.backOffMs.length > 0 ? lane.backOffMs : DEFAULT_BACK_OFF_MS);
    const waitMs = retryDelay(waits, failures);
    if (held.content.key === undefined) return held.message.nak(waitMs);
    // Another delivery would come after the next of its key.
    const isDraining = await delay(waitMs, false, { signal: this.#draining.signal }).catch(() => true);
    if (isDraining) return held.message.nak();
    return this.#finish(lane, held);
  }

  async #bury(lane: Lane, held: Held<Work>, { reason, detail }: Rejection): Promise<void> {
    const { metrics, undertaker } = this.#tools;
    const { message, content } = held;
    metrics.reject(reason);
    const place = { stream: this.#spec.stream, sequence: message.seq, consumer: lane.name, deliveries: message.info.deliveryCount };
    const lost = { ...place, subject: message.subject, headers: content.headers, payload: message.data, reason, detail };
    const isBuried = await undertaker.bury(this.#spec.deadLetterSubject(message.subject), lost);
    if (isBuried) held.message.term(reason);
    else held.message.nak(UNBURIED_WAIT_MS);
  }
}
