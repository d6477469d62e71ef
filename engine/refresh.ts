import { Stopped } from "./apply.ts";
import type { Deployment } from "./deployment.ts";
import { diffInputs } from "./diff.ts";
import { deepEqual } from "./equality.ts";
import type { StepOp } from "./events.ts";
import type { Provider, ProviderState, ResourceEntry, Target } from "./model.ts";
import { PartialFailure } from "./model.ts";
import { markSecretOutputs } from "./secret-outputs.ts";
import type { Step } from "./step.ts";
import { createStep } from "./step.ts";
import { isProviderType, parseUrn } from "./urn.ts";

/** What refreshing needs of a run. */
export type RefreshParts = Pick<Deployment, "ledger" | "context" | "state" | "reporter" | "registry">;

/** Reads every resource as it really is and puts that in place of the old state. */
export async function refreshAll(deployment: RefreshParts): Promise<void> {
  const { ledger, context } = deployment;
  const olds = ledger.remaining();
  const found = await Promise.allSettled(olds.map((old) => context.limiter.run(() => refreshOne(deployment, old))));
  for (const result of found) if (result.status === "rejected" && !(result.reason instanceof Stopped)) throw result.reason;
  const present = found.map((result, index) => (result.status === "fulfilled" ? result.value : olds[index]));
  await ledger.rebase(pruned(present.filter((entry) => entry !== undefined)));
}

/** The entry as it is now; undefined when the resource is gone. */
async function refreshOne(deployment: RefreshParts, old: ResourceEntry): Promise<ResourceEntry | undefined> {
  const { state, reporter } = deployment;
  if (state.stopped.aborted) throw new Stopped(`stopped before the refresh of ${old.urn}`);
  if (old.delete === true || old.pendingReplacement === true) return old;
  const step = createStep("refresh", { urn: old.urn, type: old.type, old, new: old });
  reporter.begin(step);
  try {
    return await readOne(deployment, step, old);
  } catch (error) {
    reporter.fail(step, error);
    state.fail({ urn: old.urn, duringStep: true });
    throw new Stopped(`refresh of ${old.urn} failed`, { cause: error });
  }
}

async function readOne({ registry, reporter }: RefreshParts, step: Step, old: ResourceEntry): Promise<ResourceEntry | undefined> {
  if (!old.custom || isProviderType(old.type)) {
    reporter.end(step, { op: "same" });
    return old;
  }
  const provider = await registry.of(old);
  if (provider === undefined) return old;
  const target: Target = { urn: old.urn, type: old.type, name: parseUrn(old.urn).name };
  const { state, initErrors } = await readState(provider, target, old);
  if (state.id === "") {
    step.subject.new = undefined;
    reporter.end(step, { op: "delete" });
    return undefined;
  }
  const entry = refreshed(old, state, initErrors);
  const op = old.external === true ? "same" : await resultOf(provider, target, { old, entry });
  step.subject.new = entry;
  reporter.end(step, { op });
  return entry;
}

async function readState(
  provider: Provider,
  target: Target,
  old: ResourceEntry,
): Promise<{ readonly state: ProviderState; readonly initErrors: readonly string[] }> {
  try {
    return { state: await provider.read({ ...target, id: old.id ?? "", inputs: old.inputs, outputs: old.outputs }), initErrors: [] };
  } catch (error) {
    if (error instanceof PartialFailure) return { state: error.state, initErrors: error.reasons };
    throw error;
  }
}

function refreshed(old: ResourceEntry, state: ProviderState, initErrors: readonly string[]): ResourceEntry {
  const { initErrors: _former, ...kept } = old;
  const entry = markSecretOutputs({
    ...kept,
    id: state.id,
    inputs: state.inputs ?? old.inputs,
    outputs: state.outputs,
    ...(initErrors.length === 0 ? {} : { initErrors }),
  });
  const changed = !deepEqual(entry.inputs, old.inputs) || !deepEqual(entry.outputs, old.outputs);
  return changed || old.modified === undefined ? { ...entry, modified: new Date().toISOString() } : entry;
}

/** Whether what was found would have to be changed to be what the state asked for. */
async function resultOf(provider: Provider, target: Target, sides: { old: ResourceEntry; entry: ResourceEntry }): Promise<StepOp> {
  const { old, entry } = sides;
  const answer = await provider.diff({
    ...target,
    id: entry.id ?? "",
    oldInputs: entry.inputs,
    oldOutputs: entry.outputs,
    news: old.inputs,
    ignoreChanges: old.ignoreChanges ?? [],
  });
  const changes = answer.changes === "unknown" ? diffInputs(entry.inputs, old.inputs).changes : answer.changes;
  return changes === "none" ? "same" : "update";
}

/** Entries without references to those that are gone. */
function pruned(entries: readonly ResourceEntry[]): readonly ResourceEntry[] {
  const there = new Set(entries.map(({ urn }) => urn));
  return entries.map((entry) => prune(entry, there));
}

function prune(entry: ResourceEntry, there: ReadonlySet<string>): ResourceEntry {
  const { dependencies, propertyDependencies, deletedWith, replaceWith, parent, ...rest } = entry;
  const keep = (urns: readonly string[]): readonly string[] => urns.filter((urn) => there.has(urn));
  const lists = Object.entries(propertyDependencies ?? {}).map(([key, urns]) => [key, keep(urns)] as const);
  const filled = lists.filter(([, urns]) => urns.length > 0);
  return {
    ...rest,
    ...(dependencies === undefined || keep(dependencies).length === 0 ? {} : { dependencies: keep(dependencies) }),
    ...(filled.length === 0 ? {} : { propertyDependencies: Object.fromEntries(filled) }),
    ...(deletedWith !== undefined && there.has(deletedWith) ? { deletedWith } : {}),
    ...(replaceWith === undefined || keep(replaceWith).length === 0 ? {} : { replaceWith: keep(replaceWith) }),
    ...(parent !== undefined && there.has(parent) ? { parent } : {}),
  };
}
