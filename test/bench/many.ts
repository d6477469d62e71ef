import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** Whole-process seconds for `count` empty dynamic resources. */
export interface ManyFigures {
  readonly count: number;
  readonly create: number;
  readonly noOp: number;
  readonly destroy: number;
}

function verb(directory: string, count: number, ...args: string[]): Promise<number> {
  const began = performance.now();
  const env = { ...process.env, MANY: String(count), PULUMI_CONFIG_PASSPHRASE: "bench" };
  const child = spawn(process.execPath, [join(ROOT, "cli/natsbus.js"), ...args, "--stack", "dev", "--engine", "embedded"], {
    cwd: directory,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  return new Promise((done, fail) => {
    child.on("exit", (code) => (code === 0 ? done((performance.now() - began) / 1000) : fail(new Error(told.slice(-2000)))));
  });
}

/** Creates, leaves alone and destroys `count` dynamic resources that do nothing, each as one run of the command line. */
export async function measureMany(count: number): Promise<ManyFigures> {
  const directory = mkdtempSync(join(tmpdir(), "natsbus-many-"));
  try {
    cpSync(join(ROOT, "test/fixtures/many-program"), directory, { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
    const create = await verb(directory, count, "up", "--yes", "--skip-preview");
    const noOp = await verb(directory, count, "up", "--yes", "--skip-preview");
    const destroy = await verb(directory, count, "destroy", "--yes", "--skip-preview");
    return { count, create, noOp, destroy };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
