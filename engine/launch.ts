import type { Child } from "./child-process.ts";
import { startChild } from "./child-process.ts";
import type { ProgramRun } from "./model.ts";
import type { ProgramSettings } from "./program-settings.ts";
import { resolveSdkScript, sdkEnvironment } from "./program-settings.ts";
import type { LaunchArgs } from "./run-options.ts";

/** Organization of every stack in a self-managed backend. */
const ORGANIZATION = "organization";

/**
 * Starts the user program under the SDK's runner. The process ends when this one does.
 * @throws BusError ERR_ENGINE_SDK_MISSING
 */
export function launchProgram(settings: ProgramSettings, args: LaunchArgs): ProgramRun {
  const { script, nodeArguments } = resolveSdkScript(settings, "run");
  const starting = startChild({
    command: process.execPath,
    args: [...nodeArguments, script, ...runnerFlags(settings, args), settings.entry],
    directory: settings.programDirectory,
    env: { ...sdkEnvironment(settings), ...typeScriptEnvironment(settings.runtimeOptions) },
    onLine: (line, stream) => args.onOutput(line, stream),
  });
  return watch(starting);
}

function watch(starting: Promise<Child>): ProgramRun {
  return {
    exited: starting.then((child) => child.exited),
    kill: () => {
      // A start that failed shows in `exited`.
      starting.then((child) => child.kill()).catch(() => undefined);
    },
  };
}

function runnerFlags(settings: ProgramSettings, args: LaunchArgs): string[] {
  return [
    ...["--monitor", args.monitor, "--engine", args.engine],
    ...["--organization", ORGANIZATION, "--project", settings.project, "--stack", settings.stack],
    ...["--root-directory", settings.projectRoot, "--pwd", settings.programDirectory],
    ...(args.dryRun ? ["--dry-run"] : []),
    ...["--parallel", String(args.parallel)],
  ];
}

function typeScriptEnvironment(options: Readonly<Record<string, unknown>>): Record<string, string | undefined> {
  const { typescript, tsconfig } = options;
  return {
    PULUMI_NODEJS_TYPESCRIPT: typescript === false || typescript === "false" ? undefined : "true",
    ...(typeof tsconfig === "string" ? { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig } : {}),
  };
}
