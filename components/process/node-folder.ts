/** A node's folder on this machine and the files natsbus puts there. */
import { mkdir, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BusError } from "../../core/errors.ts";
import { NOTE_FILE, type NodeNote, readNote, writeNote } from "./node-note.ts";
import { replaceFile, TEMPORARY } from "./private-file.ts";

const FOLDER_MODE = 0o700;

/** A file of a node's folder. */
export interface NodeFile {
  /** Path relative to the folder. */
  readonly path: string;
  /** Text. */
  readonly content: string;
}

/**
 * Makes a node's folder, or takes the one that this cluster made before.
 * @returns whether it was made now
 * @throws ERR_RUNTIME_FOLDER when it cannot be written, or is somebody else's
 */
export async function claimFolder(folder: string, note: NodeNote): Promise<boolean> {
  const present = await readNote(folder);
  if (present !== undefined && present.cluster !== note.cluster) {
    throw new BusError(
      "ERR_RUNTIME_FOLDER",
      `${folder} holds server ${present.name} of cluster ${present.cluster}, not of ${note.cluster}`,
      {
        path: "process.directory",
        remedy: "choose another folder under natsbus:process, or move that one away",
      },
    );
  }
  await guardWrite(folder, async () => {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    if (present === undefined && (await readdir(folder)).some((entry) => !TEMPORARY.test(entry))) {
      throw new BusError("ERR_RUNTIME_FOLDER", `${folder} is not empty and natsbus did not make it`, {
        path: "process.directory",
        remedy: "choose another folder under natsbus:process, or move its content away",
      });
    }
    if (present === undefined) await writeNote(folder, note);
  });
  return present === undefined;
}

/** Writes the files whose text differs, each at once or not at all, readable by this user only.
 * @returns paths of the files that were written
 * @throws ERR_RUNTIME_FOLDER */
export async function writeFiles(folder: string, files: readonly NodeFile[]): Promise<string[]> {
  const changed: string[] = [];
  await guardWrite(folder, async () => {
    for (const file of files) {
      const path = join(folder, file.path);
      if ((await readFile(path, "utf8").catch(() => undefined)) === file.content) continue;
      await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
      await replaceFile(path, file.content);
      changed.push(file.path);
    }
  });
  return changed;
}

/** Removes files of a sub-folder that are not among those to keep, for instance replaced certificates. */
export async function removeOthers(folder: string, keep: readonly NodeFile[]): Promise<void> {
  const kept = new Set(keep.map((file) => basename(file.path)));
  const entries = await readdir(folder).catch(() => []);
  await Promise.all(entries.filter((entry) => !kept.has(entry)).map((entry) => rm(join(folder, entry), { force: true })));
}

/**
 * Removes a node's folder with everything in it, JetStream data included, and then the folder around it when nothing else is left there.
 * A folder natsbus did not make is left alone. The server must have ended.
 */
export async function removeFolder(folder: string): Promise<void> {
  if ((await readNote(folder)) === undefined) return;
  // The note goes last: a removal that is cut short must still be recognised as natsbus's own.
  const entries = (await readdir(folder)).filter((entry) => entry !== NOTE_FILE);
  await Promise.all(entries.map((entry) => rm(join(folder, entry), { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })));
  await rm(folder, { recursive: true, force: true });
  await rmdir(dirname(folder)).catch(() => undefined);
}

async function guardWrite(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BusError) throw error;
    throw new BusError("ERR_RUNTIME_FOLDER", `${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
      path: "process.directory",
      remedy: "give this user the right to write there, or choose another folder under natsbus:process",
      cause: error,
    });
  }
}
