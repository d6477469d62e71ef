import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { BusError } from "../core/errors.ts";
import type { Json } from "./events.ts";
import { type StackAddress, stackFiles } from "./stack-files.ts";
import { type DeploymentDocument, parseDocument } from "./state.ts";
import { isJsonMap, type JsonMap } from "./state-values.ts";

/** What a stack's checkpoint file holds. */
export interface Checkpoint {
  /** Undefined when the stack exists but was never deployed to. */
  readonly document: DeploymentDocument | undefined;
  /** SHA-256 of the file, which tells whether it was written since. */
  readonly hash: string;
}

/** A stack found in a state folder. */
export interface StackSummary {
  readonly project: string;
  readonly stack: string;
  /** When its state was last written. */
  readonly updated: Date;
}

const DECOMPRESS: readonly (readonly [suffix: string, decompress: (bytes: Buffer) => Buffer])[] = [
  ["", (bytes) => bytes],
  [".gz", gunzipSync],
  [".zst", zstdDecompressSync],
];

/**
 * Makes the folder a state backend, unless it is one.
 * @throws BusError ERR_STATE_WRITE, ERR_STATE_VERSION for a layout this engine does not write
 */
export function initBackend(root: string): void {
  const { meta } = stackFiles({ root, project: "", stack: "" });
  if (existsSync(meta)) {
    checkLayout(readFileSync(meta, "utf8"), root);
    return;
  }
  const stacks = join(root, ".pulumi", "stacks");
  if (listFolder(stacks).some((name) => /\.json(\.gz|\.zst)?$/.test(name))) {
    throw new BusError("ERR_STATE_VERSION", `the state folder ${root} has the layout of Pulumi before 3.61, without projects`, {
      remedy: "upgrade it with the Pulumi CLI: pulumi state upgrade",
    });
  }
  guardWrite(root, () => {
    mkdirSync(dirname(meta), { recursive: true });
    writeFileSync(meta, "version: 1\n");
  });
}

/** Stacks of a state folder, by project and name; of one project when named. */
export function listStacks(root: string, project?: string): StackSummary[] {
  const base = join(root, ".pulumi", "stacks");
  const projects = project === undefined ? listFolder(base) : [project];
  return projects.sort().flatMap((name) => {
    const stacks = new Map<string, Date>();
    for (const file of listFolder(join(base, name)).sort()) {
      const stack = /^(.+)\.json(?:\.gz|\.zst)?$/.exec(file)?.[1];
      if (stack !== undefined) stacks.set(stack, statSync(join(base, name, file)).mtime);
    }
    return [...stacks].map(([stack, updated]) => ({ project: name, stack, updated }));
  });
}

/**
 * Reads a stack's checkpoint; undefined when there is no such stack. Of compressed and plain files the newest counts.
 * @throws BusError ERR_STATE_CORRUPT, ERR_STATE_VERSION
 */
export function loadCheckpoint(address: StackAddress): Checkpoint | undefined {
  const { checkpoint, meta } = stackFiles(address);
  if (existsSync(meta)) checkLayout(readFileSync(meta, "utf8"), address.root);
  const candidates = DECOMPRESS.map(([suffix, decompress]) => ({
    path: checkpoint + suffix,
    decompress,
    age: modifiedAt(checkpoint + suffix),
  })).filter(({ age }) => age > 0);
  const [newest] = candidates.sort((left, right) => right.age - left.age);
  if (newest === undefined) return undefined;
  const bytes = readFileSync(newest.path);
  return { document: naming(newest.path, () => parseCheckpoint(newest.decompress(bytes).toString("utf8"))), hash: hashOf(bytes) };
}

/**
 * Replaces a stack's checkpoint as a whole by `text` (see {@link renderCheckpoint}) and keeps the previous one as `.bak`.
 * A crash leaves either the old or the new one.
 * @returns hash of the new file  @throws BusError ERR_STATE_WRITE
 */
export function saveCheckpoint(address: StackAddress, text: string, beforeReplace: (hash: string) => void = () => undefined): string {
  const files = stackFiles(address);
  return guardWrite(files.checkpoint, () => {
    mkdirSync(files.stacks, { recursive: true });
    const draft = writeDraft(files.checkpoint, text);
    const hash = hashOf(text);
    beforeReplace(hash);
    keepPrevious(files.checkpoint, files.previous);
    renameSync(draft, files.checkpoint);
    // A compressed copy of an older state must not look newer than this one.
    for (const [suffix] of DECOMPRESS.slice(1)) rmSync(files.checkpoint + suffix, { force: true });
    return hash;
  });
}

/** The text of a checkpoint file. */
export function renderCheckpoint({ project, stack }: StackAddress, document: DeploymentDocument | undefined): string {
  const { version = 3, features, deployment } = document ?? {};
  const checkpoint: JsonMap = { stack: `organization/${project}/${stack}`, ...(deployment === undefined ? {} : { latest: deployment }) };
  return `${JSON.stringify({ version, ...(features === undefined ? {} : { features }), checkpoint }, null, 4)}\n`;
}

/** Removes a stack's checkpoint, history and backups. */
export function removeStack(address: StackAddress): void {
  const files = stackFiles(address);
  guardWrite(files.stacks, () => {
    for (const [suffix] of DECOMPRESS) rmSync(files.checkpoint + suffix, { force: true });
    for (const path of [files.previous, files.tags, files.journal]) rmSync(path, { force: true });
    for (const path of [files.history, files.backups, files.locks]) rmSync(path, { recursive: true, force: true });
  });
}

/** Writes a file as a whole: beside the target, flushed to disk, then renamed by the caller. */
function writeDraft(target: string, text: string): string {
  const draft = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  const descriptor = openSync(draft, "w", 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return draft;
}

function keepPrevious(checkpoint: string, previous: string): void {
  if (!existsSync(checkpoint)) return;
  const draft = `${previous}.tmp`;
  rmSync(draft, { force: true });
  try {
    linkSync(checkpoint, draft);
  } catch {
    // Not every file system has hard links.
    copyFileSync(checkpoint, draft);
  }
  renameSync(draft, previous);
}

function parseCheckpoint(text: string): DeploymentDocument | undefined {
  const json = JSON.parse(text) as Json;
  if (!isJsonMap(json) || !isJsonMap(json["checkpoint"])) throw new Error("it holds no checkpoint");
  const { latest } = json["checkpoint"];
  const isEmpty = latest === undefined || latest === null;
  const document = parseDocument({
    version: json["version"] ?? null,
    ...(json["features"] === undefined ? {} : { features: json["features"] }),
    deployment: isEmpty ? { manifest: {} } : latest,
  });
  return isEmpty ? undefined : document;
}

/** Errors about a file name it. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof BusError) throw new BusError(cause.code, `${path}: ${cause.message}`, { remedy: cause.remedy ?? "", cause });
    throw new BusError("ERR_STATE_CORRUPT", `${path} is not a checkpoint: ${(cause as Error).message}`, {
      remedy: `restore it from ${basename(path)}.bak beside it or from .pulumi/backups`,
      cause,
    });
  }
}

function checkLayout(meta: string, root: string): void {
  const version = /^version:\s*(\S+)\s*$/m.exec(meta)?.[1];
  if (version === "1") return;
  throw new BusError("ERR_STATE_VERSION", `the state folder ${root} has layout ${version ?? "unknown"}; 1 is understood`, {
    remedy: "use the Pulumi CLI that made it, or update natsbus",
  });
}

function guardWrite<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (cause instanceof BusError) throw cause;
    throw new BusError("ERR_STATE_WRITE", `${path} cannot be written: ${(cause as Error).message}`, {
      remedy: "make the state folder writable for this user, and check for free space",
      cause,
    });
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function hashOf(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}
