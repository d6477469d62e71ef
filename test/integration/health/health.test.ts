/** The health checks against real servers: all is well, then a server goes, a stream is full, a consumer saturated, credentials end. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askMonitor } from "../../../components/process/monitor.ts";
import { DEFAULT_LIMITS } from "../../../operations/health/judge.ts";
import { type MetaPage, metaOf } from "../../../operations/health/observe.ts";
import { exitCodeOf, type HealthResult, healthDocument, renderNagios } from "../../../operations/health/result.ts";
import { checkHealth, type HealthContext } from "../../../operations/health/run.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { heardRequest } from "../../support/heard-request.ts";
import { userEnding } from "./users.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

function contextOf(more: Partial<HealthContext> = {}): HealthContext {
  return {
    admin: { servers: cluster.urls, timeoutMs: 3_000 },
    meta: async () =>
      metaOf(
        await Promise.all(
          cluster.nodes.map(async ({ name, monitorUrl }) => [name, await askMonitor<MetaPage>({ url: monitorUrl }, "/jsz")] as const),
        ),
      ),
    servers: cluster.nodes.map(({ name }) => name),
    credentials: {},
    backlogLimits: {},
    // A busy machine is slow, not ill.
    limits: { ...DEFAULT_LIMITS, time: { warning: 20, critical: 30 } },
    ...more,
  };
}

const bad = (results: readonly HealthResult[]): string[] =>
  results
    .filter(({ state }) => state !== "OK")
    .map(({ check, subject, state, messages }) => `${state} ${check} ${subject}: ${messages.join(", ")}`);

test("a healthy bus passes, and each fault fails its own check", async () => {
  const connection = await connect({ servers: cluster.urls });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders"], num_replicas: 3 });
  await manager.streams.add({ name: "FULL", subjects: ["full"], num_replicas: 3, discard: "new", max_msgs: 20 });
  await manager.consumers.add("ORDERS", { durable_name: "worker", ack_policy: "explicit", max_ack_pending: 10 });
  // Followers need a moment to be seen current.
  await expect.poll(async () => bad(await checkHealth(contextOf())), { timeout: 30_000 }).toEqual([]);
  const healthy = await checkHealth(contextOf());
  expect(healthy.map(({ check, subject }) => `${check} ${subject}`.trim())).toEqual([
    "connection",
    "meta",
    "jetstream",
    "stream FULL",
    "stream ORDERS",
    "consumer ORDERS > worker",
  ]);
  expect(exitCodeOf(healthy)).toBe(0);
  expect(renderNagios(healthy)).toMatch(/^connection OK: connects and answers \| connect=[\d.]+s;20;30 rtt=/);
  expect(healthDocument(healthy)["state"]).toBe("OK");

  // Nobody works, one works without acknowledging, and a stream runs full.
  for (let index = 0; index < 30; index += 1) await heardRequest(connection, "orders", "x", { timeout: 3_000 });
  for (let index = 0; index < 20; index += 1) await heardRequest(connection, "full", "x", { timeout: 3_000 });
  const batch = await manager.jetstream().consumers.get("ORDERS", "worker");
  let pulled = 0;
  const pull = async () => {
    for await (const _message of await batch.fetch({ max_messages: 10 - pulled, expires: 2_000 })) pulled += 1;
    return pulled;
  };
  await expect.poll(pull).toBe(10);
  const strained = await checkHealth(contextOf({ backlogLimits: { "ORDERS > worker": 15 }, streams: ["ORDERS", "FULL", "LOST"] }));
  expect(bad(strained)).toEqual([
    "CRITICAL stream LOST: is declared and is not there",
    "CRITICAL stream FULL: limit_pct is 100%, at or over 98%",
    "CRITICAL consumer ORDERS > worker: outstanding_ack is 10, at or over 10, unprocessed is 20, at or over 15",
  ]);
  expect(exitCodeOf(strained)).toBe(2);

  // A server goes: the meta group and every stream on it say so.
  await cluster.kill("n2");
  const groups = async () => bad(await checkHealth(contextOf())).filter((line) => /^CRITICAL (meta|stream ORDERS)/.test(line));
  await expect
    .poll(groups, { timeout: 60_000 })
    .toEqual([
      expect.stringMatching(/^CRITICAL meta : peer_not_current is 1/),
      expect.stringMatching(/^CRITICAL stream ORDERS: copy on n2 /),
    ]);
  await cluster.start("n2");
  await cluster.waitReady(60_000);
  await connection.close();
});

test("what cannot be reached is critical, what nobody may ask is unknown, and the exit codes tell them apart", async () => {
  const alone = { ...contextOf(), admin: { servers: ["nats://127.0.0.1:9"], timeoutMs: 500 } };
  const refused = await checkHealth(alone);
  expect(refused[0]).toMatchObject({ check: "connection", state: "CRITICAL" });
  expect(exitCodeOf(refused)).toBe(2);
  const { meta: _meta, ...without } = contextOf();
  const unknown = (await checkHealth(without)).filter(({ check }) => check === "meta");
  expect(unknown).toMatchObject([{ state: "UNKNOWN" }]);
  expect(exitCodeOf(unknown)).toBe(3);
});

test("credentials are judged by their end", async () => {
  const results = await checkHealth(
    contextOf({ credentials: { fresh: userEnding(90), soon: userEnding(10), late: userEnding(1), over: userEnding(-1), broken: "" } }),
  );
  const states = results.filter(({ check }) => check === "credential").map(({ subject, state }) => `${subject} ${state}`);
  expect(states).toEqual(["fresh OK", "soon WARNING", "late CRITICAL", "over CRITICAL", "broken CRITICAL"]);
});
