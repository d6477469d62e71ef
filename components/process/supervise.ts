/** Starts, finds, reloads and stops the servers of this machine. A server outlives the process that started it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BusError } from "../../core/errors.ts";
import { endDaemon, startDaemon } from "./daemon.ts";
import { type ProcessIdentity, signalProcess, waitGone } from "./host-process.ts";
import { assertPortsFree, findTakenPort } from "./port-owner.ts";
import { CONFIG_FILE, findServer, forgetRecord, type ServerRecord, writeRecord } from "./server-record.ts";

const OUTPUT_FILE = "nats.out";
const LOG_FILE = "nats.log";
const TAIL_LINES = 5;

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
 * Starts a node's server detached from this process, in its own session and with none of this process's environment.
 * The caller has made sure that none runs. Returns as soon as the process exists; see `waitReady` for readiness.
 * @throws ERR_PORT_IN_USE, ERR_SERVER_START
 */
export async function startServer(launch: ServerLaunch): Promise<ServerRecord> {
  await assertPortsFree(launch);
  const { folder, binary } = launch;
  try {
    const args = ["-c", join(folder, CONFIG_FILE)];
    const identity = await startDaemon({ folder, program: binary, args, output: OUTPUT_FILE, env: serverEnvironment(launch) });
    return await recordServer(launch, identity);
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw new BusError("ERR_SERVER_START", `server ${launch.name}: ${launch.binary} cannot be run: ${messageOf(error)}`, { cause: error });
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
  if (sent && (await waitGone(record, waitMs))) await forgetRecord(folder);
  else await endServer(record, folder);
}

/** Ends a server with SIGTERM, and with SIGKILL when it does not listen. A server that is gone is fine.
 * @throws ERR_SERVER_STOP */
export async function endServer(record: ProcessIdentity, folder: string): Promise<void> {
  await endDaemon(record, folder);
  await forgetRecord(folder);
}

async function recordServer(launch: ServerLaunch, identity: ProcessIdentity | undefined): Promise<ServerRecord> {
  if (identity === undefined) throw await startFailure(launch);
  const record = { ...identity, version: launch.version, binary: launch.binary, port: launch.ports[0] ?? 0 };
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

/** Limits of the process; the Go runtime reads them. */
function serverEnvironment(launch: ServerLaunch): Record<string, string> {
  const memory = launch.memoryBytes === undefined ? [] : [["GOMEMLIMIT", `${launch.memoryBytes}B`] as const];
  const cores = launch.cpu === undefined ? [] : [["GOMAXPROCS", String(Math.max(1, Math.ceil(launch.cpu)))] as const];
  return Object.fromEntries([...memory, ...cores]);
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
