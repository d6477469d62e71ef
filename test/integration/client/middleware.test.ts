import { AckPolicy, jetstreamManager, StorageType } from "@nats-io/jetstream";
import {
  type Context,
  propagation,
  type Span,
  type SpanContext,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { defineSubject, logging, MessageBus, type Middleware, route, tracing } from "../../../client/index.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const note = defineSubject("notes.*.note", z.object({ text: z.string() }));
let cluster: TestCluster;
let admin: MessageBus;
beforeAll(async () => {
  cluster = await startCluster({ servers: 1 });
  admin = await MessageBus.connect({ servers: cluster.urls });
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.add({ name: "NOTES", subjects: ["notes.>"], storage: StorageType.Memory });
  const filter_subjects = ["high", "normal", "low"].map((lane) => `notes.${lane}.>`);
  await manager.consumers.add("NOTES", { durable_name: "w", ack_policy: AckPolicy.Explicit, max_deliver: 2, filter_subjects });
});
afterAll(async () => {
  await admin.close();
  await cluster[Symbol.asyncDispose]();
});

let round = 0;

/** Publishes one message that is handled and one whose handler fails, and waits until both are settled. */
async function exchange(middleware: readonly Middleware[], more: object = {}): Promise<void> {
  await using bus = await MessageBus.connect({ servers: cluster.urls, middleware, ...more });
  const handler = route(note, ({ value }) => {
    if (value.text === "bad") throw new Error("no such note");
  });
  const before = bus.metrics().consume;
  round += 1;
  await bus.publish(note, { text: "good" }, { priority: "high", id: `good ${round}` });
  await bus.publish(note, { text: "bad" }, { priority: "low", id: `bad ${round}` });
  await using _worker = await bus.consume({ stream: "NOTES", consumer: "w", routes: [handler] });
  const settled = () => bus.metrics().consume.acknowledged + bus.metrics().consume.deadLettered - before.acknowledged - before.deadLettered;
  await expect.poll(settled, { timeout: 10_000 }).toBe(2);
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.purge("NOTES");
}

it("traces publishes and handlers as one trace that travels in the headers", async () => {
  const spans: { name: string; trace: string; parent: string | undefined; failed: boolean; attributes: object }[] = [];
  let count = 0;
  const next = (length: number) => String(++count).padStart(length, "0");
  const startSpan = (name: string, options: SpanOptions = {}, parent?: Context): Span => {
    const above = parent === undefined ? undefined : trace.getSpanContext(parent);
    const own: SpanContext = {
      traceId: above?.traceId ?? next(32),
      spanId: next(16),
      traceFlags: 1,
    };
    const record = { name, trace: own.traceId, parent: above?.spanId, failed: false, attributes: options.attributes ?? {} };
    const ends = {
      spanContext: () => own,
      end: () => void spans.push(record),
      recordException: () => {
        record.failed = true;
      },
    };
    return { ...ends, setStatus: () => undefined } as unknown as Span;
  };
  const propagator: TextMapPropagator = {
    inject(context, carrier, setter) {
      const { traceId = "", spanId = "" } = trace.getSpanContext(context) ?? {};
      setter.set(carrier, "traceparent", `00-${traceId}-${spanId}-01`);
    },
    extract(context, carrier, getter) {
      const [, traceId = "", spanId = ""] = String(getter.get(carrier, "traceparent") ?? "").split("-");
      return traceId === "" ? context : trace.setSpanContext(context, { traceId, spanId, traceFlags: 1 });
    },
    fields: () => ["traceparent"],
  };
  propagation.setGlobalPropagator(propagator);
  await exchange([tracing({ provider: { getTracer: () => ({ startSpan }) as unknown as Tracer } })]);
  propagation.disable();
  const [sent, handled] = ["send notes.*.note", "process notes.*.note"].map((name) => spans.filter((span) => span.name === name));
  expect([sent!.length, handled!.length]).toEqual([2, 2]);
  expect(handled!.map((span) => span.trace).sort()).toEqual(sent!.map((span) => span.trace).sort());
  expect(handled!.every((span) => span.parent !== undefined)).toBe(true);
  expect(spans.filter((span) => span.failed).map((span) => span.name)).toEqual(["process notes.*.note"]);
  expect(handled!.map((span) => span.attributes)).toContainEqual(
    expect.objectContaining({
      "messaging.system": "nats",
      "messaging.destination.name": "notes.high.note",
      "messaging.message.id": expect.stringMatching(/^good /),
    }),
  );
});

it("logs what happens to a pino-like logger, and no payload", async () => {
  const lines: string[] = [];
  const write = (level: string) => (fields: object, text: string) =>
    void lines.push(`${level} ${text} ${(fields as { subject: string }).subject} ${JSON.stringify(fields)}`);
  await exchange([logging({ debug: write("debug"), warn: write("warn") })]);
  expect(lines.map((line) => line.split(" {")[0]).sort()).toEqual([
    "debug handled notes.high.note",
    "debug published notes.high.note",
    "debug published notes.low.note",
    "warn not handled notes.low.note",
  ]);
  expect(lines.join()).not.toContain('"text"');
});

it("runs from the outermost step inwards; what a step throws is as if sending or the handler had failed", async () => {
  const order: string[] = [];
  const step =
    (name: string): Middleware =>
    async (context, next) => {
      order.push(`${name} ${context.kind}`);
      if (name === "inner" && context.id === "stop") throw new Error("not today");
      return next();
    };
  await using bus = await MessageBus.connect({ servers: cluster.urls, middleware: [step("outer"), step("inner")] });
  await expect(bus.publish(note, { text: "x" }, { priority: "low", id: "stop" })).rejects.toThrow("not today");
  expect(order).toEqual(["outer publish", "inner publish"]);
  const naming: Middleware = (context, next) => {
    context.headers["Nats-Rollup"] = "all";
    return next();
  };
  await using rude = await MessageBus.connect({ servers: cluster.urls, middleware: [naming] });
  await expect(rude.publish(note, { text: "x" }, { priority: "low" })).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION" });
});

it("offers metrics to a registry of prom-client, each client under its name, and takes them away again", async () => {
  const registry = new Registry();
  await using other = await MessageBus.connect({ servers: cluster.urls, name: "other", prometheus: { registry } });
  await other.publish(note, { text: "x" }, { priority: "high" });
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.purge("NOTES");
  let text = "";
  const scrape: Middleware = async (context, next) => {
    const result = await next();
    if (context.kind === "consume") text = await registry.metrics();
    return result;
  };
  await exchange([scrape], { name: "app", prometheus: { registry } });
  expect(text).toContain('natsbus_client_published_total{client="app"} 2');
  expect(text).toContain('natsbus_client_published_total{client="other"} 1');
  expect(text).toMatch(/natsbus_client_publish_seconds_bucket\{le="\+Inf",client="app"\} 2/);
  expect(text).toMatch(/natsbus_client_publish_seconds_sum\{client="app"\} 0\.\d+/);
  expect(text).toContain('natsbus_client_messages_total{kind="publish",pattern="notes.*.note",outcome="ok",client="app"} 2');
  expect(await registry.metrics()).not.toContain('client="app"');
  await other.close();
  expect(registry.getMetricsAsArray()).toEqual([]);
});
