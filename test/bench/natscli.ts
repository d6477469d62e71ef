import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";

const VERSION = "v0.5.1";
const run = promisify(execFile);

/** Milliseconds of one call for one stream, R1. */
export interface NatscliFigures {
  readonly create: number;
  readonly info: number;
  readonly change: number;
  readonly destroy: number;
}

/** A loop of one natscli call a stream, or why there is none. The program is built into the project's cache. */
export async function measureNatscli(url: string, count: number): Promise<NatscliFigures | string> {
  if (count === 0) return "not asked for";
  const nats = await obtain();
  if (nats === undefined) return "it could not be built with `go install`";
  const names = Array.from({ length: count }, (_, index) => `CLI_${index}`);
  const each = async (args: (name: string) => readonly string[]) => {
    const began = performance.now();
    for (const name of names) await run(nats, ["--server", url, ...args(name)]);
    return Math.round((performance.now() - began) / count);
  };
  return {
    create: await each((name) => ["stream", "add", name, "--subjects", `${name}.>`, "--defaults"]),
    info: await each((name) => ["stream", "info", name, "--json"]),
    change: await each((name) => ["stream", "edit", name, "--max-age", "1d", "--force"]),
    destroy: await each((name) => ["stream", "rm", name, "--force"]),
  };
}

/** Where the program is when it has been built: in the project's cache. */
export function natsCliPath(): string {
  const cache = process.env["NATSBUS_CACHE_DIR"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "natsbus");
  return join(cache, "natscli", VERSION, "nats");
}

async function obtain(): Promise<string | undefined> {
  const path = natsCliPath();
  const folder = dirname(path);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  try {
    await run("go", ["install", `github.com/nats-io/natscli/nats@${VERSION}`], {
      env: { ...process.env, GOBIN: folder },
      timeout: 600_000,
    });
  } catch (error) {
    process.stderr.write(`natscli: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}\n`);
  }
  return existsSync(path) ? path : undefined;
}
