import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ProgramSettings } from "../../engine/program-settings.ts";

/** The project's own root; the SDK is installed there. */
export const PROJECT_ROOT = resolve(import.meta.dirname, "../..");

/** Settings of a stack whose program lies in `directory`. */
export function programSettings(directory = PROJECT_ROOT, changes: Partial<ProgramSettings> = {}): ProgramSettings {
  return {
    project: "probe",
    stack: "dev",
    projectRoot: directory,
    programDirectory: directory,
    entry: ".",
    runtimeOptions: { typescript: false },
    config: {},
    secretKeys: [],
    ...changes,
  };
}

/** Text of a serialised dynamic provider whose methods are `body`, the inside of an object literal. */
export function providerText(body: string): string {
  return `exports.handler = () => ({ ${body} });`;
}

/** Whether a process with this id exists and has not ended; one that nobody has waited for yet (a zombie) has ended. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^\) Z/.test(stat.slice(stat.lastIndexOf(")")));
  } catch {
    return false;
  }
}
