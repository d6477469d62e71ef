/** Consumes: takes messages by priority, runs handlers side by side, and sees that each message is acknowledged, tried again or buried. */
import { setTimeout as delay } from "node:timers/promises";
import { Attempt, type Outcome } from "./attempt.ts";
import { retryDelay } from "./back-off.ts";
import type { Rejection } from "./codec.ts";
import type { ConsumeSpec } from "./consume-args.ts";
import type { OpenConsumer } from "./consumer-access.ts";
import { openMessage, plainHeaders } from "./inbound.ts";
import { type Held, Intake } from "./intake.ts";
import { LanePolicy } from "./lane-policy.ts";
import type { ClientMetrics } from "./metrics.ts";
import type { Opened } from "./route.ts";
import type { Undertaker } from "./undertaker.ts";
import type { MessageVerifier } from "./verifier.ts";

/** What a worker works with. */
export interface WorkerTools {
  readonly metrics: ClientMetrics;
  readonly verifier: MessageVerifier | undefined;
  readonly undertaker: Undertaker;
  /** Called once, when the worker has stopped. */
  readonly onStop: (worker: Worker) => void;
}

interface Work {
  readonly opened: Opened;
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
  readonly #busyKeys = new Set<string>();
  readonly #draining = new AbortController();
  readonly #attempts = new Set<Attempt>();
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
    for (const attempt of this.#attempts) attempt.cutOff("the worker stopped");
  }

  #intakeOf({ consumer }: OpenConsumer): Intake<Work> {
    const { metrics } = this.#tools;
    return new Intake<Work>({
      consumer,
      prefetch: this.#spec.prefetch,
      open: (message) => {
        metrics.counts.received += 1;
        metrics.receiveRate.mark();
        const opened = openMessage({ ...this.#spec, verifier: this.#tools.verifier }, message);
        return this.#keyed(opened, message.subject, () => plainHeaders(message.headers));
      },
      onMessage: () => this.#dispatch(),
      onError: () => {
        metrics.counts.pullErrors += 1;
      },
    });
  }

  #keyed(opened: Opened, subject: string, headers: () => Readonly<Record<string, string>>): Work {
    if (opened.kind !== "value" || this.#spec.orderBy === undefined) return { opened, key: undefined };
    try {
      return { opened, key: this.#spec.orderBy({ subject, headers: headers(), value: opened.value }) };
    } catch (error) {
      return { opened: { kind: "rejected", reason: "handler", detail: `orderBy failed: ${String(error)}` }, key: undefined };
    }
  }

  /** The server delivers again what it hears nothing of, and what waits here is not lost. */
  #keep(): void {
    for (const lane of this.#lanes) for (const { message } of lane.intake.held) message.working();
  }

  #dispatch(): void {
    if (this.#draining.signal.aborted) return;
    const isFree = ({ key }: Work): boolean => key === undefined || !this.#busyKeys.has(key);
    for (;;) {
      const ready = this.#lanes.map((lane) => lane.intake.has(isFree));
      const chosen = this.#policy.pick(
        ready,
        this.#lanes.map((lane) => lane.running),
      );
      const lane = chosen === undefined ? undefined : this.#lanes[chosen];
      const held = lane?.intake.take(isFree);
      if (lane === undefined || held === undefined) return;
      void this.#work(lane, held);
    }
  }

  async #work(lane: Lane, held: Held<Work>): Promise<void> {
    const { key } = held.content;
    lane.running += 1;
    if (key !== undefined) this.#busyKeys.add(key);
    try {
      await this.#finish(lane, held);
    } catch {
      // Only a closed connection keeps a message from being settled; the server delivers it again.
      this.#tools.metrics.counts.pullErrors += 1;
    }
    lane.intake.settle(held);
    lane.running -= 1;
    if (key !== undefined) this.#busyKeys.delete(key);
    if (this.running === 0) this.#whenIdle?.();
    this.#dispatch();
  }

  async #finish(lane: Lane, held: Held<Work>): Promise<void> {
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
    const outcome = await this.#attempt(held, opened);
    return this.#conclude(lane, held, outcome);
  }

  async #attempt(held: Held<Work>, { run, value }: Extract<Opened, { kind: "value" }>): Promise<Outcome> {
    const { handling, lag } = this.#tools.metrics;
    const startedMs = performance.now();
    lag.record(Date.now() - held.message.time.getTime());
    const attempt = new Attempt(() => held.message);
    this.#attempts.add(attempt);
    const outcome = await attempt.run(run, value, this.#spec.handlerMs);
    this.#attempts.delete(attempt);
    handling.record(performance.now() - startedMs);
    return outcome;
  }

  async #conclude(lane: Lane, held: Held<Work>, outcome: Outcome): Promise<void> {
    const { counts } = this.#tools.metrics;
    switch (outcome.kind) {
      case "failed":
        if (!this.#isStopped) return this.#retry(lane, held, outcome.detail);
        return held.message.nak();
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
    const { message } = held;
    metrics.reject(reason);
    const place = { stream: this.#spec.stream, sequence: message.seq, consumer: lane.name, deliveries: message.info.deliveryCount };
    const lost = { ...place, subject: message.subject, headers: plainHeaders(message.headers), payload: message.data, reason, detail };
    const isBuried = await undertaker.bury(this.#spec.deadLetterSubject(message.subject), lost);
    if (isBuried) held.message.term(reason);
    else held.message.nak(UNBURIED_WAIT_MS);
  }
}
