/** The note in a node's folder that says it is natsbus's own and what its server runs with. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "./private-file.ts";

/** Name of the note. */
export const NOTE_FILE = "natsbus.json";

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

/** Folders below `directory` that natsbus made for nodes. */
export async function listNodeFolders(directory: string): Promise<{ readonly folder: string; readonly note: NodeNote }[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
  const notes = await Promise.all(folders.map(async (folder) => ({ folder, note: await readNote(folder) })));
  return notes.flatMap(({ folder, note }) => (note === undefined ? [] : [{ folder, note }])).sort((a, b) => (a.folder < b.folder ? -1 : 1));
}
