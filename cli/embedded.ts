import { tolerateAbsentPlugins } from "../engine/absent-plugin.ts";
import type { EventSink } from "../engine/events.ts";
import { launchProgram } from "../engine/launch.ts";
import type { ProviderHost, RunRecorder, Snapshot } from "../engine/model.ts";
import { createProviderHost } from "../engine/providers.ts";
import { loadState, openRecorder } from "../engine/recorder.ts";
import { resumeInterrupted } from "../engine/resume.ts";
import { runDeployment } from "../engine/run.ts";
import type { Cancellation, RunOptions, RunResult } from "../engine/run-options.ts";
import { type OpenStack, programSettingsOf } from "../engine/stack.ts";
import type { DeployRequest } from "./deploy-request.ts";
import type { PhaseClock } from "./phases.ts";

/** Creates of this project's own resources find what an interrupted one made. */
const OWN_TYPE = /^pulumi-nodejs:dynamic\/natsbus\//;
const isResumable = (type: string): boolean => OWN_TYPE.test(type);

/** A stack the embedded engine may work on. */
export type EngineStack = Pick<OpenStack, "project" | "address" | "secrets" | "config">;

/** What a run of the embedded engine does beyond its stack. */
export interface EmbeddedRun {
  readonly request: Pick<
    DeployRequest,
    "kind" | "refresh" | "parallel" | "continueOnError" | "expectNoChanges" | "clearPendingCreates" | "message"
  >;
  readonly preview: boolean;
  readonly onEvent: EventSink;
  readonly clock: PhaseClock;
  readonly cancellation: Cancellation;
  /** What the program is told of itself, as environment variables.
   * @default {} */
  readonly environment?: Readonly<Record<string, string>>;
  /** Leave what the program does not ask for as it is.
   * @default false */
  readonly keepUnregistered?: boolean;
  /** Hears what is no event: a crashed run that was folded in, a history that could not be written. */
  readonly onNotice: (text: string) => void;
}

/**
 * Runs the embedded engine on a stack. For anything but a preview the caller holds the stack's lock.
 * @throws BusError ERR_STATE_CORRUPT, ERR_STATE_WRITE, ERR_ENGINE_UNSUPPORTED
 */
export async function runEmbedded(stack: EngineStack, run: EmbeddedRun): Promise<RunResult> {
  const { project, address, secrets, config } = stack;
  const { request, clock } = run;
  const settings = { ...programSettingsOf(stack, process.env["NODE_COMPILE_CACHE"]), environment: run.environment ?? {} };
  const opened = run.preview
    ? previewRecorder(loadState(address, secrets))
    : openRecorder({ address, secrets, config: config.recorded, isResumable, onNotice: run.onNotice });
  const recorder = await resumeInterrupted(opened, request.kind, isResumable);
  const options: RunOptions = {
    kind: request.kind,
    preview: run.preview,
    project: { name: project.name, root: project.root },
    stack: address.stack,
    config: config.config,
    secretKeys: config.secretKeys,
    recorder,
    createProviders: (engineAddress, output) => {
      const host = timedHost(createProviderHost(settings, engineAddress, output), clock);
      if (!run.preview) return host;
      return tolerateAbsentPlugins(host, (packageName, text) => run.onNotice(absentText(packageName, text)));
    },
    launchProgram: (args) => launchProgram(settings, args),
    readStackOutputs: async (name) => readStackOutputs(stack, name),
    onEvent: run.onEvent,
    cancellation: run.cancellation,
    refresh: request.refresh,
    expectNoChanges: request.expectNoChanges,
    keepUnregistered: run.keepUnregistered === true,
    continueOnError: request.continueOnError,
    clearPendingCreates: request.clearPendingCreates,
    ...(request.parallel === undefined ? {} : { parallel: request.parallel }),
    ...(request.message === undefined ? {} : { message: request.message }),
  };
  return runDeployment(options);
}

/** A preview goes on; the user must know what it could not ask. */
function absentText(packageName: string, text: string): string {
  const limits = `its resources are compared with the state by what the program asks for; defaults, refusals and replacements of the ${packageName} provider are not known`;
  return `${text}. In this preview ${limits}`;
}

/** A preview writes nothing. */
function previewRecorder(base: Snapshot): RunRecorder {
  const nothing = async (): Promise<void> => undefined;
  return { base, begin: nothing, commit: nothing, rebase: nothing, clearPending: nothing, snapshot: () => base, finish: nothing };
}

/** From its start to its first configured provider. */
function timedHost(host: ProviderHost, clock: PhaseClock): ProviderHost {
  let isReady = false;
  return {
    ...host,
    warmUp(packageName) {
      clock.mark("provider host", "begin");
      host.warmUp(packageName);
    },
    async configure(request) {
      const provider = await host.configure(request);
      if (!isReady) clock.mark("provider host", "end");
      isReady = true;
      return provider;
    },
  };
}

/** Outputs of another stack of the same state folder and passphrase: `organization/PROJECT/STACK`, `PROJECT/STACK` or `STACK`. */
function readStackOutputs(stack: EngineStack, name: string): ReturnType<NonNullable<RunOptions["readStackOutputs"]>> {
  const [other = "", project = stack.project.name] = name.split("/").reverse();
  const { resources } = loadState({ root: stack.address.root, project, stack: other }, stack.secrets);
  return Promise.resolve(resources.find((entry) => entry.type === "pulumi:pulumi:Stack")?.outputs);
}
