/** Finds, starts, reloads and ends the processes that watch a bus. They outlive the process that started them, as the servers do. */
import { accessSync, constants } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BusError } from "../../../core/errors.ts";
import { endDaemon, startDaemon } from "../daemon.ts";
import { findByArguments, isAlive, type ProcessIdentity, signalProcess } from "../host-process.ts";
import { findTakenPort } from "../port-owner.ts";
import { replaceFile } from "../private-file.ts";
import type { Watcher, WatcherState } from "./plan.ts";
import { WATCHER_HOST } from "./spec.ts";

const RECORD_FILE = "process.json";
const OUTPUT_FILE = "output.log";
const READY_MS = 60_000;
const POLL_MS = 50;
const TAIL_LINES = 5;

interface WatcherRecord extends ProcessIdentity {
  readonly args: readonly string[];
}

/** A watcher as it is. */
export async function observeWatcher(watcher: Watcher, root: string): Promise<WatcherState> {
  const [record, stale] = await Promise.all([findWatcher(watcher), isStale(watcher, root)]);
  const program = findProgram(watcher.programs);
  return { stale, ...(program === undefined ? {} : { program }), ...(record === undefined ? {} : { args: record.args }) };
}

/**
 * Starts a watcher; see {@link waitWatcher} for readiness.
 * @throws ERR_PORT_IN_USE, ERR_MONITORING_START
 */
export async function startWatcher(watcher: Watcher, program: string): Promise<void> {
  const { name, folder, args, port } = watcher;
  const taken = await findTakenPort({ name, host: WATCHER_HOST, ports: [port] });
  if (taken !== undefined)
    throw new BusError("ERR_PORT_IN_USE", taken, {
      path: `monitoring.ports.${name}`,
      remedy: "end that process, or set another port under natsbus:monitoring ports",
    });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Small memory: one arena for all threads, and the code that was compiled before.
  const env = { MALLOC_ARENA_MAX: "1", ...compileCache() };
  const identity = await startDaemon({ folder, program, args, output: OUTPUT_FILE, env });
  if (identity === undefined) throw await startFailure(watcher);
  await replaceFile(join(folder, RECORD_FILE), `${JSON.stringify({ ...identity, args })}\n`);
}

/** Makes a watcher read its files again. @throws ERR_MONITORING_START when it refuses them */
export async function reloadWatcher(watcher: Watcher): Promise<void> {
  const record = await findWatcher(watcher);
  if (record === undefined) return;
  const since = Date.now() / 1000 - 1;
  await signalProcess(record, "SIGHUP");
  await waitFor(watcher, async () => {
    const text = await page(watcher, "/metrics");
    const at = Number(/^\w*config_last_reload_success_timestamp_seconds (\S+)$/m.exec(text ?? "")?.[1] ?? 0);
    return at >= since;
  });
}

/** Ends a watcher; one that does not run is fine. @throws ERR_SERVER_STOP */
export async function endWatcher(watcher: Pick<Watcher, "folder" | "args">): Promise<void> {
  const record = await findWatcher(watcher);
  if (record !== undefined) await endDaemon(record, watcher.folder);
  await rm(join(watcher.folder, RECORD_FILE), { force: true });
}

/** Whether a watcher runs. */
export async function isRunning(watcher: Pick<Watcher, "folder" | "args">): Promise<boolean> {
  return (await findWatcher(watcher)) !== undefined;
}

/** Waits until a watcher answers that it is ready. @throws ERR_MONITORING_START */
export function waitWatcher(watcher: Watcher): Promise<void> {
  return waitFor(watcher, async () => (await page(watcher, "/-/ready")) !== undefined);
}

/** A port that somebody else holds, in words; `undefined` when the watcher runs or can start. */
export async function findPortTrouble(watcher: Watcher): Promise<string | undefined> {
  if ((await findWatcher(watcher)) !== undefined) return undefined;
  return findTakenPort({ name: watcher.name, host: WATCHER_HOST, ports: [watcher.port] });
}

async function findWatcher({ folder, args }: Pick<Watcher, "folder" | "args">): Promise<WatcherRecord | undefined> {
  const record = await readRecord(folder);
  if (record !== undefined && (await isAlive(record))) return record;
  const found = await findByArguments(folder, args.slice(-1));
  // Its start was never written down: what it was started with is not known, so it will be started anew.
  return found === undefined ? undefined : { ...found, args: [] };
}

async function readRecord(folder: string): Promise<WatcherRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(folder, RECORD_FILE), "utf8")) as Partial<WatcherRecord>;
    return typeof record.pid === "number" && typeof record.startTime === "string" ? (record as WatcherRecord) : undefined;
  } catch {
    return undefined;
  }
}

async function isStale(watcher: Watcher, root: string): Promise<boolean> {
  const texts = await Promise.all(watcher.files.map(({ path }) => readFile(join(root, path), "utf8").catch(() => undefined)));
  return texts.some((text, index) => text !== watcher.files[index]?.content);
}

function findProgram(programs: readonly string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = programs.flatMap((program) => (isAbsolute(program) ? [program] : folders.map((folder) => join(folder, program))));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function waitFor(watcher: Watcher, isDone: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + READY_MS;
  while (!(await isDone())) {
    if ((await findWatcher(watcher)) === undefined || performance.now() >= until) throw await startFailure(watcher);
    await delay(POLL_MS);
  }
}

async function page({ port }: Watcher, path: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${WATCHER_HOST}:${port}${path}`, { signal: AbortSignal.timeout(2_000) });
    const text = await answer.text();
    return answer.ok ? text : undefined;
  } catch {
    return undefined;
  }
}

async function startFailure({ name, folder }: Watcher): Promise<BusError> {
  const said = await readFile(join(folder, OUTPUT_FILE), "utf8").catch(() => "");
  const words = said.split("\n").filter((line) => line.trim() !== "");
  return new BusError("ERR_MONITORING_START", `${name} does not run: ${words.slice(-TAIL_LINES).join(" · ") || "it said nothing"}`, {
    remedy: `look into ${join(folder, OUTPUT_FILE)}, correct what it complains about, and run the command again`,
  });
}

function compileCache(): Readonly<Record<string, string>> {
  const folder = process.env["NODE_COMPILE_CACHE"];
  return folder === undefined || folder === "" ? {} : { NODE_COMPILE_CACHE: folder };
}
