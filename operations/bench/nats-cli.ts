/** The benchmark of the NATS command line, where it is installed. */
import { execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { ConnectionSpec } from "../../core/connection.ts";

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

/** A load for `nats bench js pub`. */
export interface NatsBenchLoad {
  /** Who publishes. */
  readonly connection: ConnectionSpec;
  readonly subject: string;
  /** Stream that stores the subject. */
  readonly stream: string;
  readonly messages: number;
  /** In bytes. */
  readonly size: number;
  /** Messages in flight. */
  readonly batch: number;
}

/** Publishes with the NATS command line's own benchmark. @returns `undefined` when it is not installed or does not understand the load */
export async function runNatsBench(load: NatsBenchLoad): Promise<{ readonly rate: number; readonly messages: number } | undefined> {
  const binary = findNatsCli();
  if (binary === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "natsbus-bench-"));
  try {
    const { stdout, stderr } = await run(binary, [...serverArguments(load.connection, folder), ...loadArguments(load)], {
      timeout: TIMEOUT_MS,
      env: { ...process.env, XDG_CONFIG_HOME: folder, NO_COLOR: "1" },
    });
    const rate = parseBenchRate(stdout + stderr);
    return rate === undefined ? undefined : { rate, messages: load.messages };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Messages a second in the words of `nats bench`; `undefined` when it tells none. Pure. */
export function parseBenchRate(text: string): number | undefined {
  const [, digits] = /stats:\s*([\d,]+)\s*msgs\/sec/i.exec(text) ?? [];
  const rate = Number(digits?.replaceAll(",", ""));
  return Number.isFinite(rate) && rate > 0 ? rate : undefined;
}

/** `NATSBUS_NATS_CLI`, else `nats` on PATH. */
function findNatsCli(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env["NATSBUS_NATS_CLI"];
  const candidates = given ? [given] : (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "nats"));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function serverArguments({ servers, creds, ca }: ConnectionSpec, folder: string): string[] {
  const files = Object.entries({ creds, tlsca: ca }).flatMap(([option, text]) => {
    if (text === undefined) return [];
    const file = join(folder, option);
    writeFileSync(file, text, { mode: 0o600 });
    return [`--${option}=${file}`];
  });
  return ["--server", servers.join(","), "--no-context", ...files];
}

function loadArguments({ subject, stream, messages, size, batch }: NatsBenchLoad): string[] {
  const numbers = [`--msgs=${messages}`, `--size=${size}`, `--batch=${batch}`];
  return ["bench", "js", "pub", "async", subject, `--stream=${stream}`, ...numbers, "--no-progress"];
}
