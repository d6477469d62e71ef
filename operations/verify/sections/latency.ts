/** Latency and throughput with several publishers at once, and from a publisher to a handler. */
import { setTimeout as delay } from "node:timers/promises";
import type { MessageBus } from "../../../client/message-bus.ts";
import { route } from "../../../client/route.ts";
import { type DriveResult, drive, mean, percentile, rateOf } from "../../bench/drive.ts";
import { type Check, failed, judged, measured, passed, type Section } from "../check.ts";
import type { Context } from "../context.ts";
import { addConsumer, item, numbers, openBus, until, withConnection, workSubject } from "../tools.ts";

const PUBLISHERS = 5;
const IN_FLIGHT_EACH = 8;
const WAIT_MS = 60_000;

interface Crowd {
  readonly results: readonly DriveResult[];
  readonly durationMs: number;
  readonly latencies: readonly number[];
}

function crowd(context: Context): Promise<Crowd> {
  return context.once("latency", async () => {
    const each = context.quick ? 400 : 4000;
    const stream = await context.scratch.stream("crowd");
    const subject = workSubject(stream);
    const clients = await Promise.all(numbers(PUBLISHERS).map(() => openBus(context)));
    try {
      await Promise.all(clients.map((bus) => drive({ count: 50, inFlight: 8 }, (n) => bus.publish(subject, item(n)))));
      const startedMs = performance.now();
      const work = (bus: MessageBus) =>
        drive({ count: each, inFlight: IN_FLIGHT_EACH, signal: context.signal }, (n) => bus.publish(subject, item(n)));
      const results = await Promise.all(clients.map(work));
      const latencies = results.flatMap((result) => result.latencies).sort((a, b) => a - b);
      return { results, durationMs: performance.now() - startedMs, latencies };
    } finally {
      await Promise.all(clients.map((bus) => bus.close()));
    }
  });
}

const fivePublishers: Check = {
  name: "five-publishers",
  title: "five publishers at once wait briefly for their acknowledgements",
  async run(context) {
    const { results, durationMs, latencies } = await crowd(context);
    const refused = results.reduce((sum, result) => sum + result.failed, 0);
    if (refused > 0) return failed(`${refused} messages were refused: ${String(results.find(({ error }) => error !== undefined)?.error)}`);
    return judged(`${latencies.length} messages, ${IN_FLIGHT_EACH} in flight each`, [
      { name: "mean", value: mean(latencies), unit: "ms" },
      { name: "p50", value: percentile(latencies, 0.5), unit: "ms" },
      { name: "p95", value: percentile(latencies, 0.95), unit: "ms" },
      measured(context.thresholds, "latencyP99", percentile(latencies, 0.99), "p99"),
      { name: "throughput", value: rateOf({ done: latencies.length, durationMs }), unit: "messages/s" },
    ]);
  },
};

const fairness: Check = {
  name: "fairness",
  title: "none of the five is served much worse than the others",
  async run(context) {
    const means = (await crowd(context)).results.map(({ latencies }) => mean(latencies));
    const [best, worst] = [Math.min(...means), Math.max(...means)];
    const figures = [
      { name: "best mean", value: best, unit: "ms" },
      { name: "worst mean", value: worst, unit: "ms" },
    ];
    return worst <= best * 3 + 1
      ? passed("means of the five", figures)
      : failed("the worst served waits over three times as long", undefined, figures);
  },
};

const endToEnd: Check = {
  name: "end-to-end",
  title: "a message is in its handler soon after it was published",
  async run(context) {
    const count = context.quick ? 200 : 1000;
    const stream = await context.scratch.stream("end-to-end");
    await addConsumer(context, stream, { durable_name: "worker" });
    const sent = new Map<number, number>();
    const waits: number[] = [];
    await using bus = await openBus(context);
    await using _worker = await bus.consume({
      stream: stream.name,
      consumer: "worker",
      routes: [route(workSubject(stream), ({ value }) => void waits.push(performance.now() - (sent.get(value.n) ?? 0)))],
    });
    const subject = workSubject(stream);
    await drive({ count, inFlight: 1, signal: context.signal }, async (n) => {
      sent.set(n, performance.now());
      await bus.publish(subject, item(n));
      await delay(1);
    });
    if (!(await until(() => waits.length >= count, WAIT_MS, context.signal))) return failed(`${waits.length} of ${count} messages arrived`);
    const sorted = waits.toSorted((a, b) => a - b);
    return judged(`${count} messages through one stream`, [
      { name: "p50", value: percentile(sorted, 0.5), unit: "ms" },
      { name: "p95", value: percentile(sorted, 0.95), unit: "ms" },
      measured(context.thresholds, "latencyP99", percentile(sorted, 0.99), "p99"),
    ]);
  },
};

const requestReply: Check = {
  name: "request-reply",
  title: "a request through the bus is answered soon",
  async run(context) {
    const count = context.quick ? 300 : 2000;
    const subject = `natsbus-verify.${context.scratch.run}.echo`;
    return withConnection(context, async (service) => {
      service.subscribe(subject, { callback: (_error, message) => void message.respond(message.data) });
      await service.flush();
      return withConnection(context, async (client) => {
        // One that is not answered tells enough; every further one would wait as long.
        const broken = new AbortController();
        const ask = () => client.request(subject, "ping", { timeout: 5000 }).catch(rejectAfter(() => broken.abort()));
        const signal = AbortSignal.any([context.signal, broken.signal]);
        const { latencies, failed: lost, error } = await drive({ count, inFlight: 1, signal }, ask);
        if (lost > 0) return failed(`request ${latencies.length + 1} of ${count} was not answered: ${String(error)}`);
        return judged(`${count} requests, one at a time`, [
          { name: "p50", value: percentile(latencies, 0.5), unit: "ms" },
          measured(context.thresholds, "latencyP99", percentile(latencies, 0.99), "p99"),
        ]);
      });
    });
  },
};

function rejectAfter(work: () => void): (error: unknown) => never {
  return (error) => {
    work();
    throw error;
  };
}

/** Everything about how long things take. */
export const latencySection: Section = {
  name: "latency",
  title: "Latency and throughput",
  checks: [fivePublishers, fairness, endToEnd, requestReply],
};
