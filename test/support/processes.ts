import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process and what it was started with. */
export interface FoundProcess {
  readonly pid: number;
  readonly command: readonly string[];
}

/** Processes of this machine that work in `directory` or below it, or name it in their arguments; this process left out. Linux only. */
export function processesBelow(directory: string): FoundProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").filter(Boolean);
        const folder = readlinkSync(`/proc/${name}/cwd`);
        const inside = folder === directory || folder.startsWith(`${directory}/`) || command.some((part) => part.includes(directory));
        // A process that has ended but was not waited for has no command line.
        return inside && command.length > 0 ? [{ pid: Number(name), command }] : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** Whether any of `ports` accepts or holds a connection in state LISTEN on this machine. Linux only. */
export function listeningPorts(ports: readonly number[]): number[] {
  const table = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => readFileSync(file, "utf8").trim().split("\n").slice(1));
  const listening = new Set(
    table.flatMap((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return state === "0A" && local !== undefined ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
    }),
  );
  return ports.filter((port) => listening.has(port));
}
