/** Processes of this machine, told apart from others that later got the same pid. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const POLL_MS = 10;
// Field 22 counted from the first field after the command, which stands in brackets and may hold blanks.
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;
const DELETED = " (deleted)";

/** A process that can be recognised later: the pid alone may be reused. */
export interface ProcessIdentity {
  /** Process id. */
  readonly pid: number;
  /** When it started, in the machine's own words: boot id and ticks on Linux, a date elsewhere. Compared, never computed with. */
  readonly startTime: string;
}

/** A process found by where it works. */
interface FoundProcess extends ProcessIdentity {
  /** Whether its working folder was removed under it, so that it holds files nobody else can see. */
  readonly folderGone: boolean;
}

/** When the process with this pid started; `undefined` when there is none or it has ended and only waits to be collected. */
export async function readStartTime(pid: number): Promise<string | undefined> {
  return process.platform === "linux" ? readProcStartTime(pid) : readPsStartTime(pid);
}

/** Whether exactly this process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await readStartTime(identity.pid)) === identity.startTime;
}

/** Signals exactly this process; a pid that now belongs to another one is left alone.
 * @returns whether it was there to be signalled */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (isCode(error, "ESRCH")) return false;
    throw error;
  }
}

/** Waits until the process is gone. @returns false when it still runs after `timeoutMs` */
export async function waitGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (performance.now() >= until) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Path of the program a process runs, empty when this machine does not tell. */
export function readProgram(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

/**
 * Finds the process that was started to work in a folder although nothing recorded it: by the folder and its last arguments.
 * @param folder absolute path of the folder
 * @param args its last arguments, for instance `-c` and the absolute path of the node's configuration; they name what belongs to this folder alone
 */
export async function findByArguments(folder: string, args: readonly string[]): Promise<FoundProcess | undefined> {
  return process.platform === "linux" ? findInProc(folder, args) : findWithPs(args);
}

function readProcStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[STATE_FIELD] === "Z" || fields[STATE_FIELD] === "X") return undefined;
    return `${bootId()}:${fields[START_TIME_FIELD]}`;
  } catch {
    return undefined;
  }
}

// Ticks count from the start of the machine, so that without the boot a process of today could look like one of last week.
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
}

async function readPsStartTime(pid: number): Promise<string | undefined> {
  const line = await outputOf("ps", ["-o", "stat=,lstart=", "-p", String(pid)]);
  const [state, ...started] = line.trim().split(/\s+/);
  return state === undefined || state === "" || state.startsWith("Z") ? undefined : started.join(" ");
}

function findInProc(folder: string, args: readonly string[]): FoundProcess | undefined {
  const real = realpathOr(folder);
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const cwd = matchProcess(pid, real, args);
    const startTime = cwd === undefined ? undefined : readProcStartTime(pid);
    if (cwd !== undefined && startTime !== undefined) return { pid, startTime, folderGone: cwd.endsWith(DELETED) };
  }
  return undefined;
}

/** The working folder of the process when it is the one that is looked for. */
function matchProcess(pid: number, folder: string, args: readonly string[]): string | undefined {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    if (cwd !== folder && cwd !== folder + DELETED) return undefined;
    // The text ends in a separator.
    const given = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    return given.length > args.length && args.every((arg, index) => given[given.length - args.length + index] === arg) ? cwd : undefined;
  } catch {
    return undefined;
  }
}

async function findWithPs(args: readonly string[]): Promise<FoundProcess | undefined> {
  const lines = (await outputOf("ps", ["-axww", "-o", "pid=,command="])).split("\n");
  const line = lines.find((candidate) => candidate.endsWith(` ${args.join(" ")}`));
  const pid = Number(line?.trim().split(/\s+/, 1)[0]);
  if (line === undefined || !Number.isInteger(pid)) return undefined;
  const startTime = await readStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, folderGone: false };
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, [...args], { maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch {
    return "";
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
