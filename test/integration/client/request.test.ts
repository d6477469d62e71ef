import { setTimeout as delay } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEndpoint, MessageBus, type Middleware, respond, ServiceError } from "../../../client/index.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const divide = defineEndpoint("maths.divide", {
  request: z.object({ a: z.number(), b: z.number() }),
  reply: z.object({ quotient: z.number() }),
});
const schema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] } as const;
const shout = defineEndpoint<{ text: string }, { text: string }>("maths.*.shout", { request: schema, reply: schema });

// Two users with everything, one who may neither serve nor ask.
const USERS = `authorization { users: [
  { user: all, password: all }
  { user: few, password: few, permissions: { publish: ["notes.>"], subscribe: ["_INBOX.>"] } }
] }`;

let cluster: TestCluster;
let raw: NatsConnection;
let bus: MessageBus;
const login = (user: string) => ({ servers: cluster.urls, user, password: user });
beforeAll(async () => {
  cluster = await startCluster({ servers: 1, configText: () => USERS });
  raw = await connect({ servers: cluster.urls, user: "all", pass: "all" });
  bus = await MessageBus.connect(login("all"));
});
afterAll(async () => {
  await bus.close();
  await raw.close();
  await cluster[Symbol.asyncDispose]();
});

const quotient = respond(divide, ({ value }) => {
  if (value.b === 0) throw new ServiceError(422, "cannot divide\nby zero");
  if (value.b < 0) throw new Error("password is hunter2");
  return { quotient: value.a / value.b };
});
const serve = (endpoints = [quotient]) =>
  bus.serve({ name: "maths", version: "1.2.3", description: "counts", metadata: { team: "a" }, endpoints });

describe("a service", () => {
  it("answers typed requests, with zod and with JSON Schema, and shares them among its instances", async () => {
    await using other = await MessageBus.connect(login("all"));
    const loud = respond(shout, async ({ value, subject, id }) => ({ text: `${value.text.toUpperCase()} ${subject} ${id}` }));
    await using one = await serve([quotient, loud]);
    await using two = await other.serve({ name: "maths", version: "1.2.3", endpoints: [quotient] });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, a) => other.request(divide, { a, b: 2 })));
    expect(answers.map(({ quotient: half }) => half)).toEqual(Array.from({ length: 40 }, (_, a) => a / 2));
    expect(await other.request(shout, { text: "hey" }, { subject: "maths.de.shout", id: "7" })).toEqual({ text: "HEY maths.de.shout 7" });
    const shares = [one, two].map((service) => service.stats()[0]!.requests);
    expect(shares[0]! + shares[1]!).toBe(40);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    expect(other.metrics().request).toMatchObject({ answered: 41, failed: 0, latency: { count: 41 } });
    expect(bus.metrics().serve).toMatchObject({ received: shares[0]! + 1, failed: 0, inHand: 0 });
  });

  it("answers errors with their code and tells nothing of those it did not mean to", async () => {
    await using service = await serve();
    const ask = (a: unknown, b: unknown) => bus.request(divide, { a, b } as { a: number; b: number });
    await expect(ask(1, 0)).rejects.toMatchObject({ code: "ERR_CLIENT_SERVICE", cause: { code: 422, message: "cannot divide by zero" } });
    const hidden = await ask(1, -1).catch((error) => error);
    expect(hidden).toMatchObject({ code: "ERR_CLIENT_SERVICE", cause: { code: 500 } });
    expect(JSON.stringify([hidden.message, hidden.cause.message])).not.toContain("hunter2");
    await expect(ask("x", 1)).rejects.toMatchObject({ code: "ERR_CLIENT_SCHEMA" });
    const answer = await raw.request("maths.divide", "{nonsense");
    expect([answer.headers?.get("Nats-Service-Error-Code"), answer.headers?.get("Nats-Service-Error")]).toEqual([
      "400",
      expect.stringMatching(/^malformed: /),
    ]);
    expect(service.stats()[0]).toMatchObject({ requests: 3, errors: 3, lastError: expect.stringContaining("malformed") });
  });

  it("can be found and asked how it is, as NATS services are", async () => {
    await using service = await serve();
    await bus.request(divide, { a: 1, b: 2 });
    const identity = { name: "maths", id: service.id, version: "1.2.3", metadata: { team: "a" } };
    const ask = async (subject: string) => (await raw.request(subject)).json();
    for (const subject of ["$SRV.PING", "$SRV.PING.maths", `$SRV.PING.maths.${service.id}`]) {
      expect(await ask(subject)).toEqual({ type: "io.nats.micro.v1.ping_response", ...identity });
    }
    const place = { name: "maths-divide", subject: "maths.divide", queue_group: "q" };
    expect(await ask("$SRV.INFO.maths")).toEqual({
      ...{ type: "io.nats.micro.v1.info_response", ...identity, description: "counts" },
      endpoints: [{ ...place, metadata: {} }],
    });
    expect(await ask(`$SRV.STATS.maths.${service.id}`)).toMatchObject({
      ...{ type: "io.nats.micro.v1.stats_response", ...identity, started: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
      endpoints: [{ ...place, num_requests: 1, num_errors: 0, last_error: "", processing_time: expect.any(Number) }],
    });
    await service.stop();
    await expect(raw.request("$SRV.PING.maths")).rejects.toThrow(/no responders/);
  });

  it("answers 503 when too many wait and 504 when its handler takes too long, and finishes what it has when it stops", async () => {
    const slow = respond(
      divide,
      async ({ signal }) => {
        await delay(300, undefined, { signal }).catch(() => undefined);
        return { quotient: 0 };
      },
      { concurrency: 1, maxQueued: 1, handlerTimeout: "200ms" },
    );
    const service = await serve([slow]);
    const all = await Promise.allSettled([1, 2, 3].map((a) => bus.request(divide, { a, b: 1 })));
    const codes = all.map((one) => (one.status === "rejected" ? (one.reason.cause as ServiceError).code : 200));
    expect(codes.sort()).toEqual([503, 504, 504]);
    await service.stop();
    const quick = await serve([respond(divide, () => delay(100, { quotient: 9 }))]);
    const last = bus.request(divide, { a: 1, b: 1 });
    await expect.poll(() => bus.metrics().serve.inHand).toBe(1);
    await quick.stop();
    expect(await last).toEqual({ quotient: 9 });
  });

  it("cannot be offered under a wrong name, or by a user who may not listen", async () => {
    await using few = await MessageBus.connect(login("few"));
    const wrong = { name: "a b", version: "1.0.0", endpoints: [] };
    await expect(bus.serve(wrong)).rejects.toMatchObject({ code: "ERR_CLIENT_SERVE" });
    await expect(bus.serve({ ...wrong, name: "a", version: "1" })).rejects.toMatchObject({ code: "ERR_CLIENT_SERVE", path: "version" });
    await expect(few.serve({ name: "maths", version: "1.0.0", endpoints: [quotient] })).rejects.toMatchObject({ code: "ERR_CLIENT_SERVE" });
    await using unseen = await few.serve({ name: "maths", version: "1.0.0", endpoints: [] });
    expect(unseen.isDiscoverable).toBe(false);
    await expect(few.request(divide, { a: 1, b: 1 })).rejects.toMatchObject({ code: "ERR_CLIENT_REQUEST" });
  });
});

describe("a request", () => {
  it("says when nobody serves, when nobody answers in time, and when the answer is not what was agreed on", async () => {
    await expect(bus.request(divide, { a: 1, b: 1 })).rejects.toMatchObject({
      code: "ERR_CLIENT_REQUEST",
      message: expect.stringContaining("nobody"),
    });
    const mute = raw.subscribe("maths.divide", { callback: () => undefined });
    await raw.flush();
    await expect(bus.request(divide, { a: 1, b: 1 }, { timeout: "100ms" })).rejects.toMatchObject({ code: "ERR_CLIENT_TIMEOUT" });
    mute.unsubscribe();
    const odd = raw.subscribe("maths.divide", { callback: (_, message) => void message.respond('{"quotient":"many"}') });
    await raw.flush();
    await expect(bus.request(divide, { a: 1, b: 1 })).rejects.toMatchObject({ code: "ERR_CLIENT_REPLY" });
    odd.unsubscribe();
    expect(bus.metrics().request.failed).toBeGreaterThanOrEqual(3);
  });

  it("is verified by the service, and its answer by the requester", async () => {
    const [asker, server, stranger] = [createKey("user"), createKey("user"), createKey("user")];
    const verification = { signers: { "maths.>": [asker.publicKey, server.publicKey] } };
    await using serving = await MessageBus.connect({ ...login("all"), signing: server.seed, verification });
    await using asking = await MessageBus.connect({ ...login("all"), signing: asker.seed, verification });
    await using foreign = await MessageBus.connect({ ...login("all"), signing: stranger.seed, verification });
    const service = await serving.serve({ name: "maths", version: "1.0.0", endpoints: [quotient] });
    expect(await asking.request(divide, { a: 6, b: 3 })).toEqual({ quotient: 2 });
    await expect(asking.request(divide, { a: 6, b: 0 })).rejects.toMatchObject({ code: "ERR_CLIENT_SERVICE", cause: { code: 422 } });
    await expect(foreign.request(divide, { a: 6, b: 3 })).rejects.toMatchObject({ cause: { code: 403 } });
    await expect(bus.request(divide, { a: 6, b: 3 })).rejects.toMatchObject({ cause: { code: 401 } });
    await service.stop();
    await using _unsigned = await serve();
    await expect(asking.request(divide, { a: 6, b: 3 })).rejects.toMatchObject({ code: "ERR_CLIENT_REPLY" });
  });

  it("passes the middleware of both sides", async () => {
    const seen: string[] = [];
    const note: Middleware = async (context, next) => {
      if (context.kind === "request") context.headers["x-note"] = "hello";
      const result = await next();
      seen.push(`${context.kind} ${context.subject} ${context.headers["x-note"]}`);
      return result;
    };
    await using noting = await MessageBus.connect({ ...login("all"), middleware: [note] });
    await using _service = await noting.serve({ name: "maths", version: "1.0.0", endpoints: [quotient] });
    await noting.request(divide, { a: 1, b: 1 });
    expect(seen).toEqual(["respond maths.divide hello", "request maths.divide hello"]);
  });
});
