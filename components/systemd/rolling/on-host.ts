/** Runs commands on hosts: with a shell where the host is this machine, else over SSH with the pinned key. I/O. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BusError } from "../../../core/errors.ts";
import type { SystemdHost } from "../../../core/systemd-spec.ts";
import { sshArguments } from "../reach.ts";

const TIMEOUT_MS = 1_000_000;
const MOST_OUTPUT = 256 * 1024 * 1024;

/** How a command on a host ended. */
export interface HostAnswer {
  /** Exit code; 255 is SSH's own. */
  readonly code: number;
  /** What it printed. */
  readonly stdout: string;
  /** What it said on standard error. */
  readonly stderr: string;
}

/**
 * Runs shell text on a host, with nothing on standard input.
 * @throws ERR_HOST_TOOL when this machine has no `ssh`
 */
export async function runOnHost(host: SystemdHost, command: string): Promise<HostAnswer> {
  if (host.via === "local") return run("/bin/bash", ["-c", command]);
  const folder = await mkdtemp(join(tmpdir(), "natsbus-hosts-"));
  try {
    return await run("ssh", [...(await sshArguments(host, folder)), command]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): Promise<HostAnswer> {
  return new Promise((done, fail) => {
    const options = { encoding: "utf8", timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT } as const;
    const child = execFile(program, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === "ENOENT")
        fail(new BusError("ERR_HOST_TOOL", `${program} cannot be run`, { cause: error, remedy: `install ${program}` }));
      else done({ code: typeof code === "number" ? code : 1, stdout, stderr });
    });
    child.stdin?.end();
  });
}
