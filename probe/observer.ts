/** Looks at every server again and again, and forgets at once what a server that does not answer said before. */
import { setTimeout as delay } from "node:timers/promises";
import type { ProbeServer } from "../observability/probe-config.ts";
import { readPages, type ServerPages } from "./pages.ts";

/** A server as last seen. */
export interface Seen {
  /** Server. */
  readonly server: ProbeServer;
  /** Its pages now; absent: it does not answer. */
  readonly pages?: ServerPages;
  /** Its pages one look earlier, for rates; absent: there are none. */
  readonly before?: ServerPages;
}

/** Watches the servers of one bus until it is stopped. */
export class Observer {
  readonly #servers: readonly ProbeServer[];
  readonly #pollMs: number;
  readonly #seen = new Map<string, Seen>();
  readonly #stop = new AbortController();
  readonly #loops: readonly Promise<void>[];

  constructor(servers: readonly ProbeServer[], pollMs: number) {
    this.#servers = servers;
    this.#pollMs = pollMs;
    this.#loops = servers.map((server) => this.#watch(server));
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

  async #watch(server: ProbeServer): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pages = await readPages(server).catch(() => undefined);
      const before = this.#seen.get(server.name)?.pages;
      this.#seen.set(server.name, { server, ...(pages === undefined ? {} : { pages, ...(before === undefined ? {} : { before }) }) });
      await delay(this.#pollMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}
