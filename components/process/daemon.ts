/** Starts and ends processes of this machine that outlive whoever started them: servers, and what watches them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { BusError } from "../../core/errors.ts";
import { type ProcessIdentity, readStartTime, signalProcess, waitGone } from "./host-process.ts";

const TERM_WAIT_MS = 10_000;
const KILL_WAIT_MS = 5_000;

/** How to start a process. */
export interface DaemonLaunch {
  /** Absolute path of the folder it works in. */
  readonly folder: string;
  /** Program. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** File of the folder that takes what it says; overwritten. */
  readonly output: string;
  /** Environment beside {@link plainEnvironment}.
   * @default {} */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a process detached from this one, in its own session and with none of this process's environment. Returns as soon as it exists.
 * @returns `undefined` when it has ended already
 * @throws the error of the operating system when it cannot be run
 */
export async function startDaemon({ folder, program, args, output, env = {} }: DaemonLaunch): Promise<ProcessIdentity | undefined> {
  const file = openSync(join(folder, output), "w", 0o600);
  try {
    const child = spawn(program, args, {
      cwd: folder,
      detached: true,
      stdio: ["ignore", file, file],
      env: { ...plainEnvironment(), ...env },
    });
    await once(child, "spawn");
    child.unref();
    const pid = child.pid ?? 0;
    const startTime = await readStartTime(pid);
    return startTime === undefined ? undefined : { pid, startTime };
  } finally {
    closeSync(file);
  }
}

/**
 * Ends a process with SIGTERM, and with SIGKILL when it does not listen. One that is gone is fine.
 * @param folder where it works, for the message
 * @throws ERR_SERVER_STOP
 */
export async function endDaemon(identity: ProcessIdentity, folder: string): Promise<void> {
  for (const [signal, waitMs] of [["SIGTERM", TERM_WAIT_MS] as const, ["SIGKILL", KILL_WAIT_MS] as const]) {
    const sent = await signalProcess(identity, signal);
    if (!sent || (await waitGone(identity, waitMs))) return;
  }
  throw new BusError("ERR_SERVER_STOP", `process ${identity.pid} in ${folder} does not end, not even by SIGKILL`, {
    remedy: "look at the process with ps; it may hang in the operating system",
  });
}

/** Only what any program needs: the caller's environment holds passphrases, and a detached process keeps its own for its whole life. */
function plainEnvironment(): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR", "TZ", "LANG"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}
