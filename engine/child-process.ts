import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { BusError } from "../core/errors.ts";

/** How a child ended. */
interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What to start. */
export interface ChildOptions {
  /** Executable. */
  readonly command: string;
  readonly args: readonly string[];
  /** Working folder. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Receives the output line by line, without line ends. */
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
}

/** A child in a process group of its own. A terminal's Ctrl-C does not reach it. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process has ended and its last output has been handed over; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Asks a child that loads the guard to end now; others take no notice. */
  release(): void;
  /** Ends the whole process group at once; processes the child started detached live on. */
  kill(): void;
}

/** Arguments of `node` that load the guard (see `child-guard.cjs`); glued, because the SDK mistakes a separate `--require` for a loader. */
export const GUARD_ARGUMENTS: readonly string[] = [`--require=${fileURLToPath(new URL("./child-guard.cjs", import.meta.url))}`];

const OUTPUT_GRACE_MS = 500;

/**
 * Starts a child whose end of a pipe closes when this process ends, in whatever way.
 * @throws BusError ERR_ENGINE_PLUGIN_START when the executable cannot be started
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawn(options.command, options.args, {
    cwd: options.directory,
    env: { ...options.env, NATSBUS_CHILD_GUARD: "1" },
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const exited = observeExit(child, [readLines(child.stdout, "stdout", options), readLines(child.stderr, "stderr", options)]);
  const pid = await startedPid(child, options.command);
  const pipe = child.stdio[3];
  // The pipe breaks when the child ends first.
  pipe?.on("error", () => undefined);
  return { pid, exited, release: () => pipe?.destroy(), kill: () => killGroup(pid) };
}

/** The environment of a child: `process.env` with `extra` on top, and calls to this machine never sent through a proxy. */
export function childEnvironment(extra: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const noProxy = process.env["no_grpc_proxy"] ?? process.env["no_proxy"] ?? process.env["NO_PROXY"] ?? "";
  return { ...process.env, no_grpc_proxy: [noProxy, "127.0.0.1", "localhost"].filter((part) => part !== "").join(","), ...extra };
}

function startedPid(child: ChildProcess, command: string): Promise<number> {
  const { pid } = child;
  if (pid !== undefined) return Promise.resolve(pid);
  return new Promise((_resolve, reject) => {
    child.once("error", (cause) => {
      reject(
        new BusError("ERR_ENGINE_PLUGIN_START", `${command} cannot be started: ${cause.message}`, {
          remedy: "check that the file exists and may be executed",
          cause,
        }),
      );
    });
  });
}

function readLines(stream: Readable | null, name: "stdout" | "stderr", options: ChildOptions): Promise<void> {
  if (stream === null) return Promise.resolve();
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on("line", (line) => options.onLine(line, name));
  return new Promise((resolve) => lines.once("close", resolve));
}

function observeExit(child: ChildProcess, outputs: readonly Promise<void>[]): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once("error", () => resolve({ code: null, signal: null }));
    child.once("exit", (code, signal) => {
      // A process the child left behind may hold its output open for ever.
      const patience = setTimeout(() => resolve({ code, signal }), OUTPUT_GRACE_MS);
      void Promise.all(outputs).then(() => {
        clearTimeout(patience);
        resolve({ code, signal });
      });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended already.
  }
}
