/** Scalability: bursts of growing size, growing numbers of publishers, and how the rate goes along. */

import { route } from "../../../client/route.ts";
import { type DriveResult, drive, percentile, rateOf } from "../../bench/drive.ts";
import { type Check, type Figure, failed, judged, measured, passed, type Section } from "../check.ts";
import type { Context } from "../context.ts";
import { addConsumer, item, numbers, openBus, until, withManager, workSubject } from "../tools.ts";

const BURSTS = { quick: [10, 100, 1000], full: [10, 100, 1000, 5000, 20_000] } as const;
const PUBLISHERS = { quick: [1, 4, 16, 64], full: [1, 2, 4, 8, 16, 32, 64] } as const;
const WAIT_MS = 120_000;

function sizesOf({ quick }: Context, choice: Readonly<Record<"quick" | "full", readonly number[]>>): readonly number[] {
  return quick ? choice.quick : choice.full;
}

const bursts: Check = {
  name: "bursts",
  title: "bursts of growing size are acknowledged and stored to the last message",
  async run(context) {
    const stream = await context.scratch.stream("bursts");
    const subject = workSubject(stream);
    await using bus = await openBus(context, {
      publishing: { maxInFlight: 512, maxQueued: 25_000, attemptTimeout: "10s", deadline: "60s" },
    });
    const figures: Figure[] = [];
    let sent = 0;
    for (const size of sizesOf(context, BURSTS)) {
      context.note(`${size} at once`);
      const result = await drive({ count: size, inFlight: size, signal: context.signal }, (n) => bus.publish(subject, item(n)));
      if (result.failed > 0)
        return failed(`of a burst of ${size} messages ${result.failed} were refused: ${String(result.error)}`, undefined, figures);
      sent += size;
      figures.push({ name: `${size}`, value: result.durationMs, unit: "ms" });
    }
    const { state } = await withManager(context, (manager) => manager.streams.info(stream.name));
    if (state.messages !== sent) return failed(`${sent} messages were acknowledged and ${state.messages} are stored`, undefined, figures);
    return judged(`${sent} messages`, [...figures, measured(context.thresholds, "delivered", (state.messages / sent) * 100, "stored")]);
  },
};

const publishers: Check = {
  name: "publishers",
  title: "the rate holds as publishers are added",
  async run(context) {
    const stream = await context.scratch.stream("publishers");
    const subject = workSubject(stream);
    const total = context.quick ? 1280 : 6400;
    const curve: { readonly count: number; readonly rate: number; readonly p99: number }[] = [];
    for (const count of sizesOf(context, PUBLISHERS)) {
      context.note(`${count} publishers`);
      const clients = await Promise.all(
        numbers(count).map(() => openBus(context, { publishing: { attemptTimeout: "10s", deadline: "60s" } })),
      );
      try {
        await Promise.all(clients.map((bus) => bus.publish(subject, item(0))));
        const startedMs = performance.now();
        const results: DriveResult[] = await Promise.all(
          clients.map((bus) =>
            drive({ count: Math.ceil(total / count), inFlight: 16, signal: context.signal }, (n) => bus.publish(subject, item(n))),
          ),
        );
        const done = results.reduce((sum, result) => sum + result.done, 0);
        const broken = results.find(({ error }) => error !== undefined);
        if (broken !== undefined) return failed(`with ${count} publishers messages were refused: ${String(broken.error)}`);
        const latencies = results.flatMap((result) => result.latencies).sort((a, b) => a - b);
        curve.push({ count, rate: rateOf({ done, durationMs: performance.now() - startedMs }), p99: percentile(latencies, 0.99) });
      } finally {
        await Promise.all(clients.map((bus) => bus.close()));
      }
    }
    const best = Math.max(...curve.map(({ rate }) => rate));
    const last = curve.at(-1) ?? { count: 0, rate: 0, p99: 0 };
    return judged(`p99 ${curve.map(({ count, p99 }) => `${count}: ${Math.round(p99)} ms`).join(", ")}`, [
      ...curve.map(({ count, rate }) => ({ name: `${count}`, value: rate, unit: "messages/s" })),
      measured(context.thresholds, "scaling", best === 0 ? 0 : last.rate / best, `${last.count} publishers / best`),
    ]);
  },
};

const workers: Check = {
  name: "workers",
  title: "several workers share one consumer's messages, each message handled once",
  async run(context) {
    const count = context.quick ? 1000 : 10_000;
    const stream = await context.scratch.stream("workers");
    await addConsumer(context, stream, { durable_name: "worker" });
    const subject = workSubject(stream);
    await using publisher = await openBus(context);
    const { failed: refused, error } = await drive({ count, inFlight: 256 }, (n) => publisher.publish(subject, item(n)));
    if (refused > 0) return failed(`${refused} messages were refused: ${String(error)}`);
    const seen = new Map<number, number>();
    const shares = [0, 0, 0, 0];
    const clients = await Promise.all(shares.map(() => openBus(context)));
    try {
      await Promise.all(
        clients.map((bus, index) =>
          bus.consume({
            stream: stream.name,
            consumer: "worker",
            routes: [
              route(subject, ({ value }) => {
                seen.set(value.n, (seen.get(value.n) ?? 0) + 1);
                shares[index] = (shares[index] ?? 0) + 1;
              }),
            ],
          }),
        ),
      );
      await until(() => seen.size >= count, WAIT_MS, context.signal);
    } finally {
      await Promise.all(clients.map((bus) => bus.close()));
    }
    const twice = [...seen.values()].filter((times) => times > 1).length;
    if (seen.size < count || twice > 0) return failed(`${seen.size} of ${count} messages were handled, ${twice} more than once`);
    return shares.every((share) => share > 0)
      ? passed(`${count} messages, shares ${shares.join(", ")}`)
      : failed(`shares of the workers: ${shares.join(", ")}`);
  },
};

const consumers: Check = {
  name: "consumers",
  title: "every one of many consumers gets every message",
  async run(context) {
    const readers = context.quick ? 8 : 32;
    const messages = context.quick ? 100 : 500;
    const stream = await context.scratch.stream("consumers");
    const subject = workSubject(stream);
    for (const index of numbers(readers)) await addConsumer(context, stream, { durable_name: `reader-${index}` });
    const seen = numbers(readers).map(() => new Set<number>());
    await using bus = await openBus(context);
    await Promise.all(
      seen.map((mine, index) =>
        bus.consume({ stream: stream.name, consumer: `reader-${index}`, routes: [route(subject, ({ value }) => void mine.add(value.n))] }),
      ),
    );
    const startedMs = performance.now();
    await drive({ count: messages, inFlight: 64 }, (n) => bus.publish(subject, item(n)));
    const isDone = await until(() => seen.every(({ size }) => size === messages), WAIT_MS, context.signal);
    const short = seen.filter(({ size }) => size < messages).length;
    if (!isDone) return failed(`${short} of ${readers} consumers did not get all ${messages} messages`);
    return passed(`${readers} consumers, ${messages} messages each`, [
      { name: "deliveries", value: (readers * messages) / ((performance.now() - startedMs) / 1000), unit: "messages/s" },
    ]);
  },
};

/** Everything about growing. */
export const scalabilitySection: Section = {
  name: "scalability",
  title: "Scalability",
  checks: [bursts, publishers, workers, consumers],
};
