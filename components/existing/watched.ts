/** Finds out how each server of an existing cluster can be watched and published through: whose monitor a URL is, and whose client port. Changes nothing. */
import { openConnection } from "../../connection/pool.ts";
import { discoverServers } from "../../connection/system-account.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../../core/connection.ts";
import { BusError } from "../../core/errors.ts";
import type { ProbeServer } from "../../observability/probe-config.ts";
import { askMonitor } from "../process/monitor.ts";
import type { ExistingAccess } from "./access.ts";

/** What is known of the servers for whoever watches them. */
export interface WatchedServers {
  /** Every server, by name. */
  readonly servers: readonly ProbeServer[];
  /** Account the streams live in, by the name the servers show; absent: one of the catalogue. */
  readonly account?: string;
  /** Whether clients are encrypted. */
  readonly encrypted: boolean;
}

/** What is asked of whom. */
export interface WatchQuestion {
  /** How the cluster is reached. */
  readonly access: ExistingAccess;
  /** Monitor URLs as given. */
  readonly monitorUrls: readonly string[];
  /** Number of servers. */
  readonly expected: number;
}

interface Described {
  readonly server_name?: string;
  readonly cluster?: { readonly name?: string };
}

interface UserInfo {
  readonly data?: { readonly account?: string; readonly account_name?: string };
}

/**
 * @throws ERR_EXISTING_MONITOR when a monitor URL does not answer as one of the servers, ERR_EXISTING_SERVERS when a server that is expected is not known by any way,
 *   ERR_CONNECT_REFUSED and its siblings
 */
export async function lookAtWatched({ access, monitorUrls, expected }: WatchQuestion): Promise<WatchedServers> {
  const { connection, system, signingSeed } = access;
  const known = system === undefined ? undefined : await namesOver(system, expected);
  const monitors = await Promise.all(monitorUrls.map((url) => nameOfMonitor(url, connection.ca)));
  const monitorOf = pairUp(monitorUrls, monitors, known ?? []);
  assertMonitors(monitorUrls, monitorOf, known);
  const names = known ?? [...monitorOf.keys()].sort();
  if (names.length < expected) throw tooFew(names, expected);
  const way = system ?? connection;
  const clients = await Promise.all(connection.servers.map((url) => nameOfClient({ ...way, servers: [url] })));
  const clientOf = pairUp(connection.servers, clients, names);
  const { info } = await openConnection(way);
  return {
    servers: names.map((name) => {
      const [clientUrl, monitorUrl] = [clientOf.get(name), monitorOf.get(name)];
      return { name, ...(clientUrl === undefined ? {} : { clientUrl }), ...(monitorUrl === undefined ? {} : { monitorUrl }) };
    }),
    ...(signingSeed === undefined ? { account: await accountOf(connection) } : {}),
    encrypted: info?.tls_required === true,
  };
}

/**
 * Which URL belongs to which name. One that did not say belongs to the one name that is left, if only one is left of both: a server that is down for a moment changes nothing.
 * @param found what each URL said
 * @param names names there are; none: not known
 * @returns Map keyed by name; of two URLs with one name the first
 */
export function pairUp(
  urls: readonly string[],
  found: readonly (string | undefined)[],
  names: readonly string[],
): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const [index, name] of found.entries()) if (name !== undefined && !pairs.has(name)) pairs.set(name, urls[index] as string);
  const silent = urls.filter((_, index) => found[index] === undefined);
  const left = names.filter((name) => !pairs.has(name));
  const [url, name] = [silent[0], left[0]];
  if (silent.length === 1 && left.length === 1 && url !== undefined && name !== undefined) pairs.set(name, url);
  return pairs;
}

function assertMonitors(urls: readonly string[], monitorOf: ReadonlyMap<string, string>, known: readonly string[] | undefined): void {
  const of = new Map([...monitorOf].map(([name, url]) => [url, name]));
  for (const [index, url] of urls.entries()) {
    const name = urls.indexOf(url) === index ? of.get(url) : undefined;
    if (name !== undefined && (known === undefined || known.includes(name))) continue;
    const what =
      name === undefined
        ? "does not answer as the monitor of a server of its own"
        : `is the monitor of ${name}, which is no server of this cluster`;
    throw new BusError("ERR_EXISTING_MONITOR", `existing.monitorUrls.${index}: ${url} ${what}`, {
      path: `existing.monitorUrls.${index}`,
      remedy: "name the monitor port of a server that runs, one URL a server; with a login under existing.system they can be left out",
    });
  }
}

function tooFew(names: readonly string[], expected: number): BusError {
  return new BusError("ERR_EXISTING_SERVERS", `${names.length} of ${expected} servers can be watched: ${names.join(", ")}`, {
    path: "cluster.servers",
    remedy: "start the others, or set natsbus:cluster servers to the number there are",
  });
}

/** Names of the servers of the cluster that answers; servers behind gateways and leaf nodes have meta groups of their own. */
async function namesOver(system: ConnectionSpec, expected: number): Promise<readonly string[]> {
  const { info } = await openConnection(system);
  const question = { page: "VARZ", atLeast: expected, timeoutMs: system.timeoutMs ?? DEFAULT_TIMEOUT_MS } as const;
  const answers = [...(await discoverServers<Described>(system, question)).values()];
  return answers
    .filter(({ data }) => (data?.cluster?.name ?? "") === (info?.cluster ?? ""))
    .map(({ name }) => name)
    .sort();
}

async function nameOfMonitor(url: string, ca: string | undefined): Promise<string | undefined> {
  return (await askMonitor<Described>({ url, ...(ca === undefined ? {} : { ca }) }, "/varz"))?.server_name;
}

/** A server that is down says nothing. */
async function nameOfClient(spec: ConnectionSpec): Promise<string | undefined> {
  return openConnection(spec).then(
    ({ info }) => info?.server_name,
    () => undefined,
  );
}

async function accountOf(connection: ConnectionSpec): Promise<string> {
  const open = await openConnection(connection);
  const answer = await open.request("$SYS.REQ.USER.INFO", "", { timeout: connection.timeoutMs ?? DEFAULT_TIMEOUT_MS });
  const { data } = answer.json<UserInfo>();
  return data?.account_name ?? data?.account ?? "$G";
}
