/** The gate over the system account: what the servers say, and a reload that is known to have happened. Needs no monitor port, so that it serves every target. */
import { setTimeout as delay } from "node:timers/promises";
import { askServers, requestReload, type SystemAnswer } from "../../connection/system-account.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { isBusError } from "../../core/errors.ts";
import type { NodeView } from "./blockers.ts";
import type { Healthz, Jsz, Varz } from "./server-pages.ts";

const ANSWER_MS = 2_000;
const RETRY_MS = 500;
const ALL_ASSETS = { accounts: true, streams: true, consumer: true, config: true };

/**
 * Asks the named servers as `NodeView` wants it. A cluster that cannot be reached at the moment is one whose servers are all silent.
 * @param assets also ask for every stream and consumer
 * @throws ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS: waiting cures neither
 */
export async function observeServers(connection: ConnectionSpec, servers: readonly string[], assets: boolean): Promise<NodeView[]> {
  const question = { servers, timeoutMs: ANSWER_MS };
  const [pages, health] = await whenReachable(
    Promise.all([
      askServers<Jsz>(connection, { ...question, page: "JSZ", ...(assets ? { options: ALL_ASSETS } : {}) }),
      assets || servers.length === 1 ? askServers<Healthz>(connection, { ...question, page: "HEALTHZ" }) : undefined,
    ]),
  );
  return servers.map((name) => {
    const jsz = pages?.get(name)?.data;
    const healthz = health?.get(name)?.data;
    return { name, ...(jsz === undefined ? {} : { jsz }), ...(healthz === undefined ? {} : { health: healthz }) };
  });
}

/** Each named server's own description.
 * @returns Map keyed by server name; those that do not answer are missing
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT */
export function describeServers(connection: ConnectionSpec, servers: readonly string[]): Promise<Map<string, SystemAnswer<Varz>>> {
  return askServers<Varz>(connection, { page: "VARZ", servers, timeoutMs: ANSWER_MS });
}

/** A server that did not take its new configuration over. */
export interface ReloadRefusal {
  /** Server name. */
  readonly name: string;
  /** Why: the server's words, or that it still reports another digest. */
  readonly reason: string;
}

/** What servers must report once they have taken their new configuration over. */
export interface ReloadOptions {
  /** How to reach a user of the system account. */
  readonly connection: ConnectionSpec;
  /** Map keyed by server name: `config_digest` of the new configuration. */
  readonly digests: Readonly<Record<string, string>>;
  /** Longest wait for one server, in milliseconds: its new file may need a while to arrive.
   * @default 10000 */
  readonly timeoutMs?: number;
}

/**
 * Has every server read its configuration again, until it reports the digest of the new one.
 * @returns the servers that did not: they need a restart, or their configuration has not arrived
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function reloadServers(options: ReloadOptions): Promise<ReloadRefusal[]> {
  const results = await Promise.all(Object.entries(options.digests).map(([name, digest]) => reloadUntil(name, digest, options)));
  return results.filter((result) => result !== undefined);
}

async function reloadUntil(
  name: string,
  digest: string,
  { connection, timeoutMs = 10_000 }: ReloadOptions,
): Promise<ReloadRefusal | undefined> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const server = (await describeServers(connection, [name])).get(name);
    if (server?.data?.config_digest === digest) return undefined;
    const refusal = server === undefined ? undefined : await requestReload(connection, server.id);
    if (refusal !== undefined) return { name, reason: refusal };
    const reported = server === undefined ? undefined : (await describeServers(connection, [name])).get(name)?.data?.config_digest;
    if (reported === digest) return undefined;
    if (performance.now() >= until) return { name, reason: explainDigest(reported, digest) };
    await delay(RETRY_MS);
  }
}

function explainDigest(reported: string | undefined, wanted: string): string {
  return reported === undefined ? "it does not answer" : `it runs with the configuration ${reported}, not ${wanted}`;
}

/** A cluster that restarts may be unreachable for a moment; wrong credentials stay wrong. */
async function whenReachable<T extends readonly unknown[]>(asked: Promise<T>): Promise<T | []> {
  try {
    return await asked;
  } catch (error) {
    if (isBusError(error) && (error.code === "ERR_CONNECT_CREDENTIALS" || error.code === "ERR_CONNECT_TLS")) throw error;
    return [];
  }
}
