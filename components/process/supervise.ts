/** Starts, finds, reloads and stops the servers of this machine. A server outlives the process that started it. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BusError } from "../../core/errors.ts";
import { findServerProcess, isAlive, type ProcessIdentity, readProgram, readStartTime, signalProcess, waitGone } from "./host-process.ts";
import { describeOwner, findPortOwner, isPortFree } from "./port-owner.ts";

/** Name of a node's configuration file. */
export const CONFIG_FILE = "nats.conf";
const RECORD_FILE = "server.json";
const OUTPUT_FILE = "nats.out";
const LOG_FILE = "nats.log";
const TERM_WAIT_MS = 10_000;
const KILL_WAIT_MS = 5_000;
const TAIL_LINES = 5;

/** What is written down about a running server. */
export interface ServerRecord extends ProcessIdentity {
  /** nats-server version. */
  readonly version: string;
  /** Binary it runs. */
  readonly binary: string;
  /** Client port. */
  readonly port: number;
}

/** How to start one server. */
export interface ServerLaunch {
  /** Server name, for messages. */
  readonly name: string;
  /** Absolute path of the node's folder; the server works in it. */
  readonly folder: string;
  /** nats-server binary. */
  readonly binary: string;
  /** Its version. */
  readonly version: string;
  /** Address every listener binds to. */
  readonly host: string;
  /** Every port the server will listen on; the first is the client port. */
  readonly ports: readonly number[];
  /** Soft memory limit (`GOMEMLIMIT`) in bytes.
   * @default - none */
  readonly memoryBytes?: number;
  /** Cores (`GOMAXPROCS`); rounded up.
   * @default - all */
  readonly cpu?: number;
}

/**
 * The node's running server, also one whose start was never recorded because its starter was killed. Looks only.
 * @returns `undefined` when none runs
 */
export async function findServer(folder: string): Promise<ServerRecord | undefined> {
  const record = await readRecord(folder);
  if (record !== undefined && (await isAlive(record))) return record;
  const found = await findServerProcess(folder, join(folder, CONFIG_FILE));
  if (found === undefined || found.folderGone) return undefined;
  // The start was cut short before it was written down, or the note was lost: the process itself says what it runs.
  const { pid, startTime } = found;
  return { pid, startTime, version: record?.version ?? "", port: record?.port ?? 0, binary: readProgram(pid) };
}

/** Whether a server of this node still runs although its folder was removed: whatever it would store is lost, and it holds the ports. */
export async function findStray(folder: string): Promise<ProcessIdentity | undefined> {
  const found = await findServerProcess(folder, join(folder, CONFIG_FILE));
  return found?.folderGone === true ? found : undefined;
}

/**
 * Starts a node's server detached from this process, in its own session and with none of this process's environment.
 * The caller has made sure that none runs. Returns as soon as the process exists; see `waitReady` for readiness.
 * @throws ERR_PORT_IN_USE, ERR_SERVER_START
 */
export async function startServer(launch: ServerLaunch): Promise<ServerRecord> {
  await assertPortsFree(launch);
  const output = openSync(join(launch.folder, OUTPUT_FILE), "w", 0o600);
  try {
    const child = spawn(launch.binary, ["-c", join(launch.folder, CONFIG_FILE)], {
      cwd: launch.folder,
      detached: true,
      stdio: ["ignore", output, output],
      env: serverEnvironment(launch),
    });
    await once(child, "spawn");
    child.unref();
    return await recordServer(launch, child.pid ?? 0);
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw new BusError("ERR_SERVER_START", `server ${launch.name}: ${launch.binary} cannot be run: ${messageOf(error)}`, { cause: error });
  } finally {
    closeSync(output);
  }
}

/** Throws when the node's server is gone, saying what it said last.
 * @throws ERR_PORT_IN_USE, ERR_SERVER_START */
export async function assertRuns(launch: ServerLaunch): Promise<void> {
  if ((await findServer(launch.folder)) === undefined) throw await startFailure(launch);
}

/** Tells a server to read its configuration again; `waitReloaded` in rollout.ts sees whether it did. */
export async function reloadServer(record: ServerRecord): Promise<boolean> {
  return signalProcess(record, "SIGHUP");
}

/**
 * Ends a server in lame duck mode: it hands its Raft leaderships and clients to the others first.
 * @param waitMs longest wait for it to leave by itself, after which it is ended as {@link endServer} does
 */
export async function retireServer(record: ProcessIdentity, folder: string, waitMs: number): Promise<void> {
  const sent = await signalProcess(record, "SIGUSR2");
  if (sent && (await waitGone(record, waitMs))) await forget(folder);
  else await endServer(record, folder);
}

/** Ends a server with SIGTERM, and with SIGKILL when it does not listen. A server that is gone is fine.
 * @throws ERR_SERVER_STOP */
export async function endServer(record: ProcessIdentity, folder: string): Promise<void> {
  for (const [signal, waitMs] of [["SIGTERM", TERM_WAIT_MS] as const, ["SIGKILL", KILL_WAIT_MS] as const]) {
    const sent = await signalProcess(record, signal);
    if (!sent || (await waitGone(record, waitMs))) return forget(folder);
  }
  throw new BusError("ERR_SERVER_STOP", `process ${record.pid} in ${folder} does not end, not even by SIGKILL`, {
    remedy: "look at the process with ps; it may hang in the operating system",
  });
}

/** Throws unless every port of the launch can be listened on.
 * @throws ERR_PORT_IN_USE naming the port and its owner */
export async function assertPortsFree(launch: ServerLaunch): Promise<void> {
  const taken = await findTakenPort(launch);
  if (taken === undefined) return;
  throw new BusError("ERR_PORT_IN_USE", `server ${taken}`, {
    path: "process.ports",
    remedy: "end that process, or give the servers other ports under natsbus:process in the stack file",
  });
}

/** Which port of the launch somebody else listens on, and who, in words; `undefined` when all are free. */
export async function findTakenPort(launch: ServerLaunch): Promise<string | undefined> {
  for (const port of launch.ports) {
    if (await isPortFree(launch.host, port)) continue;
    const owner = describeOwner(await findPortOwner(port));
    return `${launch.name} cannot listen on ${launch.host}:${port}: the port is taken by ${owner}`;
  }
  return undefined;
}

async function recordServer(launch: ServerLaunch, pid: number): Promise<ServerRecord> {
  const startTime = await readStartTime(pid);
  if (startTime === undefined) throw await startFailure(launch);
  const record = { pid, startTime, version: launch.version, binary: launch.binary, port: launch.ports[0] ?? 0 };
  await writeRecord(launch.folder, record);
  return record;
}

/** Why a server that was started does not run: a port somebody else took meanwhile, else what it said. */
async function startFailure(launch: ServerLaunch): Promise<BusError> {
  const taken = await findTakenPort(launch);
  const said = taken ?? `${launch.name} ended right after its start: ${await lastWords(launch.folder)}`;
  return new BusError(taken === undefined ? "ERR_SERVER_START" : "ERR_PORT_IN_USE", `server ${said}`, {
    remedy: "correct what it complains about, and run the command again",
  });
}

/** Writes down a running server. */
export async function writeRecord(folder: string, record: ServerRecord): Promise<void> {
  const temporary = join(folder, `${RECORD_FILE}.${randomBytes(4).toString("hex")}.tmp`);
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, join(folder, RECORD_FILE));
}

async function readRecord(folder: string): Promise<ServerRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(folder, RECORD_FILE), "utf8")) as Partial<ServerRecord>;
    const { pid, startTime, version = "", binary = "", port = 0 } = record;
    return Number.isInteger(pid) && pid !== undefined && typeof startTime === "string"
      ? { pid, startTime, version, binary, port }
      : undefined;
  } catch {
    // A missing or damaged record is replaced by looking at the processes.
    return undefined;
  }
}

async function forget(folder: string): Promise<void> {
  await rm(join(folder, RECORD_FILE), { force: true });
}

/** Only what a server needs: the caller's environment holds passphrases, and a detached process keeps its own for its whole life. */
function serverEnvironment(launch: ServerLaunch): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "TMPDIR", "TZ", "LANG"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const memory = launch.memoryBytes === undefined ? [] : [["GOMEMLIMIT", `${launch.memoryBytes}B`] as const];
  const cores = launch.cpu === undefined ? [] : [["GOMAXPROCS", String(Math.max(1, Math.ceil(launch.cpu)))] as const];
  return Object.fromEntries([...kept, ...memory, ...cores]);
}

/** What a server said last: why it refused to start, else its latest complaints, else its latest lines. */
async function lastWords(folder: string): Promise<string> {
  const [output = "", log = ""] = await Promise.all(
    [OUTPUT_FILE, LOG_FILE].map((file) => readFile(join(folder, file), "utf8").catch(() => "")),
  );
  const latest = log.slice(Math.max(0, log.lastIndexOf("Starting nats-server")));
  const complaints = latest.split("\n").filter((line) => /\[(?:FTL|ERR)\]/.test(line));
  const candidates = [output.split("\n"), complaints, latest.split("\n")].map((lines) => lines.filter((line) => line.trim() !== ""));
  const words = candidates.find((lines) => lines.length > 0) ?? [];
  return words.slice(-TAIL_LINES).join(" · ") || "it said nothing";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
