/** Looks at every server again and again, and forgets at once what a server that does not answer said before. */
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionSpec } from "../core/connection.ts";
import type { ProbeServer } from "../observability/probe-config.ts";
import type { ServerPages } from "./pages.ts";
import { readPages } from "./read-pages.ts";

/** A server as last seen. */
export interface Seen {
  /** Server. */
  readonly server: ProbeServer;
  /** Its pages now; absent: it does not answer. */
  readonly pages?: ServerPages;
  /** Its pages one look earlier, for rates; absent: there are none. */
  readonly before?: ServerPages;
}

// Pages are large: those of one server are taken apart before the next one's arrive.
const LARGEST_STAGGER_MS = 200;

/** Watches the servers of one bus until it is stopped. */
export class Observer {
  readonly #servers: readonly ProbeServer[];
  readonly #pollMs: number;
  readonly #system: ConnectionSpec | undefined;
  readonly #seen = new Map<string, Seen>();
  readonly #stop = new AbortController();
  readonly #loops: readonly Promise<void>[];

  /** @param system connection of a user of the system account, for servers without a monitor URL */
  constructor(servers: readonly ProbeServer[], pollMs: number, system?: ConnectionSpec) {
    this.#servers = servers;
    this.#pollMs = pollMs;
    this.#system = system;
    this.#loops = servers.map((server, index) => this.#watch(server, index));
  }

  /** Every server, first to last, as it is. */
  get seen(): readonly Seen[] {
    return this.#servers.map((server) => this.#seen.get(server.name) ?? { server });
  }

  /** Ends all looking. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #watch(server: ProbeServer, index: number): Promise<void> {
    await this.#pause(index * Math.min(LARGEST_STAGGER_MS, this.#pollMs / this.#servers.length));
    while (!this.#stop.signal.aborted) {
      const pages = await readPages(server, this.#system).catch(() => undefined);
      const before = this.#seen.get(server.name)?.pages;
      this.#seen.set(server.name, { server, ...(pages === undefined ? {} : { pages, ...(before === undefined ? {} : { before }) }) });
      await this.#pause(this.#pollMs);
    }
  }

  /** Waits; the end of the probe ends the wait. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
