/** Reads the monitoring pages of a server. */
import { readFile } from "node:fs/promises";
import { askMonitor, type MonitorAddress } from "../components/process/monitor.ts";
import type { ProbeServer } from "../observability/probe-config.ts";
import { keepJsz } from "./keep.ts";
import type { AccountStatPage, HealthPage, JszPage, ServerPages, VarzPage } from "./pages.ts";

/** Asks a server for every page. @returns `undefined` when it does not answer, or another server does */
export async function readPages(server: ProbeServer): Promise<ServerPages | undefined> {
  const address = await addressOf(server);
  const [varz, jsz, health, enabledHealth, metaHealth, accounts, wantedDigest] = await Promise.all([
    askMonitor<VarzPage>(address, "/varz"),
    // Kept small at once: the whole page is large, and those of the other servers come in beside it.
    askMonitor<JszPage>(address, "/jsz?consumers=true&config=true&raft=true").then((page) =>
      page === undefined ? undefined : keepJsz(page),
    ),
    askMonitor<HealthPage>(address, "/healthz"),
    askMonitor<HealthPage>(address, "/healthz?js-enabled-only=true"),
    askMonitor<HealthPage>(address, "/healthz?js-meta-only=true"),
    askMonitor<{ readonly account_statz?: readonly AccountStatPage[] }>(address, "/accstatz?unused=1"),
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

async function addressOf({ monitorUrl, monitorCaFile }: ProbeServer): Promise<MonitorAddress> {
  const ca = monitorCaFile === undefined ? undefined : await readFile(monitorCaFile, "utf8").catch(() => undefined);
  return { url: monitorUrl, ...(ca === undefined ? {} : { ca }) };
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
