/** `natsbus verify --health`: gathers what the checks need, runs them, and tells the result in the words that are asked for. */
import { resolve } from "node:path";
import { inboxPrefix } from "../accounts/roles.ts";
import { askMonitor } from "../components/process/monitor.ts";
import { closeConnections } from "../connection/pool.ts";
import { DEFAULT_LIMITS } from "../operations/health/judge.ts";
import { askMeta, type MetaPage, metaOf } from "../operations/health/observe.ts";
import { exitCodeOf, type HealthState, healthDocument, renderNagios, renderText } from "../operations/health/result.ts";
import { checkHealth, type HealthContext } from "../operations/health/run.ts";
import { findUser, readBusFile, resolveConnection } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import { type ClusterOptions, resolveCluster } from "./cluster-access.ts";
import { loadDeclared } from "./declared.ts";
import { readAccess } from "./existing-access.ts";
import type { Palette } from "./reporters/palette.ts";
import { openBus } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** Role of the user that may ask the servers about themselves. */
const SYSTEM_ROLE = "monitoring";

/** How the result is told. */
interface HealthOptions extends ClusterOptions {
  readonly json?: boolean | undefined;
  readonly nagios?: boolean | undefined;
}

/**
 * Runs the health checks.
 * @returns exit code of monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown
 * @throws BusError what finding the bus throws; a bus that does not answer is a result
 */
export async function runHealth(options: HealthOptions, terminal: Terminal): Promise<number> {
  const results = await checkHealth(await gather(options, (text) => terminal.err(`note: ${text}\n`)));
  await closeConnections();
  if (options.json === true) terminal.out(`${JSON.stringify(healthDocument(results), null, 2)}\n`);
  else if (options.nagios === true) terminal.out(renderNagios(results));
  else terminal.out(renderText(results, painter(terminal.outPalette)));
  return exitCodeOf(results);
}

async function gather(options: HealthOptions, onNotice: (text: string) => void): Promise<HealthContext> {
  const admin = await resolveCluster(options);
  if (options.url !== undefined) return { admin, servers: [], credentials: {}, backlogLimits: {}, limits: DEFAULT_LIMITS };
  const place = await openBus(options);
  const { spec, streams } = await loadDeclared(options, onNotice);
  const declared = [...streams.streams, ...streams.keyValue, ...streams.objectStores].map((one) => one.spec.name);
  const limits = Object.entries(spec.monitoring.streams).flatMap(([stream, { backlogLimits }]) =>
    Object.entries(backlogLimits).map(([consumer, limit]) => [`${stream} > ${consumer}`, limit] as const),
  );
  const { existing } = place.bus;
  const servers = existing?.servers ?? place.bus.servers.map(({ name }) => name);
  const system = existing === undefined ? undefined : (await readAccess(place)).system;
  const meta = existing === undefined ? () => observeMeta(place) : system === undefined ? undefined : () => askMeta(system, servers);
  return {
    admin,
    ...(meta === undefined ? {} : { meta }),
    servers,
    credentials: await readCredentials(place),
    streams: declared,
    backlogLimits: Object.fromEntries(limits),
    limits: { ...DEFAULT_LIMITS, originLag: spec.monitoring.thresholds.originLag },
  };
}

/** Over the system account where there is one; else from the monitoring pages, which this machine can reach. */
async function observeMeta(place: BusPlace) {
  const { servers, users, caFile } = place.bus;
  const user = users.find(({ role }) => role === SYSTEM_ROLE);
  if (user !== undefined) {
    const system = await resolveConnection(place, findUser(place, user.name)?.name);
    return askMeta(
      { ...system, inboxPrefix: inboxPrefix(user.name) },
      servers.map(({ name }) => name),
    );
  }
  const ca = caFile === "" ? {} : { ca: await readBusFile(place, resolve(place.root, caFile)) };
  return metaOf(
    await Promise.all(
      servers.map(async ({ name, monitorUrl }) => [name, await askMonitor<MetaPage>({ url: monitorUrl, ...ca }, "/jsz")] as const),
    ),
  );
}

/** A file that cannot be read is bad news of its own: the check then finds no user in it. */
async function readCredentials(place: BusPlace): Promise<Readonly<Record<string, string>>> {
  const files = place.bus.users.filter(({ file }) => file !== "");
  const texts = await Promise.all(files.map(({ file }) => readBusFile(place, file).catch(() => "")));
  return Object.fromEntries(files.map(({ name }, index) => [name, texts[index] ?? ""]));
}

function painter(palette: Palette): (state: HealthState, text: string) => string {
  return (state, text) => (state === "OK" ? palette.create(text) : palette.error(text));
}
