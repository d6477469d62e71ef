/** `natsbus status` of a cluster that natsbus did not make: asked over NATS, as the stack file says. */
import { resolve } from "node:path";
import { observeExisting } from "../components/existing/observe.ts";
import { observeMonitoring } from "../components/process/monitoring/observe.ts";
import { closeConnections } from "../connection/pool.ts";
import { readAlerts } from "../probe/alerts.ts";
import { accountProblems, lookAtStackAccounts } from "./account-look.ts";
import { resolveConnection } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import { readAccess } from "./existing-access.ts";
import { EXIT } from "./exit-codes.ts";
import { findExistingProblems, renderExisting } from "./reporters/existing-status.ts";
import { monitoringOf, renderMonitoring } from "./reporters/monitoring.ts";
import type { Terminal } from "./terminal.ts";

/** Shows it. @returns the exit code */
export async function showExisting(place: BusPlace, { json }: { readonly json: boolean }, terminal: Terminal): Promise<number> {
  const { root, stack, bus } = place;
  try {
    const { system } = await readAccess(place);
    const connection = await resolveConnection(place, undefined);
    const status = await observeExisting({ connection, ...(system === undefined ? {} : { system }) }, bus.existing?.servers ?? []);
    const accounts = await lookAtStackAccounts(place);
    const problems = [...findExistingProblems(stack, bus, status), ...accountProblems(stack, accounts)];
    const watched = await observeMonitoring(resolve(root, ".natsbus", stack));
    const alerts =
      watched?.running.includes("prometheus") === true ? await readAlerts(watched.urls.prometheus, watched.cluster) : undefined;
    if (json) terminal.out(`${JSON.stringify({ stack, ...status, accounts, ...monitoringOf(watched, alerts), problems }, null, 2)}\n`);
    else terminal.out(renderExisting(status, problems, terminal.outPalette) + renderMonitoring(watched, alerts, terminal.outPalette));
    return problems.length === 0 ? EXIT.ok : EXIT.error;
  } finally {
    await closeConnections();
  }
}
