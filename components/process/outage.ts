/** Stops one server of this machine for a moment, to see what the others do, and starts it again as it was. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BusError } from "../../core/errors.ts";
import { signalProcess, waitGone } from "./host-process.ts";
import { listNodeFolders, readNote } from "./node-note.ts";
import { replaceFile } from "./private-file.ts";
import { findServer, forgetRecord } from "./server-record.ts";
import { endServer, type ServerLaunch, startServer } from "./supervise.ts";

const OUTAGE_FILE = "outage.json";
const GONE_MS = 10_000;

/** A server to stop. */
export interface OutageTarget {
  /** Absolute path of the node's folder. */
  readonly folder: string;
  /** Its ports, the client's first. */
  readonly ports: readonly number[];
}

/**
 * Stops the node's server. How to start it is written down first, so that {@link endOutages} of a later process can do it too.
 * @param how `stop` in order (SIGTERM), `kill` as a crash would (SIGKILL)
 * @throws ERR_NOT_UP when no server of natsbus runs there, ERR_SERVER_STOP
 */
export async function beginOutage({ folder, ports }: OutageTarget, how: "stop" | "kill"): Promise<void> {
  const [record, note] = await Promise.all([findServer(folder), readNote(folder)]);
  if (record === undefined || note === undefined || record.binary === "") {
    throw new BusError("ERR_NOT_UP", `no server that natsbus started runs in ${folder}`, { remedy: "start it with `natsbus up`" });
  }
  const { launch = {} } = (note.applied ?? {}) as { readonly launch?: Pick<ServerLaunch, "memoryBytes" | "cpu"> };
  const { memoryBytes, cpu } = launch;
  const start: ServerLaunch = {
    ...{ name: note.name, folder, binary: record.binary, version: record.version, host: note.host, ports },
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpu === undefined ? {} : { cpu }),
  };
  await replaceFile(join(folder, OUTAGE_FILE), `${JSON.stringify(start)}\n`);
  if (how === "stop") return endServer(record, folder);
  const sent = await signalProcess(record, "SIGKILL");
  if (sent && !(await waitGone(record, GONE_MS))) throw new BusError("ERR_SERVER_STOP", `process ${record.pid} in ${folder} does not end`);
  return forgetRecord(folder);
}

/** Starts the node's server again; does nothing when it runs or was not stopped by {@link beginOutage}. @throws ERR_PORT_IN_USE, ERR_SERVER_START */
export async function endOutage(folder: string): Promise<boolean> {
  const launch = await readLaunch(folder);
  if (launch === undefined) return false;
  const isDown = (await findServer(folder)) === undefined;
  if (isDown) await startServer(launch);
  await rm(join(folder, OUTAGE_FILE), { force: true });
  return isDown;
}

/** Starts every server that a killed process left stopped. @returns names of their folders */
export async function endOutages(directory: string): Promise<string[]> {
  const ended: string[] = [];
  for (const { folder, note } of await listNodeFolders(directory)) if (await endOutage(folder)) ended.push(note.name);
  return ended;
}

async function readLaunch(folder: string): Promise<ServerLaunch | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, OUTAGE_FILE), "utf8")) as ServerLaunch;
  } catch {
    return undefined;
  }
}
