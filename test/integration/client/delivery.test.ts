import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection, nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineSubject, isBusError, MessageBus, route } from "../../../client/index.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { EffectLedger } from "../../support/effect-ledger.ts";
import { TcpProxy } from "../../support/tcp-proxy.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** `npm run test:delivery` sends 100,000. */
const MESSAGES = Number(process.env["NATSBUS_DELIVERY_MESSAGES"] || 5_000);
const WORKER = join(import.meta.dirname, "../../support/delivery-worker.ts");
const FAULTS = ["cut", "kill", "crash", "stall", "cut", "kill-leader"] as const;
const ROUNDS = Math.max(1, Math.round(MESSAGES / 25_000));

/** After this the run is given up and tells what is missing; on a quiet machine it needs a third of it. */
const LIMIT_MS = 90_000 + MESSAGES * 5;
/** How long one thing may take to end, so that a failed run ends as well. */
const END_MS = 10_000;

const job = defineSubject("work.*.job", z.object({ n: z.number() }));

it(`delivers ${MESSAGES} messages over killed servers, cut connections, crashed and stalled workers: none lost, each effect once`, {
  timeout: LIMIT_MS + 90_000,
}, async () => {
  const startedMs = performance.now();
  using folder = temporaryFolder();
  await using run = await DeliveryRun.start(folder.path);
  const receipts = new Map<number, number>();
  await run.within(LIMIT_MS, receipts, () => runAll(run, receipts));
  const stored = (await run.manager.streams.info("WORK")).state;
  const { ids, effects, runs } = run.ledger.totals();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(
    `delivery: ${MESSAGES} published, ${receipts.size} acknowledged, ${stored.messages} stored, ${ids} processed, ${effects} effects, ` +
      `${runs - ids} repeated runs, ${run.republished} published again, ${run.counts()} in ${seconds} s\n`,
  );
  expect(receipts.size).toBe(MESSAGES);
  expect(new Set(receipts.values()).size).toBe(MESSAGES);
  expect(stored.messages).toBe(MESSAGES);
  expect({ ids, effects }).toEqual({ ids: MESSAGES, effects: MESSAGES });
  expect(runs).toBeGreaterThanOrEqual(MESSAGES);
  expect(run.faults).toMatchObject({ killed: 2 * ROUNDS, crashed: ROUNDS, stalled: ROUNDS });
  expect(run.faults.cuts).toBeGreaterThan(0);
});

/** Publishes everything while one fault after the other is applied, and waits until all of it is handled. */
async function runAll(run: DeliveryRun, receipts: Map<number, number>): Promise<void> {
  const faults = Array.from({ length: ROUNDS }, () => FAULTS).flat();
  for (const [phase, fault] of faults.entries()) {
    const from = Math.round((phase * MESSAGES) / faults.length);
    const to = Math.round(((phase + 1) * MESSAGES) / faults.length);
    run.step = `fault ${phase + 1} of ${faults.length} (${fault}), messages ${from} to ${to}`;
    await Promise.all([run.publish(from, to, receipts), run.apply(fault)]);
  }
  run.step = "waiting for the workers";
  await run.settled();
}

interface RunParts {
  readonly cluster: TestCluster;
  readonly proxies: readonly TcpProxy[];
  readonly manager: JetStreamManager;
  readonly observer: NatsConnection;
}

/** A cluster behind proxies, two publishers, a slow worker here and two quick ones in processes of their own. */
class DeliveryRun implements AsyncDisposable {
  readonly manager: JetStreamManager;
  readonly ledger: EffectLedger;
  readonly faults = { killed: 0, crashed: 0, stalled: 0, cuts: 0 };
  republished = 0;
  /** What the run is doing. */
  step = "start";
  readonly #given = new AbortController();
  readonly #file: string;
  readonly #cluster: TestCluster;
  readonly #proxies: readonly TcpProxy[];
  readonly #observer: NatsConnection;
  readonly #workers: ChildProcess[] = [];
  readonly #publishers: MessageBus[] = [];
  #turn = 0;

  private constructor(file: string, parts: RunParts) {
    this.#file = file;
    this.ledger = new EffectLedger(file);
    this.#cluster = parts.cluster;
    this.#proxies = parts.proxies;
    this.manager = parts.manager;
    this.#observer = parts.observer;
  }

  static async start(folder: string): Promise<DeliveryRun> {
    const cluster = await startCluster({ servers: 3 });
    const proxies = await Promise.all(cluster.nodes.map((node) => TcpProxy.start(node.port)));
    const observer = await connect({ servers: cluster.urls, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
    const manager = await jetstreamManager(observer, { timeout: 10_000 });
    const stream = { name: "WORK", subjects: ["work.*.job"], storage: StorageType.File, num_replicas: 3 };
    await manager.streams.add({ ...stream, duplicate_window: nanos(600_000) });
    await manager.consumers.add("WORK", {
      durable_name: "w",
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(3_000),
      max_ack_pending: 2_000,
    });
    const run = new DeliveryRun(join(folder, "ledger.db"), { cluster, proxies, manager, observer });
    await run.#begin();
    return run;
  }

  async #begin(): Promise<void> {
    const servers = this.#proxies.map((proxy) => proxy.url);
    const publishing = { attemptTimeout: "1s", deadline: "10s" } as const;
    for (let index = 0; index < 2; index += 1) this.#publishers.push(await MessageBus.connect({ servers, publishing }));
    await Promise.all([this.#addWorker(), this.#addWorker()]);
    const slow = await MessageBus.connect({ servers });
    this.#publishers.push(slow);
    const sluggish = route(job, async ({ value }) => {
      // Now and then longer than the server waits for an answer.
      await delay(value.n % 500 === 0 ? 3_500 : 20);
      this.ledger.apply(`m${value.n}`);
    });
    await slow.consume({ stream: "WORK", consumer: "w", routes: [sluggish], concurrency: 4, maxAttempts: 1_000 });
  }

  /** Does `work` within `limitMs`. @throws an error that tells what is missing when that is over */
  async within(limitMs: number, receipts: ReadonlyMap<number, number>, work: () => Promise<void>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const giveUp = async (): Promise<void> => {
      this.#given.abort(new Error("the run was given up"));
      reject(new Error(`not done after ${limitMs / 1_000} s: ${await this.#missing(receipts)}`));
    };
    const timer = setTimeout(() => void giveUp(), limitMs);
    try {
      // What fails because the run was given up is not the reason.
      await Promise.race([work().catch((error: unknown) => (this.#given.signal.aborted ? promise : Promise.reject(error))), promise]);
    } finally {
      clearTimeout(timer);
      this.#given.abort(new Error("the run is over"));
    }
  }

  async #missing(receipts: ReadonlyMap<number, number>): Promise<string> {
    const late = AbortSignal.timeout(END_MS);
    const words = async (work: Promise<string>): Promise<string> =>
      Promise.race([work, once(late, "abort").then(() => "no answer")]).catch(String);
    const stream = this.manager.streams.info("WORK");
    const consumer = this.manager.consumers.info("WORK", "w");
    const all = Array.from({ length: MESSAGES }, (_, n) => n);
    const handled = this.ledger.ids();
    const list = (label: string, gone: readonly number[]): string =>
      `${gone.length} not ${label}${gone.length === 0 ? "" : ` (${gone.slice(0, 5).join(", ")}…)`}`;
    const unacknowledged = all.filter((n) => !receipts.has(n));
    return [
      this.step,
      list("acknowledged", unacknowledged),
      list(
        "handled",
        all.filter((n) => !handled.has(`m${n}`)),
      ),
      `stream: ${await words(stream.then(({ state, cluster }) => `${state.messages} messages, leader ${cluster?.leader || "none"}`))}`,
      `consumer: ${await words(consumer.then(({ num_pending, num_ack_pending }) => `${num_pending} to deliver, ${num_ack_pending} to be acknowledged`))}`,
      this.counts(),
    ].join("; ");
  }

  /** Publishes a range of messages; one that is not confirmed in time is published again under its id, as an application would. */
  async publish(from: number, to: number, receipts: Map<number, number>): Promise<void> {
    let next = from;
    const lane = async (_: unknown, index: number): Promise<void> => {
      const bus = this.#publishers[index % 2]!;
      for (let n = next++; n < to; n = next++) receipts.set(n, await this.#publishOne(bus, n));
    };
    await Promise.all(Array.from({ length: 128 }, lane));
  }

  async #publishOne(bus: MessageBus, n: number): Promise<number> {
    for (;;) {
      try {
        return (await bus.publish(job, { n }, { priority: "normal", id: `m${n}` })).sequence;
      } catch (error) {
        this.#given.signal.throwIfAborted();
        if (!isBusError(error) || !["ERR_CLIENT_DEADLINE", "ERR_CLIENT_PUBLISH"].includes(error.code)) throw error;
        this.republished += 1;
      }
    }
  }

  async apply(fault: (typeof FAULTS)[number]): Promise<void> {
    this.#turn += 1;
    if (fault === "cut") await this.#cut();
    else if (fault === "crash") await this.#crash();
    else if (fault === "stall") await this.#stall();
    else await this.#kill(fault === "kill-leader" ? await this.#leader() : `n${(this.#turn % 3) + 1}`);
  }

  async #cut(): Promise<void> {
    for (let times = 0; times < 3; times += 1) {
      await delay(150);
      for (const proxy of this.#proxies) proxy.cut();
    }
    this.faults.cuts = this.#proxies.reduce((sum, proxy) => sum + proxy.cuts, 0);
  }

  async #kill(name: string): Promise<void> {
    await delay(50);
    await this.#cluster.kill(name);
    this.faults.killed += 1;
    await delay(500);
    await this.#cluster.startAll();
    await this.#cluster.waitReady(60_000);
  }

  async #leader(): Promise<string> {
    const info = await this.manager.streams.info("WORK").catch(() => undefined);
    return info?.cluster?.leader || "n1";
  }

  async #crash(): Promise<void> {
    await delay(100);
    const worker = this.#workers.shift();
    worker?.kill("SIGKILL");
    this.faults.crashed += 1;
    await this.#addWorker();
  }

  /** Stops a worker's process for longer than the server waits for its answers; what it held is delivered to others. */
  async #stall(): Promise<void> {
    const [worker] = this.#workers;
    worker?.kill("SIGSTOP");
    this.faults.stalled += 1;
    await delay(4_000);
    worker?.kill("SIGCONT");
  }

  async #addWorker(): Promise<void> {
    const urls = this.#proxies.map((proxy) => proxy.url);
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", WORKER, this.#file, ...urls], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#workers.push(child);
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`a worker ended with ${code}`);
    });
    await Promise.race([once(child.stdout, "data"), ended]);
    // It will be killed.
    ended.catch(() => undefined);
  }

  /** Waits until every message is acknowledged by a worker. */
  async settled(): Promise<void> {
    const unsettled = async (): Promise<number> => {
      const info = await this.manager.consumers.info("WORK", "w").catch(() => undefined);
      return info === undefined ? -1 : info.num_pending + info.num_ack_pending;
    };
    // The limit of the whole run ends this, in words.
    while ((await unsettled()) !== 0) await delay(200, undefined, { signal: this.#given.signal });
  }

  counts(): string {
    const { killed, crashed, stalled, cuts } = this.faults;
    return `${killed} servers killed, ${cuts} connections cut, ${crashed} workers crashed, ${stalled} stalled`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) worker.kill("SIGKILL");
    const closing = Promise.allSettled([...this.#publishers.map((bus) => bus.close()), this.#observer.close()]);
    await Promise.race([closing, delay(END_MS, undefined, { ref: false })]);
    await Promise.all(this.#proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    this.ledger[Symbol.dispose]();
    await this.#cluster[Symbol.asyncDispose]();
  }
}
