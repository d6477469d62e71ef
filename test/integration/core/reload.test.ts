import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifyChange } from "../../../core/reload.ts";
import { renderServerConfig } from "../../../core/server-config.ts";
import type { ServerConfigSpec } from "../../../core/server-config-spec.ts";
import { testServerBinary } from "../../support/cluster.ts";
import { findFreePorts } from "../../support/free-ports.ts";
import { sampleServer, writeCertificates } from "../../support/server-specs.ts";

type Edit = (spec: ServerConfigSpec) => ServerConfigSpec;
type Certificates = Awaited<ReturnType<typeof writeCertificates>>;

let folder: string;
let firstPort: number;
let certificates: Certificates;
let others: Certificates;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "natsbus-reload-"));
  firstPort = await findFreePorts(6);
  certificates = await writeCertificates(join(folder, "tls"));
  others = await writeCertificates(join(folder, "tls"), "other");
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const USERS = { APP: { users: [{ user: "a", password: "12345678901" }], jetstream: true } };
const withTls: Edit = (spec) => ({ ...spec, clientTls: certificates, cluster: { ...spec.cluster!, tls: certificates } });
const withAccounts: Edit = (spec) => ({ ...spec, identity: { kind: "accounts", accounts: USERS } });
const plain: Edit = (spec) => spec;

/** Name, what the server runs with, the change, what a live server does: takes it, refuses it, or says it took it and goes on as before. */
const rows: readonly (readonly [string, Edit, Edit, "takes" | "refuses" | "ignores"])[] = [
  ["debug log", plain, (s) => ({ ...s, logging: { ...s.logging, level: "debug" } }), "takes"],
  ["trace log", plain, (s) => ({ ...s, logging: { ...s.logging, level: "trace" } }), "takes"],
  ["max connections", plain, (s) => ({ ...s, limits: { ...s.limits, maxConnections: 50 } }), "takes"],
  ["max payload", plain, (s) => ({ ...s, limits: { ...s.limits, maxPayloadBytes: 2048 } }), "takes"],
  ["ping interval", plain, (s) => ({ ...s, limits: { ...s.limits, pingIntervalMs: 30_000 } }), "takes"],
  ["unanswered pings", plain, (s) => ({ ...s, limits: { ...s.limits, maxPingsOut: 5 } }), "takes"],
  ["write deadline", plain, (s) => ({ ...s, limits: { ...s.limits, writeDeadlineMs: 2_000 } }), "takes"],
  ["max control line", plain, (s) => ({ ...s, extra: { max_control_line: 8192 } }), "takes"],
  ["server tags", plain, (s) => ({ ...s, tags: ["az:a"] }), "takes"],
  ["client advertise", plain, (s) => ({ ...s, client: { ...s.client, advertise: "localhost:4999" } }), "takes"],
  ["pid file", plain, (s) => ({ ...s, pidFile: join(folder, "server.pid") }), "takes"],
  ["more JetStream storage", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, maxStorageBytes: 32 * 1024 ** 2 } }), "takes"],
  ["more JetStream memory", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, maxMemoryBytes: 2 * 1024 ** 2 } }), "takes"],
  [
    "routes",
    plain,
    (s) => ({ ...s, cluster: { ...s.cluster!, routes: [...s.cluster!.routes, `nats-route://127.0.0.1:${firstPort + 5}`] } }),
    "takes",
  ],
  ["route compression", plain, (s) => ({ ...s, cluster: { ...s.cluster!, compression: "s2_fast" } }), "takes"],
  ["route pool size", plain, (s) => ({ ...s, cluster: { ...s.cluster!, poolSize: 5 } }), "takes"],
  ["route no_advertise", plain, (s) => ({ ...s, cluster: { ...s.cluster!, noAdvertise: true } }), "takes"],
  ["client certificate", withTls, (s) => ({ ...s, clientTls: others }), "takes"],
  ["client handshake first", withTls, (s) => ({ ...s, clientTls: { ...certificates, handshakeFirst: true } }), "takes"],
  ["client TLS on", plain, (s) => ({ ...s, clientTls: certificates }), "takes"],
  ["route certificate", withTls, (s) => ({ ...s, cluster: { ...s.cluster!, tls: others } }), "takes"],
  [
    "users",
    withAccounts,
    (s) => ({ ...s, identity: { kind: "accounts", accounts: { APP: { ...USERS.APP, users: [{ user: "b", password: "12345678901" }] } } } }),
    "takes",
  ],
  ["less JetStream storage", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, maxStorageBytes: 8 * 1024 ** 2 } }), "refuses"],
  ["less JetStream memory", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, maxMemoryBytes: 512 * 1024 } }), "refuses"],
  ["JetStream folder", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, storeDirectory: join(folder, "other") } }), "refuses"],
  ["JetStream domain", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, domain: "hub" } }), "refuses"],
  ["JetStream sync interval", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, syncInterval: 30_000 } }), "refuses"],
  ["JetStream unique tag", plain, (s) => ({ ...s, jetstream: { ...s.jetstream!, uniqueTag: "az:" } }), "refuses"],
  ["client port", plain, (s) => ({ ...s, client: { ...s.client, port: firstPort + 4 } }), "refuses"],
  ["monitor port", plain, (s) => ({ ...s, monitor: { ...s.monitor!, port: firstPort + 4 } }), "refuses"],
  ["route port", plain, (s) => ({ ...s, cluster: { ...s.cluster!, port: firstPort + 4 } }), "refuses"],
  ["cluster name", plain, (s) => ({ ...s, cluster: { ...s.cluster!, name: "renamed" } }), "ignores"],
  ["server name", plain, (s) => ({ ...s, serverName: "renamed" }), "refuses"],
  ["lame duck duration", plain, (s) => ({ ...s, lameDuck: { ...s.lameDuck, durationMs: 60_000 } }), "refuses"],
  ["lame duck grace period", plain, (s) => ({ ...s, lameDuck: { ...s.lameDuck, gracePeriodMs: 2_000 } }), "refuses"],
  ["max pending", plain, (s) => ({ ...s, limits: { ...s.limits, maxPendingBytes: 16 * 1024 ** 2 } }), "refuses"],
  ["max subscriptions", plain, (s) => ({ ...s, limits: { ...s.limits, maxSubscriptions: 10 } }), "refuses"],
  ["log size", plain, (s) => ({ ...s, logging: { ...s.logging, maxFileSizeBytes: 2 * 1024 ** 2 } }), "refuses"],
  ["log files kept", plain, (s) => ({ ...s, logging: { ...s.logging, keepFiles: 3 } }), "refuses"],
  ["websocket on", plain, (s) => ({ ...s, websocket: { host: "127.0.0.1", port: firstPort + 4 } }), "refuses"],
  ["system account", withAccounts, (s) => ({ ...s, identity: { kind: "accounts", accounts: USERS, systemAccount: "APP" } }), "refuses"],
  [
    "user for clients without credentials",
    withAccounts,
    (s) => ({ ...s, identity: { kind: "accounts", accounts: USERS, noAuthUser: "a" } }),
    "refuses",
  ],
];

describe("classifyChange against a live server", () => {
  test.each(rows)("%s", async (_name, start, edit, reaction) => {
    const before = start(sampleServer(folder, firstPort));
    const after = edit(before);
    await using server = await LiveServer.start(before);
    const answer = await server.reload(after);
    expect(answer, answer).toMatch(reaction === "refuses" ? /Failed to reload/ : /Reloaded server configuration/);
    expect(classifyChange(before, after).action).toBe(reaction === "takes" ? "reload" : "restart");
    expect(classifyChange(after, after).action).toBe("none");
  });
});

class LiveServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #logFile: string;

  private constructor(process: ChildProcess, logFile: string) {
    this.#process = process;
    this.#logFile = logFile;
  }

  static async start(spec: ServerConfigSpec): Promise<LiveServer> {
    await rm(join(folder, "nats.log"), { force: true });
    await writeFile(join(folder, "nats.conf"), renderServerConfig(spec));
    const program = spawn(testServerBinary(), ["-c", join(folder, "nats.conf")], { stdio: "ignore" });
    const server = new LiveServer(program, spec.logging.file ?? "");
    await server.#logLine(/Server is ready/);
    return server;
  }

  /** Hands the running server another configuration and returns the line it answers with in its log. */
  async reload(spec: ServerConfigSpec): Promise<string> {
    await writeFile(join(folder, "nats.conf"), renderServerConfig(spec));
    this.#process.kill("SIGHUP");
    return this.#logLine(/Reloaded server configuration|Failed to reload/);
  }

  async #logLine(wanted: RegExp): Promise<string> {
    for (let attempt = 0; attempt < 500; attempt += 1) {
      const text = await readFile(this.#logFile, "utf8").catch(() => "");
      const line = text.split("\n").find((candidate) => wanted.test(candidate));
      if (line !== undefined) return line;
      if (this.#process.exitCode !== null) throw new Error(`the server ended:\n${text}`);
      await delay(20);
    }
    throw new Error(`no line ${wanted} in ${await readFile(this.#logFile, "utf8")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
}
