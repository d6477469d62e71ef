/** The files of a backup: a folder with `manifest.json`, and for each stream a folder with natscli's two files. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, renameSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BusError, type Problem } from "../../core/errors.ts";
import type { WireConfig } from "../../streams/wire.ts";
import { type FileSum, type Manifest, parseManifest, renderManifest, type SavedStream } from "./manifest.ts";

const MANIFEST = "manifest.json";
const DESCRIPTION = "backup.json";
const ARCHIVE = "stream.arc.s2";
const PIECE_BYTES = 128 * 1024;

/** A file in which something is wrong. */
interface DamagedFile {
  /** Its path within the backup. */
  readonly file: string;
  /** What is wrong. */
  readonly reason: string;
}

/** A backup that is being written: under a temporary name, until it is whole. */
export interface BackupWriter {
  /** Writes the two files of a stream. */
  writeStream(name: string, content: StreamContent): Promise<{ readonly description: FileSum; readonly archive: FileSum }>;
  /** The bytes of an archive that was written. */
  archiveOf(name: string): AsyncIterable<Buffer>;
  /** Forgets a stream. */
  dropStream(name: string): Promise<void>;
  /** Writes the manifest and gives the folder its name. @throws ERR_BACKUP_FOLDER */
  finish(manifest: Manifest): Promise<void>;
  /** Removes what is not finished. */
  discard(): Promise<void>;
}

/** What the files of a stream hold. */
export interface StreamContent {
  readonly description: { readonly config: WireConfig; readonly state: WireConfig };
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Begins a backup. Only its owner may read it.
 * @throws ERR_BACKUP_FOLDER when the folder holds something already, or cannot be written
 */
export async function createBackup(directory: string): Promise<BackupWriter> {
  const target = resolve(directory);
  assertFree(target);
  const work = await unfinished(target);
  const folderOf = (name: string): string => join(work, name);
  return {
    async writeStream(name, { description, chunks }) {
      await mkdir(folderOf(name), { mode: 0o700 });
      const archive = await writeFile(join(folderOf(name), ARCHIVE), chunks);
      const text = `${JSON.stringify(description, null, 2)}\n`;
      return { archive, description: await writeFile(join(folderOf(name), DESCRIPTION), [Buffer.from(text)]) };
    },
    archiveOf: (name) => piecesOf(join(folderOf(name), ARCHIVE)),
    dropStream: (name) => rm(folderOf(name), { recursive: true, force: true }),
    async finish(manifest) {
      await writeFile(join(work, MANIFEST), [Buffer.from(renderManifest(manifest))]);
      assertFree(target);
      renameSync(work, target);
    },
    discard: () => rm(work, { recursive: true, force: true }),
  };
}

function assertFree(target: string): void {
  if (!existsSync(target)) return;
  const isEmpty = trying(target, () => readdirSync(target).length === 0);
  if (isEmpty) return;
  const holds = existsSync(join(target, MANIFEST)) ? "a backup" : "something";
  throw new BusError("ERR_BACKUP_FOLDER", `${target} holds ${holds} already`, {
    remedy: "name a folder that does not exist; nothing is overwritten",
  });
}

async function unfinished(target: string): Promise<string> {
  try {
    await mkdir(dirname(target), { recursive: true });
    return await mkdtemp(`${target}.unfinished-`);
  } catch (cause) {
    throw unwritable(target, cause);
  }
}

async function writeFile(file: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<FileSum> {
  const [sum, handle] = [createHash("sha256"), await open(file, "wx", 0o600)];
  let size = 0;
  try {
    for await (const piece of pieces) {
      await handle.writeFile(piece).catch((cause: unknown) => {
        throw unwritable(file, cause);
      });
      sum.update(piece);
      size += piece.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: sum.digest("hex") };
}

/** Reads what a backup says of itself. @throws ERR_BACKUP_DAMAGED */
export async function readManifest(directory: string): Promise<Manifest> {
  return parseManifest((await readPart(directory, MANIFEST)).toString("utf8"));
}

/** Reads the configuration and the state of a stream. @throws ERR_BACKUP_DAMAGED */
export async function readDescription(directory: string, name: string): Promise<StreamContent["description"]> {
  return JSON.parse((await readPart(directory, join(name, DESCRIPTION))).toString("utf8")) as StreamContent["description"];
}

/** The bytes of a stream's archive, in pieces a restore takes. */
export function archiveOf(directory: string, name: string): AsyncIterable<Buffer> {
  return piecesOf(join(directory, name, ARCHIVE));
}

/**
 * Compares the files of streams with what the manifest says of them, every byte.
 * @throws ERR_BACKUP_DAMAGED that names every file which is missing, truncated or changed
 */
export async function assertWhole(directory: string, streams: readonly SavedStream[]): Promise<void> {
  const found: DamagedFile[] = [];
  for (const { name, description, archive } of streams) {
    for (const [file, expected] of [
      [join(name, DESCRIPTION), description],
      [join(name, ARCHIVE), archive],
    ] as const) {
      const reason = await damageOf(join(directory, file), expected);
      if (reason !== undefined) found.push({ file, reason });
    }
  }
  if (found.length === 0) return;
  const remedy = "restore from another copy, or the other streams with --stream; nothing was touched";
  const problems = found.map(({ file, reason }): Problem => ({ code: "ERR_BACKUP_DAMAGED", path: file, message: reason, remedy }));
  const list = found.map(({ file, reason }) => `${file} ${reason}`).join("; ");
  throw new BusError("ERR_BACKUP_DAMAGED", `${directory}: ${list}`, { remedy, problems });
}

async function damageOf(file: string, { size, sha256 }: FileSum): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return "is missing";
  if (found.size < size) return `is truncated: ${found.size} of ${size} bytes`;
  const sum = createHash("sha256");
  for await (const piece of piecesOf(file)) sum.update(piece);
  return sum.digest("hex") === sha256 ? undefined : "was changed";
}

async function readPart(directory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, file));
  } catch (cause) {
    throw new BusError("ERR_BACKUP_DAMAGED", `${join(directory, file)} cannot be read`, {
      remedy: "name a folder that `natsbus backup` wrote and that this user may read",
      cause,
    });
  }
}

function piecesOf(file: string): AsyncIterable<Buffer> {
  return createReadStream(file, { highWaterMark: PIECE_BYTES });
}

function trying<T>(target: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw unwritable(target, cause);
  }
}

function unwritable(target: string, cause: unknown): BusError {
  return new BusError("ERR_BACKUP_FOLDER", `${target} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
    remedy: "name a folder that this user may write, on a disk with room",
    cause,
  });
}
