import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineEvent, Json } from "../../../engine/events.ts";
import { launchProgram } from "../../../engine/launch.ts";
import { acquireLock } from "../../../engine/lock.ts";
import type { ProgramSettings } from "../../../engine/program-settings.ts";
import { createProviderHost } from "../../../engine/providers.ts";
import { openRecorder } from "../../../engine/recorder.ts";
import { runDeployment } from "../../../engine/run.ts";
import type { Cancellation, RunOptions, RunResult } from "../../../engine/run-options.ts";
import { openSecrets, type SecretsCodec } from "../../../engine/secrets.ts";
import { stackFiles } from "../../../engine/stack-files.ts";

/** What is run, in plain JSON so that it can cross a process. */
export interface EngineRunRequest {
  readonly directory: string;
  readonly backend: string;
  readonly salt: string;
  readonly passphrase: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/** What one run left. */
export interface EngineRunOutcome {
  readonly exitCode: number;
  readonly result: RunResult | undefined;
  readonly events: readonly EngineEvent[];
  readonly stderr: string;
}

/** Project and stack of every scenario. */
export const PROJECT = "goldens";
export const STACK = "dev";

/** Kept between scenarios and test runs: every step starts two processes with the same code. */
const COMPILE_CACHE = join(tmpdir(), "natsbus-goldens-compile-cache");

const UNCHANGED_EXPECTED = 7;

/** Runs the engine in this process as a command of the CLI would. */
export async function runEngine(request: EngineRunRequest, cancellation?: Cancellation): Promise<EngineRunOutcome> {
  const events: EngineEvent[] = [];
  const address = { root: request.backend, project: PROJECT, stack: STACK };
  try {
    const secrets = await openSecrets(request.salt, request.passphrase);
    const preview = request.command.startsWith("preview");
    const lock = preview ? undefined : await acquireLock({ directory: stackFiles(address).locks, stack: STACK, onNotice: () => undefined });
    try {
      const recorder = openRecorder({ address, secrets, config: historyConfig(request, secrets), onNotice: () => undefined });
      const settings = programSettings(request);
      const result = await runDeployment({
        ...runOptions(request, settings),
        recorder,
        onEvent: (event) => events.push(event),
        ...(cancellation === undefined ? {} : { cancellation }),
      });
      return { exitCode: exitCodeOf(result), result, events, stderr: "" };
    } finally {
      lock?.release();
    }
  } catch (error) {
    return { exitCode: 1, result: undefined, events, stderr: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** Configuration as the settings file holds it, which the history repeats. */
function historyConfig({ config, secretKeys }: EngineRunRequest, secrets: SecretsCodec): Readonly<Record<string, Json>> {
  const entries = Object.entries(config).map(
    ([key, text]) => [key, secretKeys.includes(key) ? { secure: secrets.encrypt(text) } : text] as const,
  );
  return Object.fromEntries(entries);
}

function exitCodeOf(result: RunResult): number {
  if (result.result === "failed") return 1;
  return result.unexpectedChanges ? UNCHANGED_EXPECTED : 0;
}

function programSettings({ directory, config, secretKeys }: EngineRunRequest): ProgramSettings {
  return {
    project: PROJECT,
    stack: STACK,
    projectRoot: directory,
    programDirectory: directory,
    entry: "index.ts",
    runtimeOptions: { typescript: false },
    config,
    secretKeys,
    compileCache: COMPILE_CACHE,
  };
}

const KINDS: Readonly<Record<string, RunOptions["kind"]>> = {
  up: "up",
  preview: "up",
  refresh: "refresh",
  "preview-refresh": "refresh",
  destroy: "destroy",
  "preview-destroy": "destroy",
};

function runOptions(request: EngineRunRequest, settings: ProgramSettings): Omit<RunOptions, "recorder" | "onEvent"> {
  const { command, args, config, secretKeys } = request;
  return {
    kind: KINDS[command] ?? "up",
    preview: command.startsWith("preview"),
    project: { name: PROJECT, root: request.directory },
    stack: STACK,
    config,
    secretKeys,
    createProviders: (engineAddress, output) => createProviderHost(settings, engineAddress, output),
    launchProgram: (launch) => launchProgram(settings, launch),
    refresh: args.includes("--refresh"),
    expectNoChanges: args.includes("--expect-no-changes"),
    continueOnError: args.includes("--continue-on-error"),
    clearPendingCreates: args.includes("--clear-pending-creates"),
    targets: args.some((arg) => arg === "--target" || arg === "--exclude") ? ["**"] : [],
  };
}
