/** Measures one scenario on a running bus, on streams of its own that are removed afterwards. */
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { MessageBus } from "../../client/message-bus.ts";
import { route } from "../../client/route.ts";
import { defineSubject } from "../../client/subject.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { connectAsUser } from "../user-connection.ts";
import type { Scratch, ScratchStream } from "../verify/scratch.ts";
import { until } from "../verify/tools.ts";
import { type DriveResult, drive, mean, percentile } from "./drive.ts";
import type { BenchResult, BenchSpec } from "./spec.ts";

/** What a benchmark works with. */
export interface BenchTools {
  readonly admin: ConnectionSpec;
  readonly scratch: Scratch;
  readonly signal: AbortSignal;
}

const IN_FLIGHT = 256;
const FAN_OUT_BATCH = 64;
const WAIT_MS = 120_000;
const schema = z.object({ text: z.string() });
// What {"text":""} adds to the text.
const JSON_OVERHEAD = 11;

/** Runs one measurement. Failed messages are counted, not thrown. */
export async function runBench(spec: BenchSpec, tools: BenchTools): Promise<BenchResult> {
  const { durationMs, latencies, failed, done } = await SCENARIO_RUNS[spec.scenario](spec, tools);
  return {
    ...spec,
    rate: durationMs <= 0 ? 0 : (done / durationMs) * 1000,
    meanMs: mean(latencies),
    p50Ms: percentile(latencies, 0.5),
    p95Ms: percentile(latencies, 0.95),
    p99Ms: percentile(latencies, 0.99),
    failed,
  };
}

type Run = (spec: BenchSpec, tools: BenchTools) => Promise<DriveResult>;

const SCENARIO_RUNS: Readonly<Record<BenchSpec["scenario"], Run>> = { publish, consume, request, "fan-out": fanOut };

function payloadOf(size: number): { readonly text: string } {
  return { text: "x".repeat(Math.max(0, size - JSON_OVERHEAD)) };
}

function subjectOf(stream: ScratchStream) {
  return defineSubject(`${stream.subject}.bench`, schema, { maxSize: "64MiB" });
}

async function publish(spec: BenchSpec, { admin, scratch, signal }: BenchTools): Promise<DriveResult> {
  const stream = await scratch.stream("bench", { num_replicas: spec.replicas });
  const value = payloadOf(spec.size);
  const inFlight = spec.mode === "sync" ? 1 : IN_FLIGHT;
  try {
    return spec.library
      ? await withBuses(admin, spec.clients, (buses) =>
          together(spec, { inFlight, signal }, (client) => buses[client]?.publish(subjectOf(stream), value)),
        )
      : await withConnections(admin, spec.clients, (connections) => {
          const contexts = connections.map((connection) => jetstream(connection));
          const bytes = Buffer.from(JSON.stringify(value));
          return together(spec, { inFlight, signal }, (client) =>
            contexts[client]?.publish(subjectOf(stream).pattern, bytes, { timeout: 30_000 }),
          );
        });
  } finally {
    await scratch.remove(stream);
  }
}

/** Divides the messages among the clients, warmed up, and joins what they saw. */
async function together(
  { messages, clients }: BenchSpec,
  load: { readonly inFlight: number; readonly signal: AbortSignal },
  work: (client: number) => Promise<unknown> | undefined,
): Promise<DriveResult> {
  const each = Math.max(1, Math.round(messages / clients));
  const all = Array.from({ length: clients }, (_, client) => client);
  const run = (count: number) => Promise.all(all.map((client) => drive({ count, ...load }, async () => work(client))));
  await run(Math.min(50, each));
  const startedMs = performance.now();
  const results = await run(each);
  return {
    done: results.reduce((sum, { done }) => sum + done, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    durationMs: performance.now() - startedMs,
    latencies: results.flatMap(({ latencies }) => latencies).sort((a, b) => a - b),
  };
}

async function consume(spec: BenchSpec, { admin, scratch, signal }: BenchTools): Promise<DriveResult> {
  const stream = await scratch.stream("bench", { num_replicas: spec.replicas });
  try {
    return await withConnections(admin, 1 + spec.clients, async ([first, ...connections]) => {
      if (first === undefined) throw new Error("no connection");
      const context = jetstream(first);
      const bytes = Buffer.from(JSON.stringify(payloadOf(spec.size)));
      const filled = await drive({ count: spec.messages, inFlight: IN_FLIGHT, signal }, () =>
        context.publish(subjectOf(stream).pattern, bytes, { timeout: 30_000 }),
      );
      const manager = await context.jetstreamManager(false);
      await manager.consumers.add(stream.name, { durable_name: "bench", ack_policy: "explicit", max_ack_pending: 20_000 });
      const { stored, moments, durationMs } = spec.library
        ? await withBuses(admin, spec.clients, (buses) => consumeWithLibrary(buses, stream, { count: filled.done, signal }))
        : await consumeRaw(connections, stream, { count: filled.done, signal });
      return { done: stored, failed: spec.messages - stored, durationMs, latencies: moments };
    });
  } finally {
    await scratch.remove(stream);
  }
}

interface Consumed {
  readonly stored: number;
  readonly durationMs: number;
  /** From the beginning until each message was handled, ascending. */
  readonly moments: readonly number[];
}

interface ConsumeLoad {
  readonly count: number;
  readonly signal: AbortSignal;
}

async function consumeWithLibrary(buses: readonly MessageBus[], stream: ScratchStream, { count, signal }: ConsumeLoad): Promise<Consumed> {
  const startedMs = performance.now();
  const moments: number[] = [];
  const routes = [route(subjectOf(stream), () => void moments.push(performance.now() - startedMs))];
  await Promise.all(buses.map((bus) => bus.consume({ stream: stream.name, consumer: "bench", concurrency: 64, routes })));
  await until(() => moments.length >= count, WAIT_MS, signal);
  return { stored: moments.length, durationMs: moments.at(-1) ?? 0, moments };
}

async function consumeRaw(
  connections: readonly NatsConnection[],
  stream: ScratchStream,
  { count, signal }: ConsumeLoad,
): Promise<Consumed> {
  const startedMs = performance.now();
  const moments: number[] = [];
  const readers = await Promise.all(
    connections.map(async (connection) => (await jetstream(connection).consumers.get(stream.name, "bench")).consume({ max_messages: 128 })),
  );
  const reading = readers.map(async (reader) => {
    for await (const message of reader) {
      message.json();
      message.ack();
      moments.push(performance.now() - startedMs);
    }
  });
  await until(() => moments.length >= count, WAIT_MS, signal);
  const durationMs = moments.at(-1) ?? 0;
  for (const reader of readers) reader.stop();
  await Promise.all(reading);
  return { stored: moments.length, durationMs, moments };
}

async function request(spec: BenchSpec, { admin, scratch, signal }: BenchTools): Promise<DriveResult> {
  const subject = `natsbus-verify.${scratch.run}.bench-request`;
  return withConnections(admin, 1 + spec.clients, async ([service, ...clients]) => {
    service?.subscribe(subject, { callback: (_error, message) => void message.respond(message.data) });
    await service?.flush();
    const bytes = Buffer.alloc(spec.size, 120);
    const inFlight = spec.mode === "sync" ? 1 : IN_FLIGHT;
    return together(spec, { inFlight, signal }, (client) => clients[client]?.request(subject, bytes, { timeout: 30_000 }));
  });
}

/** One publisher, every subscriber gets every message; the rate counts deliveries. The first four bytes number the message. */
async function fanOut(spec: BenchSpec, { admin, scratch, signal }: BenchTools): Promise<DriveResult> {
  const subject = `natsbus-verify.${scratch.run}.bench-fan-out`;
  return withConnections(admin, 1 + spec.clients, async ([publisher, ...subscribers]) => {
    const latencies: number[] = [];
    const sentMs: number[] = [];
    for (const subscriber of subscribers) {
      subscriber.subscribe(subject, {
        callback: (_error, { data }) => void latencies.push(performance.now() - (sentMs[Buffer.from(data).readUInt32BE()] ?? 0)),
      });
      await subscriber.flush();
    }
    const startedMs = performance.now();
    for (let n = 0; n < spec.messages && !signal.aborted; n += 1) {
      const bytes = Buffer.alloc(Math.max(4, spec.size), 120);
      bytes.writeUInt32BE(n);
      sentMs.push(performance.now());
      publisher?.publish(subject, bytes);
      // Nothing holds a core publisher back: without this everything would only wait in this process.
      if (n % FAN_OUT_BATCH === FAN_OUT_BATCH - 1) await publisher?.flush();
    }
    const wanted = spec.messages * spec.clients;
    await until(() => latencies.length >= wanted, WAIT_MS, signal);
    const durationMs = performance.now() - startedMs;
    return { done: latencies.length, failed: wanted - latencies.length, durationMs, latencies: latencies.toSorted((a, b) => a - b) };
  });
}

async function withConnections<T>(
  admin: ConnectionSpec,
  count: number,
  work: (connections: readonly NatsConnection[]) => Promise<T>,
): Promise<T> {
  const connections = await Promise.all(Array.from({ length: count }, () => connectAsUser(admin)));
  try {
    return await work(connections);
  } finally {
    await Promise.all(connections.map((connection) => connection.close().catch(() => undefined)));
  }
}

async function withBuses<T>(admin: ConnectionSpec, count: number, work: (buses: readonly MessageBus[]) => Promise<T>): Promise<T> {
  const publishing = { attemptTimeout: "30s", deadline: "60s", maxInFlight: IN_FLIGHT } as const;
  const buses = await Promise.all(Array.from({ length: count }, () => MessageBus.connect({ ...admin, name: "natsbus-bench", publishing })));
  try {
    return await work(buses);
  } finally {
    await Promise.all(buses.map((bus) => bus.close()));
  }
}
