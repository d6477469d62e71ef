/** Consumption: every message once after its acknowledgement, again after a refusal, in order by key, and into the dead letters at last. */

import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, jetstream } from "@nats-io/jetstream";
import { route } from "../../../client/route.ts";
import { drive } from "../../bench/drive.ts";
import { type Check, failed, judged, measured, passed, type Section } from "../check.ts";
import type { Context } from "../context.ts";
import type { ScratchStream } from "../scratch.ts";
import { addConsumer, deadSubject, item, openBus, until, withConnection, withManager, workSubject } from "../tools.ts";

const CONSUMER = "worker";
const WAIT_MS = 60_000;
const SETTLE_MS = 300;

/** Fills a new stream with `count` messages and makes its consumer. */
async function prepare(
  context: Context,
  label: string,
  { count, settings = {} }: { readonly count: number; readonly settings?: Parameters<typeof addConsumer>[2] | object },
): Promise<ScratchStream> {
  const stream = await context.scratch.stream(label);
  await addConsumer(context, stream, { durable_name: CONSUMER, ...settings });
  await using bus = await openBus(context);
  const subject = workSubject(stream);
  const { failed: refused, error } = await drive({ count, inFlight: 256 }, (n) => bus.publish(subject, item(n, `key-${n % 10}`)));
  if (refused > 0) throw error;
  return stream;
}

const everyOnce: Check = {
  name: "every-message-once",
  title: "every acknowledged message reaches the consumer, once after it was acknowledged",
  async run(context) {
    const count = context.quick ? 2000 : 10_000;
    const stream = await prepare(context, "once-each", { count });
    const seen = new Map<number, number>();
    const bus = await openBus(context);
    const worker = await bus.consume({
      stream: stream.name,
      consumer: CONSUMER,
      concurrency: 64,
      routes: [route(workSubject(stream), ({ value }) => void seen.set(value.n, (seen.get(value.n) ?? 0) + 1))],
    });
    await until(() => seen.size >= count, WAIT_MS, context.signal);
    await worker.drain();
    await bus.close();
    const info = await withManager(context, (manager) => manager.consumers.info(stream.name, CONSUMER));
    const twice = [...seen.values()].filter((times) => times > 1).length;
    if (twice > 0) return failed(`${twice} of ${count} messages were handled more than once`);
    if (info.num_pending + info.num_ack_pending > 0)
      return failed(`the server still holds ${info.num_pending} messages to deliver and ${info.num_ack_pending} to be acknowledged`);
    return judged(`${count} messages`, [measured(context.thresholds, "delivered", (seen.size / count) * 100, "delivered")]);
  },
};

const redelivered: Check = {
  name: "redelivered-on-nak",
  title: "a message given back is delivered again, after the wait that was asked for",
  async run(context) {
    const count = 20;
    const stream = await prepare(context, "nak", { count });
    const seen = new Map<number, number[]>();
    await using bus = await openBus(context);
    await using _worker = await bus.consume({
      stream: stream.name,
      consumer: CONSUMER,
      routes: [
        route(workSubject(stream), ({ value, nak }) => {
          const times = seen.get(value.n) ?? [];
          seen.set(value.n, [...times, performance.now()]);
          if (times.length === 0) nak("200ms");
        }),
      ],
    });
    const isDone = await until(() => [...seen.values()].filter(({ length }) => length === 2).length === count, WAIT_MS, context.signal);
    if (!isDone) return failed(`${[...seen.values()].filter(({ length }) => length === 2).length} of ${count} messages came again`);
    const waits = [...seen.values()].map(([first = 0, second = 0]) => second - first);
    const early = waits.filter((wait) => wait < 180).length;
    return early > 0
      ? failed(`${early} of ${count} came again before their 200 ms were over`)
      : passed(`${count} messages came again after 200 ms`);
  },
};

const lostWorker: Check = {
  name: "redelivered-after-a-crash",
  title: "what a consumer took and never acknowledged goes to another one",
  async run(context) {
    const count = 20;
    const stream = await prepare(context, "crash", { count, settings: { ack_wait: 1e9 } });
    const taken = await withConnection(context, async (connection) => {
      const consumer = await jetstream(connection).consumers.get(stream.name, CONSUMER);
      const batch = await consumer.fetch({ max_messages: count, expires: 5000 });
      let got = 0;
      for await (const _ of batch) got += 1;
      return got;
    });
    const seen = new Set<number>();
    await using bus = await openBus(context);
    await using _worker = await bus.consume({
      stream: stream.name,
      consumer: CONSUMER,
      routes: [route(workSubject(stream), ({ value }) => void seen.add(value.n))],
    });
    const isDone = await until(() => seen.size === count, WAIT_MS, context.signal);
    return isDone && taken === count
      ? passed(`${count} messages of a consumer that vanished`)
      : failed(`of ${taken} messages taken by a consumer that vanished ${seen.size} reached the next one`);
  },
};

const ordered: Check = {
  name: "ordered-by-key",
  title: "messages of one key are handled in their order, also when one has to be tried again",
  async run(context) {
    const count = context.quick ? 200 : 1000;
    const stream = await prepare(context, "order", { count });
    const byKey = new Map<string, number[]>();
    const failing = new Set<number>();
    await using bus = await openBus(context);
    await using _worker = await bus.consume({
      stream: stream.name,
      consumer: CONSUMER,
      concurrency: 32,
      backOff: ["10ms"],
      orderBy: ({ value }) => (value as { readonly key?: string }).key,
      routes: [
        route(workSubject(stream), async ({ value }) => {
          await delay(value.n % 3);
          if (value.n % 17 === 0 && !failing.has(value.n)) {
            failing.add(value.n);
            throw new Error("the first try fails");
          }
          byKey.set(value.key ?? "", [...(byKey.get(value.key ?? "") ?? []), value.n]);
        }),
      ],
    });
    const handled = (): number => [...byKey.values()].reduce((sum, list) => sum + list.length, 0);
    if (!(await until(() => handled() >= count, WAIT_MS, context.signal))) return failed(`${handled()} of ${count} messages were handled`);
    const mixed = [...byKey].filter(([, list]) => list.some((n, index) => n < (list[index - 1] ?? -1))).map(([key]) => key);
    return mixed.length > 0
      ? failed(`the order of ${mixed.join(", ")} was not kept`)
      : passed(`${count} messages, ${byKey.size} keys, ${failing.size} tried twice`);
  },
};

const deadLetters: Check = {
  name: "dead-letters",
  title: "a message no handler can finish goes to the dead letters with the reason, and can be sent again",
  async run(context) {
    const stream = await prepare(context, "dead", { count: 3, settings: { max_deliver: 3 } });
    let mended = false;
    const done = new Set<number>();
    await using bus = await openBus(context);
    await using _worker = await bus.consume({
      stream: stream.name,
      consumer: CONSUMER,
      backOff: ["10ms"],
      deadLetterSubject: () => deadSubject(stream),
      routes: [
        route(workSubject(stream), ({ value }) => {
          if (value.n === 1 && !mended) throw new Error("the handler cannot do this one");
          done.add(value.n);
        }),
      ],
    });
    const letters = async () => Array.fromAsync(bus.deadLetters({ stream: stream.name, subject: deadSubject(stream) }));
    if (!(await until(async () => (await letters()).length > 0, WAIT_MS, context.signal))) return failed("no dead letter was written");
    const [letter] = await letters();
    if (letter === undefined || letter.reason !== "handler" || !letter.detail.includes("cannot do this one"))
      return failed(`the dead letter tells the reason as ${letter?.reason}: ${letter?.detail}`);
    mended = true;
    await bus.redrive(letter);
    const isDone = await until(() => done.size === 3, WAIT_MS, context.signal);
    const left = (await letters()).length;
    return isDone && left === 0
      ? passed(`reason ${letter.reason} after ${letter.deliveries} deliveries; sent again and handled`)
      : failed(`sent again, ${done.size} of 3 messages are done and ${left} dead letters are left`);
  },
};

const floor: Check = {
  name: "floor",
  title: "consuming through the client library is about as fast as with the raw client",
  async run(context) {
    const count = context.quick ? 2000 : 10_000;
    const stream = await prepare(context, "consume-rate", { count });
    await addConsumer(context, stream, { durable_name: "raw", ack_policy: AckPolicy.Explicit });
    const raw = await rawRate(context, stream, count);
    const client = await clientRate(context, stream, count);
    await delay(SETTLE_MS);
    return judged(`raw client ${Math.round(raw)} messages/s, client library ${Math.round(client)}`, [
      measured(context.thresholds, "consumeRatio", client / raw, "client / raw"),
      { name: "rate", value: client, unit: "messages/s" },
    ]);
  },
};

async function rawRate(context: Context, stream: ScratchStream, count: number): Promise<number> {
  return withConnection(context, async (connection) => {
    const consumer = await jetstream(connection).consumers.get(stream.name, "raw");
    const startedMs = performance.now();
    const messages = await consumer.consume({ max_messages: 128 });
    let seen = 0;
    for await (const message of messages) {
      message.json();
      message.ack();
      seen += 1;
      if (seen >= count || context.signal.aborted) break;
    }
    await connection.flush();
    return (seen / (performance.now() - startedMs)) * 1000;
  });
}

async function clientRate(context: Context, stream: ScratchStream, count: number): Promise<number> {
  let seen = 0;
  let endedMs: number | undefined;
  await using bus = await openBus(context);
  const startedMs = performance.now();
  const handle = (): void => {
    seen += 1;
    if (seen === count) endedMs = performance.now();
  };
  await using _worker = await bus.consume({
    stream: stream.name,
    consumer: CONSUMER,
    concurrency: 64,
    routes: [route(workSubject(stream), handle)],
  });
  await until(() => seen >= count, WAIT_MS, context.signal);
  return (seen / ((endedMs ?? performance.now()) - startedMs)) * 1000;
}

/** Everything about consuming. */
export const consumptionSection: Section = {
  name: "consumption",
  title: "Consumption reliability",
  checks: [everyOnce, redelivered, lostWorker, ordered, deadLetters, floor],
};
