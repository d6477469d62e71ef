/** The note in a monitoring folder that says it is natsbus's own, and where its processes are asked. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../private-file.ts";
import type { WatcherName } from "./spec.ts";

const NOTE_FILE = "monitoring.json";

/** Name of the monitoring folder below a stack's runtime folder. */
export const MONITORING_FOLDER = "monitoring";

/** What natsbus knows of the monitoring without asking anybody. */
export interface MonitoringNote {
  /** Cluster that is watched. */
  readonly cluster: string;
  /** Addresses by process. */
  readonly urls: Readonly<Record<WatcherName, string>>;
}

/** Reads a folder's note; `undefined` when natsbus did not make the folder. */
export async function readMonitoringNote(folder: string): Promise<MonitoringNote | undefined> {
  try {
    const note = JSON.parse(await readFile(join(folder, NOTE_FILE), "utf8")) as Partial<MonitoringNote>;
    return typeof note.cluster === "string" && note.urls !== undefined ? (note as MonitoringNote) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a folder's note. */
export async function writeMonitoringNote(folder: string, note: MonitoringNote): Promise<void> {
  await replaceFile(join(folder, NOTE_FILE), `${JSON.stringify(note)}\n`);
}
