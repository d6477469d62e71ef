/** A node's folder on this machine: its files, and the note that says it is natsbus's own and what its server runs with. */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BusError } from "../../core/errors.ts";

const NOTE_FILE = "natsbus.json";
// What a write leaves behind when it is cut short.
const TEMPORARY = /\.[0-9a-f]{8}\.tmp$/;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** A file of a node's folder. */
export interface NodeFile {
  /** Path relative to the folder. */
  readonly path: string;
  /** Text. */
  readonly content: string;
}

/** What natsbus knows of a node without asking its server. */
export interface NodeNote {
  /** Cluster the folder belongs to. */
  readonly cluster: string;
  /** Server name. */
  readonly name: string;
  /** Address the listeners bind to. */
  readonly host: string;
  /** Client URL. */
  readonly clientUrl: string;
  /** Monitor URL. */
  readonly monitorUrl: string;
  /** Authorities to trust for an HTTPS monitor, a path relative to the folder.
   * @default - the system's authorities */
  readonly monitorCa?: string;
  /** Digest of the configuration the server last took over, as the server computes it.
   * @default - not known yet */
  readonly digest?: string;
  /** The settings behind that configuration, to classify the next change.
   * @default - not known yet */
  readonly applied?: unknown;
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

/** Reads a folder's note; `undefined` when natsbus did not make the folder. */
export async function readNote(folder: string): Promise<NodeNote | undefined> {
  try {
    const note = JSON.parse(await readFile(join(folder, NOTE_FILE), "utf8")) as Partial<NodeNote>;
    return typeof note.cluster === "string" && typeof note.name === "string" ? (note as NodeNote) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a folder's note. */
export async function writeNote(folder: string, note: NodeNote): Promise<void> {
  await replaceFile(join(folder, NOTE_FILE), `${JSON.stringify(note)}\n`);
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

/** Folders below `directory` that natsbus made for nodes. */
export async function listNodeFolders(directory: string): Promise<{ readonly folder: string; readonly note: NodeNote }[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
  const notes = await Promise.all(folders.map(async (folder) => ({ folder, note: await readNote(folder) })));
  return notes.flatMap(({ folder, note }) => (note === undefined ? [] : [{ folder, note }])).sort((a, b) => (a.folder < b.folder ? -1 : 1));
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

async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await writeFile(temporary, content, { mode: FILE_MODE });
  // A umask may only take rights away, and what was there before may have had more.
  await chmod(temporary, FILE_MODE);
  await rename(temporary, path);
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
