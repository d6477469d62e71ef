import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { createProgram } from "../support/program.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SAMPLE_MS = 100;

/** What one command took. */
interface Run {
  readonly seconds: number;
  /** Peak resident memory of the command and every process below it, in MiB. */
  readonly memoryMiB: number;
}

/** A Pulumi project of somebody who uses natsbus as a library. */
export interface StreamsProject extends AsyncDisposable {
  /** Runs a verb of the command line with the embedded engine; `settings` go to the program's environment. */
  run(verb: "up" | "refresh" | "destroy", settings: Record<string, string>): Promise<Run>;
  /** Size of the state file. */
  stateBytes(): number;
}

/** Copies the program into a folder of its own, where `natsbus` is an installed dependency. */
export function createStreamsProject(): StreamsProject {
  const program = createProgram("test/fixtures/streams-program");
  const { directory } = program;
  return {
    run: (verb, settings) => run(directory, verb, settings),
    stateBytes: () => statSync(join(directory, ".natsbus/state/.pulumi/stacks/streams/dev.json")).size,
    async [Symbol.asyncDispose]() {
      program[Symbol.dispose]();
    },
  };
}

function run(directory: string, verb: string, settings: Record<string, string>): Promise<Run> {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(ROOT, "cli/natsbus.js"), verb, "--yes", "--skip-preview", "--stack", "dev", "--engine", "embedded"],
    { cwd: directory, env: { ...process.env, ...settings, PULUMI_CONFIG_PASSPHRASE: "bench" }, stdio: ["ignore", "ignore", "pipe"] },
  );
  const peaks = new Map<number, number>();
  const sampling = setInterval(() => samplePeaks(child.pid ?? 0, peaks), SAMPLE_MS);
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  return new Promise((done, fail) => {
    child.on("exit", (code) => {
      clearInterval(sampling);
      const seconds = (performance.now() - began) / 1000;
      if (code !== 0) return fail(new Error(told.slice(-3000)));
      done({ seconds, memoryMiB: [...peaks.values()].reduce((sum, kib) => sum + kib, 0) / 1024 });
    });
  });
}

/** Notes the highest resident size of a process and of those below it. */
function samplePeaks(pid: number, peaks: Map<number, number>): void {
  try {
    const kib = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
    peaks.set(pid, Math.max(kib, peaks.get(pid) ?? 0));
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      for (const below of readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
        if (below !== "") samplePeaks(Number(below), peaks);
    }
  } catch {
    // It has ended, or this is not Linux.
  }
}
