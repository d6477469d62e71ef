/** Reads the pages of a server: from its monitor port where that is known, else over the system account. */
import { readFile } from "node:fs/promises";
import { askMonitor, type MonitorAddress } from "../components/process/monitor.ts";
import { openConnection } from "../connection/pool.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import type { ProbeServer } from "../observability/probe-config.ts";
import { keepJsz } from "./keep.ts";
import type { AccountStatPage, HealthPage, JszPage, ServerPages, VarzPage } from "./pages.ts";

const SYSTEM_TIMEOUT_MS = 2_000;

/** One page in both ways of asking for it. */
interface Page {
  /** Path on the monitor port. */
  readonly path: string;
  /** Subject of the system account; one server alone answers. */
  readonly subject: string;
  /** Options by the names the system account knows. */
  readonly options?: Readonly<Record<string, boolean>>;
}

type Ask = <T>(page: Page) => Promise<T | undefined>;

const HEALTH = { path: "/healthz", subject: "$SYS.REQ.SERVER.PING.HEALTHZ" };
const PAGES = {
  varz: { path: "/varz", subject: "$SYS.REQ.SERVER.PING.VARZ" },
  jsz: {
    path: "/jsz?consumers=true&config=true&raft=true",
    subject: "$SYS.REQ.SERVER.PING.JSZ",
    options: { accounts: true, streams: true, consumer: true, config: true, raft: true },
  },
  health: HEALTH,
  enabledHealth: { ...HEALTH, path: `${HEALTH.path}?js-enabled-only=true`, options: { "js-enabled-only": true } },
  metaHealth: { ...HEALTH, path: `${HEALTH.path}?js-meta-only=true`, options: { "js-meta-only": true } },
  accounts: { path: "/accstatz?unused=1", subject: "$SYS.REQ.ACCOUNT.PING.STATZ", options: { include_unused: true } },
} satisfies Record<string, Page>;

/**
 * Asks a server for every page.
 * @param system connection of a user of the system account, for a server without a monitor URL
 * @returns `undefined` when it does not answer, or another server does
 */
export async function readPages(server: ProbeServer, system?: ConnectionSpec): Promise<ServerPages | undefined> {
  const ask = await asker(server, system);
  const [varz, jsz, health, enabledHealth, metaHealth, accounts, wantedDigest] = await Promise.all([
    ask<VarzPage>(PAGES.varz),
    // Kept small at once: the whole page is large, and those of the other servers come in beside it.
    ask<JszPage>(PAGES.jsz).then((page) => (page === undefined ? undefined : keepJsz(page))),
    ask<HealthPage>(PAGES.health),
    ask<HealthPage>(PAGES.enabledHealth),
    ask<HealthPage>(PAGES.metaHealth),
    ask<{ readonly account_statz?: readonly AccountStatPage[] }>(PAGES.accounts),
    readDigest(server.noteFile),
  ]);
  if (varz === undefined || varz.server_name !== server.name) return undefined;
  return {
    at: Date.now(),
    varz,
    ...(jsz === undefined ? {} : { jsz }),
    ...(health === undefined ? {} : { health }),
    ...(enabledHealth === undefined ? {} : { enabledHealth }),
    ...(metaHealth === undefined ? {} : { metaHealth }),
    ...(accounts?.account_statz === undefined ? {} : { accounts: accounts.account_statz }),
    ...(wantedDigest === undefined ? {} : { wantedDigest }),
  };
}

async function asker({ name, monitorUrl, monitorCaFile }: ProbeServer, system: ConnectionSpec | undefined): Promise<Ask> {
  if (monitorUrl !== undefined) {
    const address = await addressOf(monitorUrl, monitorCaFile);
    return ({ path }) => askMonitor(address, path);
  }
  return system === undefined ? async () => undefined : (page) => askSystem(system, name, page);
}

/** Every server hears the question, and the one that is named answers. */
async function askSystem<T>(system: ConnectionSpec, name: string, { subject, options }: Page): Promise<T | undefined> {
  const question = JSON.stringify({ server_name: name, exact_match: true, ...options });
  try {
    const connection = await openConnection({ ...system, timeoutMs: SYSTEM_TIMEOUT_MS });
    const answer = await connection.request(subject, question, { timeout: SYSTEM_TIMEOUT_MS });
    return answer.json<{ readonly data?: T }>().data;
  } catch {
    return undefined;
  }
}

async function addressOf(url: string, caFile: string | undefined): Promise<MonitorAddress> {
  const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8").catch(() => undefined);
  return { url, ...(ca === undefined ? {} : { ca }) };
}

async function readDigest(noteFile: string | undefined): Promise<string | undefined> {
  if (noteFile === undefined) return undefined;
  const text = await readFile(noteFile, "utf8").catch(() => "{}");
  try {
    return (JSON.parse(text) as { digest?: string }).digest;
  } catch {
    return undefined;
  }
}
