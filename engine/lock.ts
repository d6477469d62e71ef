import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BusError } from "../core/errors.ts";

/** Who holds a lock, as its file says. The last two fields are ours; the CLI neither writes nor minds them. */
export interface LockHolder {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  /** RFC 3339. */
  readonly timestamp: string;
  /** Start time of the process in clock ticks since boot: a pid used again is another process. */
  readonly started?: string;
  /** Pid namespace and boot: only inside these a pid means anything. */
  readonly realm?: string;
}

/** A lock that is held. */
export interface Lock {
  /** Removes the lock; safe to call again. */
  release(): void;
}

/** How a lock is taken. */
export interface LockOptions {
  /** The stack's lock folder. */
  readonly directory: string;
  /** Name of the stack, for messages. */
  readonly stack: string;
  /** Hears that the lock of a dead process was removed. */
  readonly onNotice: (text: string) => void;
}

const ATTEMPTS = 5;
const BACK_OFF_MS = 40;

/**
 * Takes the lock of a stack. Locks of processes that are known to have ended on this machine are removed, with a notice.
 * @throws BusError ERR_STATE_LOCKED naming the holder, ERR_STATE_WRITE
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { directory, stack } = options;
  for (let attempt = 1; ; attempt++) {
    const before = holders(options);
    if (before.length > 0) throw locked(stack, before);
    const path = writeLock(directory);
    const rivals = holders(options).filter((rival) => rival.path !== path);
    const release = (): void => rmSync(path, { force: true });
    if (rivals.length === 0) return { release };
    // Someone took it at the same moment. Both step back; the one that comes back first gets it.
    release();
    if (attempt === ATTEMPTS) throw locked(stack, rivals);
    await pause(BACK_OFF_MS * Math.random() * attempt);
  }
}

/** Removes every lock of a stack, whoever holds it, and tells whose they were. */
export function removeLocks(directory: string): LockHolder[] {
  return lockFiles(directory).map((path) => {
    const holder = readHolder(path);
    rmSync(path, { force: true });
    return holder;
  });
}

interface HeldLock {
  readonly path: string;
  readonly holder: LockHolder;
}

function holders(options: LockOptions): HeldLock[] {
  const held: HeldLock[] = [];
  for (const path of lockFiles(options.directory)) {
    const holder = readHolder(path);
    if (isDead(holder)) {
      rmSync(path, { force: true });
      options.onNotice(`removed the lock of ${describe(holder)}: that process has ended without finishing`);
    } else held.push({ path, holder });
  }
  return held;
}

function lockFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

const UNKNOWN_HOLDER: LockHolder = { pid: 0, username: "someone", hostname: "an unknown machine", timestamp: "an unknown time" };

function readHolder(path: string): LockHolder {
  try {
    return { ...UNKNOWN_HOLDER, ...(JSON.parse(readFileSync(path, "utf8")) as Partial<LockHolder>) };
  } catch {
    return UNKNOWN_HOLDER;
  }
}

function writeLock(directory: string): string {
  const name = `${randomUUID()}.json`;
  const path = join(directory, name);
  const started = processStat(process.pid)?.started;
  const realm = currentRealm();
  const holder: LockHolder = {
    pid: process.pid,
    username: userName(),
    hostname: hostname(),
    timestamp: new Date().toISOString(),
    ...(started === undefined ? {} : { started }),
    ...(realm === undefined ? {} : { realm }),
  };
  try {
    mkdirSync(directory, { recursive: true });
    // Others must never see half a lock.
    const draft = join(dirname(directory), `${name}.tmp`);
    writeFileSync(draft, JSON.stringify(holder));
    renameSync(draft, path);
  } catch (cause) {
    throw new BusError("ERR_STATE_WRITE", `the lock folder ${directory} cannot be written: ${(cause as Error).message}`, {
      remedy: "make the state folder writable for this user",
      cause,
    });
  }
  return path;
}

function isDead(holder: LockHolder): boolean {
  if (holder.hostname !== hostname() || !Number.isInteger(holder.pid) || holder.pid <= 0) return false;
  if (holder.realm !== undefined && holder.realm !== currentRealm()) return false;
  if (!processExists(holder.pid)) return true;
  const now = processStat(holder.pid);
  if (now === undefined) return false;
  return now.ended || (holder.started !== undefined && holder.started !== now.started);
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Whether a process has ended without anyone having waited for it, and when it began (fields 3 and 22 of `/proc/PID/stat`). */
function processStat(pid: number): { readonly ended: boolean; readonly started: string | undefined } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in field 2 may hold blanks and parentheses.
    const [state = "", ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { ended: state === "Z" || state === "X", started: rest[18] };
  } catch {
    return undefined;
  }
}

function currentRealm(): string | undefined {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}

function locked(stack: string, held: readonly HeldLock[]): BusError {
  const names = held.map(({ holder }) => describe(holder)).join(" and ");
  return new BusError("ERR_STATE_LOCKED", `stack ${stack} is locked by ${names}`, {
    remedy: `wait until that run has ended; if it is no longer running, remove its lock with \`natsbus cancel --stack ${stack}\` (or \`pulumi cancel ${stack}\`)`,
  });
}

function describe(holder: LockHolder): string {
  return `process ${holder.pid} of ${holder.username}@${holder.hostname} since ${holder.timestamp}`;
}
