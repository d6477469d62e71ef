import { isBusError } from "../core/errors.ts";
import type { Deployment } from "./deployment.ts";
import { openDeployment } from "./deployment.ts";
import type { EngineEventBody } from "./events.ts";
import { createEventStream } from "./events.ts";
import { assertIntegrity } from "./integrity.ts";
import { SECRET_TEXT } from "./masking.ts";
import type { PendingOperation, RunOutcome } from "./model.ts";
import { refreshAll } from "./refresh.ts";
import type { RunOptions, RunResult } from "./run-options.ts";
import { unsupported } from "./unsupported.ts";
import { carryOutDeletes, runProgram } from "./up.ts";
import { stackUrn } from "./urn.ts";

/**
 * Runs one deployment: preview, update, refresh or destroy. Resolves also for failed runs; what went wrong has been told as events. Ends every
 * process it started.
 * @throws BusError ERR_ENGINE_UNSUPPORTED when something is asked for that only the Pulumi CLI can do, ERR_ENGINE_STATE_INTEGRITY, ERR_ENGINE_LISTEN
 */
export async function runDeployment(options: RunOptions): Promise<RunResult> {
  if ((options.targets ?? []).length > 0) throw unsupported("limiting a run to targets");
  assertIntegrity(options.recorder.base.resources);
  const began = Date.now();
  const emit = createEventStream(options.onEvent);
  emit({ preludeEvent: { config: maskedConfig(options) } });
  const deployment = await openDeployment(options, emit);
  try {
    const work = carryOut(deployment);
    work.catch(() => undefined);
    await Promise.race([work, stoppedNow(deployment)]);
  } catch (error) {
    deployment.reporter.error(errorText(error));
    deployment.state.fail({ duringStep: false });
  } finally {
    // The answers of running calls do not matter any more: either there are none, or the run was told to stop at once.
    deployment.monitor.close();
    await deployment.host.close();
  }
  return conclude(deployment, emit, began);
}

async function carryOut(deployment: Deployment): Promise<void> {
  const { options, preview, state } = deployment;
  const release = onGraceful(deployment);
  try {
    await settlePending(deployment);
    if (options.kind === "refresh" || options.refresh === true) await refreshAll(deployment);
    if (state.stopped.aborted || options.kind === "refresh") return;
    if (options.kind === "up") await runProgram(deployment);
    else await carryOutDeletes(deployment);
  } finally {
    release();
    if (!preview) await deployment.registrar.idle();
  }
}

/** First Ctrl-C: nothing new begins, and providers are asked to come to an end. */
function onGraceful({ options, state, host }: Deployment): () => void {
  const signal = options.cancellation?.graceful;
  const cancel = (): void => {
    state.cancel();
    host.cancel().catch(() => undefined);
  };
  if (signal?.aborted === true) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return () => signal?.removeEventListener("abort", cancel);
}

/** Second Ctrl-C: resolves when nothing is to be waited for any more. */
function stoppedNow({ options, state, ledger, reporter }: Deployment): Promise<void> {
  const signal = options.cancellation?.now;
  return new Promise((resolve) => {
    const stop = (): void => {
      ledger.freeze();
      reporter.silence();
      state.cancel();
      resolve();
    };
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Leftovers of interrupted runs: told, and kept only where the user must look. */
async function settlePending({ options, preview, reporter }: Deployment): Promise<void> {
  const { recorder } = options;
  const { pendingOperations } = recorder.base;
  if (pendingOperations.length === 0) return;
  const clearing = options.kind === "refresh" && options.clearPendingCreates === true;
  if (!clearing && options.kind === "up") reporter.warn(pendingText(pendingOperations));
  if (!preview) await recorder.clearPending({ all: clearing });
}

function pendingText(operations: readonly PendingOperation[]): string {
  const list = operations.map(({ type, resource }) => `  * ${resource.urn}, interrupted while ${type}\n`).join("");
  return (
    `Attempting to deploy or update resources with ${operations.length} pending operations from previous deployment.\n${list}` +
    "These resources are in an unknown state because the engine was interrupted while waiting for changes to these resources to complete. " +
    "You should confirm whether or not the operations listed completed successfully by checking the state of the appropriate provider. " +
    "Once you have confirmed the status of the interrupted operations, run `refresh --clear-pending-creates` to forget them."
  );
}

async function conclude(deployment: Deployment, emit: (body: EngineEventBody) => void, began: number): Promise<RunResult> {
  const { options, preview, state, reporter } = deployment;
  const noun = preview ? "preview" : "update";
  const tell = (message: string): void => {
    emit({ diagnosticEvent: { severity: "error", prefix: "error: ", message: `${message}\n`, color: "never" } });
  };
  if (state.cancelled) tell(`${noun} canceled`);
  else if (state.stepFailed && !state.programFailed) tell(`${noun} failed`);
  if (!preview) await save(deployment, { result: state.failed ? "failed" : "succeeded", began, tell });
  const result = state.failed ? "failed" : "succeeded";
  const durationMs = Date.now() - began;
  const resourceChanges = { ...reporter.changes };
  const durationSeconds = Math.round(durationMs / 1000);
  emit({
    summaryEvent: { maybeCorrupt: reporter.maybeCorrupt, durationSeconds, resourceChanges, PolicyPacks: {}, isPreview: preview, result },
  });
  emit({ cancelEvent: {} });
  const changed = Object.keys(resourceChanges).some((op) => op !== "same" && op !== "discard");
  return {
    result,
    cancelled: state.cancelled,
    resourceChanges,
    unexpectedChanges: options.expectNoChanges === true && changed,
    steps: reporter.steps,
    outputs: outputsOf(deployment),
    durationMs,
  };
}

/** A failing save must not hide what went wrong before. */
async function save(
  { options, state, reporter }: Deployment,
  how: { readonly result: RunOutcome["result"]; readonly began: number; readonly tell: (message: string) => void },
): Promise<void> {
  const kinds = { up: "update", refresh: "refresh", destroy: "destroy" } as const;
  try {
    await options.recorder.finish({
      kind: kinds[options.kind],
      result: how.result,
      resourceChanges: { ...reporter.changes },
      startTime: Math.floor(how.began / 1000),
      message: options.message ?? "",
    });
  } catch (error) {
    how.tell(errorText(error));
    state.fail({ duringStep: false });
  }
}

function outputsOf({ options, ledger }: Deployment): RunResult["outputs"] {
  if (options.kind === "destroy") return {};
  return ledger.current(stackUrn(options.project.name, options.stack))?.outputs ?? {};
}

function maskedConfig({ config, secretKeys }: RunOptions): Record<string, string> {
  const secrets = new Set(secretKeys);
  return Object.fromEntries(Object.entries(config).map(([key, text]) => [key, secrets.has(key) ? SECRET_TEXT : text]));
}

function errorText(error: unknown): string {
  if (isBusError(error)) return `${error.message}${error.remedy === undefined ? "" : `; ${error.remedy}`} [${error.code}]`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
