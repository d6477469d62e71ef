/** Whether a port of this machine can be listened on, and who has it when not. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { BusError } from "../../core/errors.ts";

const run = promisify(execFile);
const LISTEN_STATE = "0A";
const LOCAL_ADDRESS_FIELD = 1;
const STATE_FIELD = 3;
const INODE_FIELD = 9;

/** The process that listens on a port, as far as this user may see it. */
export interface PortOwner {
  /** Process id. */
  readonly pid: number;
  /** Name of its command, for instance `nats-server`. */
  readonly command: string;
}

/** The ports a server wants. */
interface PortsWish {
  readonly name: string;
  readonly host: string;
  readonly ports: readonly number[];
}

/** Whether a server could listen on `host:port` now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once("error", () => resolve(false));
  probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  return promise;
}

/** Throws unless every port can be listened on.
 * @throws ERR_PORT_IN_USE naming the port and its owner */
export async function assertPortsFree(launch: PortsWish): Promise<void> {
  const taken = await findTakenPort(launch);
  if (taken === undefined) return;
  throw new BusError("ERR_PORT_IN_USE", `server ${taken}`, {
    path: "process.ports",
    remedy: "end that process, or give the servers other ports under natsbus:process in the stack file",
  });
}

/** Which of the ports somebody else listens on, and who, in words; `undefined` when all are free. */
export async function findTakenPort(launch: PortsWish): Promise<string | undefined> {
  for (const port of launch.ports) {
    if (await isPortFree(launch.host, port)) continue;
    const owner = describeOwner(await findPortOwner(port));
    return `${launch.name} cannot listen on ${launch.host}:${port}: the port is taken by ${owner}`;
  }
  return undefined;
}

/** Who listens on the port; `undefined` when nobody does or the owner belongs to another user. */
export async function findPortOwner(port: number): Promise<PortOwner | undefined> {
  return process.platform === "linux" ? findInProc(port) : findWithLsof(port);
}

/** The owner in words: `python3 (pid 4711)`. */
export function describeOwner(owner: PortOwner | undefined): string {
  return owner === undefined ? "a process this user cannot see" : `${owner.command} (pid ${owner.pid})`;
}

/** Socket inodes that listen on the port, from the text of `/proc/net/tcp` or `tcp6`. */
export function parseListeners(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  const listeners = rows.filter((row) => row[STATE_FIELD] === LISTEN_STATE && row[LOCAL_ADDRESS_FIELD]?.endsWith(suffix));
  return listeners.flatMap((row) => row[INODE_FIELD] ?? []);
}

function findInProc(port: number): PortOwner | undefined {
  const inodes = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => parseListeners(readOr(file), port));
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  if (links.size === 0) return undefined;
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  const pid = pids.find((candidate) => descriptorsOf(candidate).some((link) => links.has(link)));
  return pid === undefined ? undefined : { pid: Number(pid), command: readOr(`/proc/${pid}/comm`).trim() };
}

function descriptorsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => readLinkOr(`/proc/${pid}/fd/${descriptor}`));
  } catch {
    return [];
  }
}

async function findWithLsof(port: number): Promise<PortOwner | undefined> {
  try {
    const { stdout } = await run("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]);
    const pid = Number(/^p(\d+)$/m.exec(stdout)?.[1]);
    return Number.isInteger(pid) ? { pid, command: /^c(.+)$/m.exec(stdout)?.[1] ?? "process" } : undefined;
  } catch {
    return undefined;
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

function readLinkOr(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}
