/** The same verdicts and exit codes as `nats server check`, on the same live bus, healthy and broken. */
import { execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../../connection/pool.ts";
import { DEFAULT_LIMITS } from "../../../operations/health/judge.ts";
import { askMeta } from "../../../operations/health/observe.ts";
import { exitCodeOf, type HealthState } from "../../../operations/health/result.ts";
import { checkHealth, type HealthContext } from "../../../operations/health/run.ts";
import { natsCliPath } from "../../bench/natscli.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";
import { userEnding } from "./users.ts";

const run = promisify(execFile);
const NATS = isProgram(natsCliPath()) ? natsCliPath() : undefined;
if (NATS === undefined)
  process.stderr.write("SKIPPED: health is not compared with `nats server check`; build it with `npm run bench:streams`\n");

const ACCOUNTS = `accounts {
  SYS { users: [ { user: sys, password: sys } ] }
  APP { jetstream: enabled, users: [ { user: app, password: app } ] }
}
system_account: SYS
no_auth_user: app`;
const CODES: readonly HealthState[] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
const BACKLOG = 15;

let cluster: TestCluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "natsbus-natscli-"));
  if (NATS !== undefined) cluster = await startCluster({ configText: () => ACCOUNTS });
});
afterAll(async () => {
  await closeConnections();
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const loginOf = (user: string) => ({ servers: cluster.urls, user, password: user, timeoutMs: 2_000 });
const serversOf = (): string[] => cluster.nodes.map(({ name }) => name);

/** Our verdicts, `check subject` → state. */
async function ours(credentials: HealthContext["credentials"] = {}): Promise<Record<string, HealthState>> {
  const results = await checkHealth({
    admin: loginOf("app"),
    meta: () => askMeta(loginOf("sys"), serversOf()),
    servers: serversOf(),
    credentials,
    backlogLimits: { "ORDERS > worker": BACKLOG },
    // A busy machine is slow, not ill.
    limits: { ...DEFAULT_LIMITS, time: { warning: 20, critical: 30 } },
  });
  for (const one of results) expect(CODES[exitCodeOf([one])]).toBe(one.state);
  return Object.fromEntries(results.map(({ check, subject, state }) => [`${check} ${subject}`.trim(), state]));
}

const SLOW = [
  "--connect-warn=20s",
  "--connect-critical=30s",
  "--rtt-warn=20s",
  "--rtt-critical=30s",
  "--req-warn=20s",
  "--req-critical=30s",
];
const PEERS = ["--peer-expect=3", "--peer-lag-critical=200", "--peer-seen-critical=5s"];
// The program compares seconds left with nanoseconds given (jsm.go 0.5.1): our limits of 14 and 3 days as it understands them.
const LEFT = [`--validity-warn=${14 * 86_400}ns`, `--validity-critical=${3 * 86_400}ns`];
/** The same questions to the other program. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  connection: ["connection", ...SLOW],
  meta: ["meta", "--expect=3", "--lag-critical=200", "--seen-critical=5s"],
  jetstream: ["jetstream"],
  "stream COPY": ["stream", "--stream=COPY", ...PEERS, "--lag-critical=10000"],
  "stream ORDERS": ["stream", "--stream=ORDERS", ...PEERS],
  "consumer ORDERS > worker": [
    "consumer",
    ...["--stream=ORDERS", "--consumer=worker", "--outstanding-ack-critical=10", `--unprocessed-critical=${BACKLOG}`],
  ],
};

/** Its verdict by exit code, which must be the one it prints. */
async function askNats(args: readonly string[], user = args[0] === "meta" ? "sys" : "app"): Promise<HealthState | undefined> {
  const login = args[0] === "credential" ? [] : ["--server", cluster.urls.join(","), "--user", user, "--password", user];
  const env = { ...process.env, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, NO_COLOR: "1" };
  const command = [...login, "--no-context", "--timeout=2s", "server", "check", ...args, "--format=json"];
  const { code, stdout } = await run(NATS ?? "", command, { env, timeout: 30_000 }).then(
    ({ stdout: text }) => ({ code: 0, stdout: text }),
    (error: { code: number; stdout: string }) => error,
  );
  const { status } = JSON.parse(stdout) as { status: string };
  expect(status).toBe(CODES[code]);
  return CODES[code];
}

async function theirs(): Promise<Record<string, HealthState | undefined>> {
  // One after the other: half a dozen programs at once would be slow enough to look ill.
  const verdicts: Record<string, HealthState | undefined> = {};
  for (const [name, args] of Object.entries(QUESTIONS)) verdicts[name] = await askNats(args);
  return verdicts;
}

/** Asks until a stream is led by a server. */
async function moveLeader(connection: NatsConnection, stream: string, server: string): Promise<void> {
  const ask = async <T>(verb: string, body: object): Promise<T> =>
    (await connection.request(`$JS.API.STREAM.${verb}.${stream}`, JSON.stringify(body))).json<T>();
  const leader = async (): Promise<string | undefined> => {
    const { cluster: group } = await ask<{ cluster?: { leader?: string } }>("INFO", {});
    if (group?.leader !== server) await ask("LEADER.STEPDOWN", { placement: { preferred: server } });
    return group?.leader;
  };
  await expect.poll(leader, { timeout: 120_000, interval: 1_000 }).toBe(server);
}

/** Waits until both say the same, and that is what is expected. */
async function agree(expected: Readonly<Record<string, HealthState>>): Promise<void> {
  const all = { ...Object.fromEntries(Object.keys(QUESTIONS).map((name) => [name, "OK"])), ...expected };
  await expect
    .poll(async () => ({ ours: await ours(), theirs: await theirs() }), { timeout: 120_000, interval: 500 })
    .toEqual({ ours: all, theirs: all });
}

describe.skipIf(NATS === undefined)("as `nats server check` says", () => {
  test("a healthy bus is healthy, a strained consumer is not, a server that is gone is missed, and nothing goes without a quorum", async () => {
    const connection = await connect({ servers: cluster.urls, user: "app", pass: "app", maxReconnectAttempts: -1, reconnectTimeWait: 200 });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: "ORDERS", subjects: ["orders"], num_replicas: 3 });
    await manager.streams.add({ name: "COPY", mirror: { name: "ORDERS" }, num_replicas: 3 });
    await manager.consumers.add("ORDERS", { durable_name: "worker", ack_policy: "explicit", max_ack_pending: 10 });
    await agree({});

    for (let index = 0; index < BACKLOG; index += 1) await connection.request("orders", "x");
    await agree({ "consumer ORDERS > worker": "CRITICAL" });
    await manager.streams.purge("ORDERS");
    await agree({});
    for (let index = 0; index < 10; index += 1) await connection.request("orders", "x");
    const worker = await manager.jetstream().consumers.get("ORDERS", "worker");
    const held = [];
    for await (const message of await worker.fetch({ max_messages: 10, expires: 5_000 })) held.push(message);
    await agree({ "consumer ORDERS > worker": "CRITICAL" });
    for (const message of held) await message.ackAck();
    await agree({});

    // A new leader never heard the dead one, and `nats` then takes its copy for well; we do not. So the server that goes led neither.
    for (const name of ["ORDERS", "COPY"]) await moveLeader(connection, name, "n1");
    await cluster.kill("n2");
    await agree({ meta: "CRITICAL", jetstream: "CRITICAL", "stream COPY": "CRITICAL", "stream ORDERS": "CRITICAL" });
    await cluster.kill("n3");
    const still = { connection: "OK", meta: "CRITICAL", jetstream: "CRITICAL" };
    await expect
      .poll(async () => ({ ours: await ours(), theirs: await theirs() }), { timeout: 120_000, interval: 500 })
      .toMatchObject({ ours: still, theirs: { ...still, "stream ORDERS": "CRITICAL", "consumer ORDERS > worker": "CRITICAL" } });
    await cluster.startAll();
    await cluster.waitReady(60_000);
    await agree({});
    await connection.close();
  }, 480_000);

  test("nobody at the port is critical", async () => {
    const nowhere = { ...loginOf("app"), servers: ["nats://127.0.0.1:9"], timeoutMs: 500 };
    const results = await checkHealth({ admin: nowhere, servers: ["n1"], credentials: {}, backlogLimits: {}, limits: DEFAULT_LIMITS });
    expect(results).toMatchObject([{ check: "connection", state: "CRITICAL" }]);
    const args = ["--server", "nats://127.0.0.1:9", "--no-context", "server", "check", "connection"];
    const env = { ...process.env, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
    const code = await run(NATS ?? "", args, { env, timeout: 30_000 }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    expect(code).toBe(exitCodeOf(results));
  });

  test.each<[string, () => string, readonly string[]]>([
    ["long valid", () => userEnding(90), LEFT],
    ["ending soon", () => userEnding(10), LEFT],
    ["about to end", () => userEnding(1), LEFT],
    ["over", () => userEnding(-1), LEFT],
    ["without an end", () => userEnding(undefined), ["--no-require-expiry"]],
    ["signed by somebody else", () => userEnding(90).replace(/\.[\w-]{20}([\w-]*\n)/, ".AAAAAAAAAAAAAAAAAAAA$1"), []],
    ["empty", () => "", []],
  ])("credentials that are %s", async (_what, text, limits) => {
    const file = join(folder, "user.creds");
    const creds = text();
    writeFileSync(file, creds, { mode: 0o600 });
    const { "credential user": state } = await ours({ user: creds });
    expect(state).toBe(await askNats(["credential", `--credential=${file}`, ...limits]));
  });
});

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
