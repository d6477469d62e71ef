/** Publishes through every server, like a client that prefers it, and counts what came of it: the only source of the service level. */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import { openConnection } from "../connection/pool.ts";
import { BusError } from "../core/errors.ts";
import type { CanaryConfig, ProbeAccess, ProbeServer } from "../observability/probe-config.ts";

/** What became of a publish in the end, retries included. */
export type PublishResult = "ok" | "timeout" | "error";

/** Told of every publish. */
export type PublishListener = (server: string, result: PublishResult, seconds: number) => void;

// A total outage must count as often as success does: publishes that wait do not hold back the next ones, up to this many.
const LARGEST_FLIGHT = 10;
const RETRY_MS = 100;
const ATTEMPTS = 3;

/** A server that can be published through. */
type Branch = ProbeServer & { readonly clientUrl: string };

/** What a canary is told: what to publish, and what its connections have beside that. */
type Voice = CanaryConfig & ProbeAccess["client"];

/** Publishes through every server until it is stopped; those without a client URL are left out. */
export class Canary {
  readonly #config: Voice;
  readonly #servers: readonly Branch[];
  readonly #onPublish: PublishListener;
  readonly #down = new WeakSet<NatsConnection>();
  readonly #watched = new WeakSet<NatsConnection>();
  readonly #reasons = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly #loops: readonly Promise<void>[];
  #count = 0;

  constructor(config: Voice, servers: readonly ProbeServer[], onPublish: PublishListener) {
    this.#config = config;
    this.#servers = servers.flatMap(({ clientUrl, ...server }) => (clientUrl === undefined ? [] : [{ ...server, clientUrl }]));
    this.#onPublish = onPublish;
    this.#loops = this.#servers.map((server, index) => this.#sing(server, index));
  }

  /** Ends publishing; the connections are the pool's. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #sing(server: Branch, index: number): Promise<void> {
    const { intervalMs } = this.#config;
    const { signal } = this.#stop;
    const flight = new Set<Promise<void>>();
    // Spread over the interval, so that the servers are not hit all at once.
    await pause((intervalMs * index) / this.#servers.length, signal);
    while (!signal.aborted) {
      if (flight.size < LARGEST_FLIGHT) {
        const publishing = this.#publishOnce(server).finally(() => flight.delete(publishing));
        flight.add(publishing);
      } else this.#onPublish(server.name, "timeout", this.#config.timeoutMs / 1000);
      await pause(intervalMs, signal);
    }
    await Promise.all(flight);
  }

  async #publishOnce(server: Branch): Promise<void> {
    const started = performance.now();
    const until = started + this.#config.timeoutMs;
    this.#count += 1;
    const id = `${process.pid}-${this.#count}`;
    let result: PublishResult = "timeout";
    do {
      result = await this.#attempt(server, id, Math.min(until - performance.now(), this.#config.timeoutMs / ATTEMPTS));
      if (result !== "ok") await pause(RETRY_MS, this.#stop.signal);
    } while (result !== "ok" && performance.now() < until && !this.#stop.signal.aborted);
    // What was cut short by the end of the probe says nothing.
    if (result === "ok" || !this.#stop.signal.aborted) this.#onPublish(server.name, result, (performance.now() - started) / 1000);
  }

  async #attempt(server: Branch, id: string, timeoutMs: number): Promise<PublishResult> {
    try {
      const connection = await this.#connectionFor(server, timeoutMs);
      const header = headers();
      header.set("Nats-Msg-Id", id);
      const reply = await connection.request(`${this.#config.subject}.${server.name}`, "", {
        timeout: Math.max(1, timeoutMs),
        headers: header,
      });
      return isStored(reply.string()) ? "ok" : "error";
    } catch (error) {
      this.#tell(server, error);
      return isTimeout(error) ? "timeout" : "error";
    }
  }

  /** Why publishes fail, once for each reason: the counters do not say it. */
  #tell(server: Branch, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#reasons.get(server.name) === reason) return;
    this.#reasons.set(server.name, reason);
    process.stderr.write(`${new Date().toISOString()} canary of ${server.name}: ${reason}\n`);
  }

  /** A connection to the server, else, as a client that lost it would, to the next one that can be reached. */
  async #connectionFor(preferred: Branch, timeoutMs: number): Promise<NatsConnection> {
    const others = this.#servers.filter((server) => server !== preferred);
    let failure: unknown;
    for (const server of [preferred, ...others]) {
      try {
        const connection = await this.#open(server, timeoutMs);
        if (!this.#down.has(connection)) return connection;
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? new BusError("ERR_CONNECT_REFUSED", "no server can be reached");
  }

  async #open(server: Branch, timeoutMs: number): Promise<NatsConnection> {
    const { caFile, credsFile, subject: _subject, intervalMs: _interval, ...given } = this.#config;
    const [ca, creds] = await Promise.all([caFile, credsFile].map((file) => (file === undefined ? undefined : readFile(file, "utf8"))));
    const spec = { ...given, servers: [server.clientUrl], ...(ca === undefined ? {} : { ca }), ...(creds === undefined ? {} : { creds }) };
    const connection = await openConnection({ ...spec, timeoutMs: Math.max(1, Math.floor(timeoutMs)) });
    if (!this.#watched.has(connection)) void this.#watch(connection);
    return connection;
  }

  async #watch(connection: NatsConnection): Promise<void> {
    this.#watched.add(connection);
    for await (const { type } of connection.status()) {
      if (type === "disconnect") this.#down.add(connection);
      if (type === "reconnect") this.#down.delete(connection);
    }
  }
}

/** Waits; the end of the probe ends the wait. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}

function isStored(answer: string): boolean {
  const { error, stream } = JSON.parse(answer) as { error?: unknown; stream?: string };
  return error === undefined && stream !== undefined;
}

function isTimeout(error: unknown): boolean {
  if (error instanceof BusError) return error.code === "ERR_CONNECT_TIMEOUT";
  return error instanceof Error && (error.name === "TimeoutError" || error.message.toLowerCase().includes("timeout"));
}
