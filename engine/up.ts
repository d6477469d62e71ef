import { applyChain, Stopped } from "./apply.ts";
import { DYNAMIC_PACKAGE } from "./default-providers.ts";
import type { Deployment } from "./deployment.ts";
import type { ProgramRun, ResourceEntry } from "./model.ts";
import { packageOf } from "./urn.ts";

/** How long a program may take to end by itself once the run has stopped. */
const STOP_GRACE_MS = 2000;

/** Exit code of a program whose failure the user has been told already. */
const TOLD_EXIT_CODE = 32;

/** Runs the program and brings the stack to what it asks for, deletes included. */
export async function runProgram(deployment: Deployment): Promise<void> {
  const { options, monitor, preview, parallel, reporter, registrar, state, host } = deployment;
  if (usesDynamicProvider(options.recorder.base.resources)) host.warmUp(DYNAMIC_PACKAGE);
  const program = options.launchProgram({
    monitor: monitor.address,
    engine: monitor.address,
    dryRun: preview,
    parallel,
    onOutput: (line, stream) => {
      // Once the run has stopped, the program only complains, in stack traces, that nobody answers it any more.
      if (state.stopped.aborted && stream === "stderr") return;
      reporter.diagnostic({ severity: stream === "stdout" ? "info" : "info#err", message: `${line}\n` });
    },
  });
  const exit = await waitForEnd(program, deployment);
  await registrar.idle();
  judgeExit(deployment, exit);
  if (!state.stopped.aborted && exit.code === 0 && deployment.hasShutDown() && options.keepUnregistered !== true)
    await carryOutDeletes(deployment);
  await finishStackOutputs(deployment);
}

/** What deleting needs of a run. */
export type DeleteParts = Pick<Deployment, "generator" | "context" | "state" | "ledger">;

/** Deletes what is flagged, not asked for, or in a destroy everything: layer by layer. */
export async function carryOutDeletes(deployment: DeleteParts): Promise<void> {
  const { generator, context, state, ledger } = deployment;
  const layers = generator.deletes();
  const graph = ledger.graph();
  for (const layer of layers) {
    if (state.stopped.aborted) return;
    const spared = neededBySpoilt(deployment, graph);
    const ready = layer.filter(({ subject }) => subject.old === undefined || !spared.has(subject.old));
    const results = await Promise.allSettled(ready.map((step) => applyChain(context, [step])));
    for (const result of results) if (result.status === "rejected" && !(result.reason instanceof Stopped)) throw result.reason;
  }
}

/** Everything a failed or skipped resource stands on, itself included. */
function neededBySpoilt({ state, ledger }: DeleteParts, graph: ReturnType<Deployment["ledger"]["graph"]>): ReadonlySet<ResourceEntry> {
  const needed = new Set<ResourceEntry>();
  if (state.spoilt.size === 0) return needed;
  for (const entry of ledger.remaining()) {
    if (!state.spoilt.has(entry.urn)) continue;
    needed.add(entry);
    for (const other of graph.ancestorsOf(entry)) needed.add(other);
  }
  return needed;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Waits for the program, and ends it when the run has stopped and it does not end by itself. */
async function waitForEnd(program: ProgramRun, { options, state, registrar }: Deployment): Promise<Exit> {
  let timer: NodeJS.Timeout | undefined;
  const end = async (): Promise<void> => {
    await registrar.idle();
    timer = setTimeout(() => program.kill(), STOP_GRACE_MS);
  };
  const onStop = (): void => void end();
  const onNow = (): void => program.kill();
  options.cancellation?.now.addEventListener("abort", onNow, { once: true });
  state.stopped.addEventListener("abort", onStop, { once: true });
  if (state.stopped.aborted) onStop();
  try {
    return await program.exited;
  } finally {
    state.stopped.removeEventListener("abort", onStop);
    options.cancellation?.now.removeEventListener("abort", onNow);
    clearTimeout(timer);
  }
}

function judgeExit({ state, reporter, hasShutDown }: Deployment, { code, signal }: Exit): void {
  // What the engine itself stopped ends in whatever way.
  if (state.stopped.aborted) return;
  if (code === 0 && hasShutDown()) return;
  if (code === 0) reporter.error("the program ended before it had registered everything; does it call process.exit?");
  else if (signal !== null) reporter.error(`an unhandled error occurred: Program was ended by ${signal}`);
  else if (code !== TOLD_EXIT_CODE) reporter.error(`an unhandled error occurred: Program exited with non-zero exit code: ${code}`);
  state.failProgram();
}

/** After a failure outputs that the program did not get to are kept. */
async function finishStackOutputs({ registrar, ledger, state }: Deployment): Promise<void> {
  const { stackUrn, stackOutputs } = registrar;
  if (stackUrn === undefined || stackOutputs === undefined) return;
  const kept = state.failed ? ledger.written(stackUrn)?.outputs : undefined;
  await registrar.applyOutputs(stackUrn, { ...kept, ...stackOutputs });
}

function usesDynamicProvider(resources: readonly ResourceEntry[]): boolean {
  return resources.length === 0 || resources.some(({ type }) => packageOf(type) === DYNAMIC_PACKAGE);
}
