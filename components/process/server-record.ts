/** What is written down about a node's server, and how it is found again without that. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { findByArguments, isAlive, type ProcessIdentity, readProgram } from "./host-process.ts";
import { replaceFile } from "./private-file.ts";

/** Name of a node's configuration file. */
export const CONFIG_FILE = "nats.conf";
const RECORD_FILE = "server.json";

/** What is written down about a running server. */
export interface ServerRecord extends ProcessIdentity {
  /** nats-server version. */
  readonly version: string;
  /** Binary it runs. */
  readonly binary: string;
  /** Client port. */
  readonly port: number;
}

/**
 * The node's running server, also one whose start was never recorded because its starter was killed. Looks only.
 * @returns `undefined` when none runs
 */
export async function findServer(folder: string): Promise<ServerRecord | undefined> {
  const record = await readRecord(folder);
  if (record !== undefined && (await isAlive(record))) return record;
  const found = await findByArguments(folder, ["-c", join(folder, CONFIG_FILE)]);
  if (found === undefined || found.folderGone) return undefined;
  // The start was cut short before it was written down, or the note was lost: the process itself says what it runs.
  const { pid, startTime } = found;
  return { pid, startTime, version: record?.version ?? "", port: record?.port ?? 0, binary: readProgram(pid) };
}

/** Whether a server of this node still runs although its folder was removed: whatever it would store is lost, and it holds the ports. */
export async function findStray(folder: string): Promise<ProcessIdentity | undefined> {
  const found = await findByArguments(folder, ["-c", join(folder, CONFIG_FILE)]);
  return found?.folderGone === true ? found : undefined;
}

/** Writes down a running server. */
export async function writeRecord(folder: string, record: ServerRecord): Promise<void> {
  await replaceFile(join(folder, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes the note of a server that has ended. */
export async function forgetRecord(folder: string): Promise<void> {
  await rm(join(folder, RECORD_FILE), { force: true });
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
