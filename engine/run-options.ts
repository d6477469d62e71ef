import type { EventSink, StepOp } from "./events.ts";
import type { DiffKind, ProgramRun, ProviderHost, ResourceEntry, RunRecorder } from "./model.ts";
import type { PluginOutput } from "./plugin-process.ts";
import type { PropertyMap } from "./values.ts";

/** What the program is started with. */
export interface LaunchArgs {
  /** `HOST:PORT` of the resource monitor. */
  readonly monitor: string;
  /** `HOST:PORT` of the engine service. */
  readonly engine: string;
  /** Whether this is a preview. */
  readonly dryRun: boolean;
  /** Steps that may run side by side. */
  readonly parallel: number;
  /** Receives what the program prints, line by line, without line ends. */
  onOutput(line: string, stream: "stdout" | "stderr"): void;
}

/** Stops a run from outside (Ctrl-C). */
export interface Cancellation {
  /** First: no new steps, ask providers to stop, wait for running steps, save. */
  readonly graceful: AbortSignal;
  /** Second: stop now; operations that were running stay pending in the state. */
  readonly now: AbortSignal;
}

/** Everything one run needs. */
export interface RunOptions {
  /** What to do. */
  readonly kind: "up" | "refresh" | "destroy";
  /** Only tell what would be done; changes nothing.
   * @default false */
  readonly preview?: boolean;
  readonly project: { readonly name: string /** Absolute folder of Pulumi.yaml. */; readonly root: string };
  /** Name of the stack without project and organization. */
  readonly stack: string;
  /** Stack configuration as text, `namespace:name` to value; secrets in clear. */
  readonly config: Readonly<Record<string, string>>;
  /** Keys of `config` that are secret. */
  readonly secretKeys: readonly string[];
  readonly recorder: RunRecorder;
  /** Makes the provider host once the address of the engine service is known; the run closes it. */
  readonly createProviders: (engineAddress: string, output: PluginOutput) => ProviderHost;
  /** Starts the user program; not called for refresh and destroy. */
  readonly launchProgram: (args: LaunchArgs) => ProgramRun;
  /** Outputs of another stack (StackReference); undefined when there is no such stack.
   * @default - every reference fails */
  readonly readStackOutputs?: (name: string) => Promise<PropertyMap | undefined>;
  readonly onEvent: EventSink;
  /** @default - cannot be cancelled */
  readonly cancellation?: Cancellation;
  /** Steps that may run side by side.
   * @default 4 times the number of cores */
  readonly parallel?: number;
  /** Read the real state of every resource first (`up` and `destroy`).
   * @default false */
  readonly refresh?: boolean;
  /** Fail when the run changes, or would change, anything; see {@link RunResult.unexpectedChanges}.
   * @default false */
  readonly expectNoChanges?: boolean;
  /** Go on with whatever does not depend on a failed resource.
   * @default false */
  readonly continueOnError?: boolean;
  /** Forget unfinished creates of crashed runs (`refresh`).
   * @default false */
  readonly clearPendingCreates?: boolean;
  /** Leave what the program does not ask for as it is, instead of deleting it (`up`): for programs that declare a part.
   * @default false */
  readonly keepUnregistered?: boolean;
  /** URNs to replace even if unchanged; `*` stands for any part between colons, `**` for anything.
   * @default [] */
  readonly replace?: readonly string[];
  /** Not supported: a non-empty list fails.
   * @default []  @throws ERR_ENGINE_UNSUPPORTED */
  readonly targets?: readonly string[];
  /** Text for the history.
   * @default "" */
  readonly message?: string;
}

/** One step of a run as `preview --json` tells it. */
export interface RunStep {
  readonly op: StepOp;
  readonly urn: string;
  /** Reference of the provider; "" for components. */
  readonly provider: string;
  /** Values hold `Secret` and `Computed` objects; the reporter masks them. */
  readonly oldState: ResourceEntry | undefined;
  readonly newState: ResourceEntry | undefined;
  /** Keys that differ. */
  readonly diffReasons: readonly string[];
  /** Keys that force a replacement. */
  readonly replaceReasons: readonly string[];
  readonly detailedDiff: Readonly<Record<string, { readonly kind: DiffKind; readonly inputDiff: boolean }>> | undefined;
  /** Counted in the summary. */
  readonly logical: boolean;
  /** What the provider said in a preview about the change; absent when it said nothing. */
  readonly notes?: readonly string[];
}

/** How a run ended. Whatever went wrong has been told as diagnostic events already. */
export interface RunResult {
  readonly result: "succeeded" | "failed";
  /** Whether Ctrl-C ended it (then also `failed`). */
  readonly cancelled: boolean;
  /** Logical steps by operation, as in the summary event. */
  readonly resourceChanges: Readonly<Record<string, number>>;
  /** Whether `expectNoChanges` was asked for and something changed. */
  readonly unexpectedChanges: boolean;
  /** All steps in the order they began, default providers included. */
  readonly steps: readonly RunStep[];
  /** Outputs of the stack; empty after destroy. */
  readonly outputs: PropertyMap;
  readonly durationMs: number;
}
