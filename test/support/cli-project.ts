import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "test/fixtures/engine-goldens/program");

const LAUNCHER = join(ROOT, "cli/natsbus.js");

/** How a command ended. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** Launcher to run.
   * @default - this checkout's */
  readonly launcher?: string;
  /** How long the command may take before it is killed.
   * @default 120000 */
  readonly timeoutMs?: number;
  /** Node to run it with.
   * @default - this one */
  readonly node?: string;
  /** Called with everything that stderr held so far, for tests that act meanwhile. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** Runs the command line in a folder. */
export function runCli(directory: string, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const env = {
    ...process.env,
    NO_COLOR: "1",
    PULUMI_STACK: undefined,
    PULUMI_BACKEND_URL: undefined,
    PULUMI_CONFIG_PASSPHRASE: undefined,
    ...options.env,
  };
  const child = spawn(options.node ?? process.execPath, [options.launcher ?? LAUNCHER, ...args], {
    cwd: directory,
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(options.stdin ?? "");
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    options.onStderr?.(stderr, child);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 120_000);
  return new Promise((done) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      done({ code, signal, stdout, stderr });
    });
  });
}

/** The program of the engine goldens in a folder of its own. */
export interface CliProject extends Disposable {
  readonly directory: string;
  /** Writes what the program declares; see the README of the goldens. */
  declare(program: object): void;
  /** Writes how its provider behaves. */
  behave(behaviour: object): void;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
}

/** Makes the folder; disposing removes it. */
export function createCliProject(program: object = {}): CliProject {
  const directory = mkdtempSync(join(tmpdir(), "natsbus-cli-"));
  cpSync(PROGRAM, directory, { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const write = (file: string, content: object): void => writeFileSync(join(directory, file), JSON.stringify(content));
  write("program.json", program);
  write("behaviour.json", {});
  writeFileSync(join(directory, "calls.jsonl"), "");
  return {
    directory,
    declare: (content) => write("program.json", content),
    behave: (content) => write("behaviour.json", content),
    run: (args, options) => runCli(directory, args, options),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
