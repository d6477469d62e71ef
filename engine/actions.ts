import { BusError } from "../core/errors.ts";
import { deepEqual } from "./equality.ts";
import type { StepOp } from "./events.ts";
import type { Ledger } from "./ledger.ts";
import type { PendingKind, PendingOperation, Provider, ProviderState, ResourceEntry, Target } from "./model.ts";
import { PartialFailure } from "./model.ts";
import type { ProviderRegistry } from "./registry.ts";
import { markSecretOutputs } from "./secret-outputs.ts";
import { UNKNOWN } from "./signatures.ts";
import type { Step, Subject } from "./step.ts";
import { unsupported } from "./unsupported.ts";
import { isProviderType, parseUrn } from "./urn.ts";

/** What an action works with. */
export interface ActionContext {
  readonly preview: boolean;
  readonly ledger: Ledger;
  readonly registry: ProviderRegistry;
  /** Whether a URN is deleted in this run. */
  readonly isDeleted: (urn: string) => boolean;
}

/** Whether a step that went well counts in the summary. */
type Counted = "counted" | "uncounted";

/** Carries out one step: calls the provider, and brings the entries to what was reached. Rejects with what the provider said. */
export type Action = (context: ActionContext, step: Step) => Promise<Counted>;

/** The action of every operation of a deployment; `refresh` is no part of it. */
export const ACTIONS: Readonly<Record<Exclude<StepOp, "refresh">, Action>> = {
  same: keep,
  create,
  "create-replacement": create,
  update,
  replace: async () => "counted",
  delete: remove,
  "delete-replaced": remove,
  discard: remove,
  "discard-replaced": remove,
  "remove-pending-replace": remove,
  read,
  "read-replacement": read,
  import: refuseImport,
  "import-replacement": refuseImport,
};

async function keep({ ledger }: ActionContext, { subject }: Step): Promise<Counted> {
  const { old, wanted } = sides(subject);
  if (old === undefined) throw new BusError("ERR_INTERNAL", `${subject.urn} cannot stay the same: it is not there`);
  subject.new = markSecretOutputs({ ...wanted, ...identity(old), outputs: old.outputs });
  await ledger.commit({ removes: [old], writes: [subject.new], ...rename(subject) });
  return "counted";
}

async function create(context: ActionContext, step: Step): Promise<Counted> {
  const { subject } = step;
  const { wanted } = sides(subject);
  const provider = await context.registry.of(wanted);
  const now = new Date().toISOString();
  await mutate(context, step, {
    kind: "creating",
    call: (target) => createBy(provider, target, { wanted, preview: context.preview }),
    entry: (state, initErrors) => ({ ...withState(wanted, state, initErrors), created: now, modified: now }),
  });
  return "counted";
}

async function update(context: ActionContext, step: Step): Promise<Counted> {
  const { subject } = step;
  const { old, wanted } = sides(subject);
  if (old === undefined) throw new BusError("ERR_INTERNAL", `${subject.urn} cannot be updated: it is not there`);
  const provider = await context.registry.of(wanted);
  const modified = new Date().toISOString();
  await mutate(context, step, {
    kind: "updating",
    call: (target) => updateBy(provider, target, { old, wanted, preview: context.preview }),
    entry: (state, initErrors) => ({
      ...withState({ ...wanted, ...identity(old) }, { ...state, id: old.id ?? "" }, initErrors),
      // After a partial failure the next run must see the same difference again.
      ...(initErrors === undefined ? {} : { inputs: old.inputs }),
      ...(wanted.custom ? { modified } : {}),
    }),
  });
  return "counted";
}

async function read(context: ActionContext, step: Step): Promise<Counted> {
  const { subject } = step;
  const { old, wanted } = sides(subject);
  const provider = await context.registry.of(wanted);
  let counted: Counted = "uncounted";
  await mutate(context, step, {
    kind: "reading",
    call: async (target) => {
      if (provider === undefined || wanted.id === UNKNOWN) return { id: wanted.id ?? "", outputs: {} };
      return provider.read({ ...target, id: wanted.id ?? "", inputs: wanted.inputs, outputs: wanted.inputs });
    },
    entry: (state, initErrors) => {
      const found = withState(wanted, { ...state, id: state.id === "" ? (wanted.id ?? "") : state.id }, initErrors);
      if (old === undefined) return found;
      const changed = !deepEqual(found.outputs, old.outputs) || !deepEqual(found.inputs, old.inputs);
      if (changed) counted = "counted";
      return changed ? { ...found, modified: new Date().toISOString() } : found;
    },
  });
  return counted;
}

async function remove(context: ActionContext, step: Step): Promise<Counted> {
  const old = context.ledger.latest(step.subject.old ?? missing(step.subject));
  if (step.op === "delete" && old.protect === true) throw new ProtectedError(old.urn);
  const operation: PendingOperation | undefined = callsProvider(context, step, old) ? { type: "deleting", resource: old } : undefined;
  if (operation !== undefined) await during(context, operation, () => deleteBy(context.registry, old));
  const flagged = { ...old, pendingReplacement: true };
  if (step.keepsOld) step.subject.old = flagged;
  const change = step.keepsOld ? { changes: [{ from: old, to: flagged }] } : { removes: [old] };
  await context.ledger.commit({ ...change, ...(operation === undefined ? {} : { ends: operation }) });
  return "counted";
}

async function refuseImport(): Promise<Counted> {
  throw unsupported("importing a resource (option import)");
}

interface Mutation {
  readonly kind: PendingKind;
  readonly call: (target: Target) => Promise<ProviderState>;
  readonly entry: (state: ProviderState, initErrors: readonly string[] | undefined) => ResourceEntry;
}

/** Calls the provider under a pending operation and writes what came of it, a partial success too. */
async function mutate(context: ActionContext, step: Step, mutation: Mutation): Promise<void> {
  const { subject } = step;
  const { wanted } = sides(subject);
  const operation: PendingOperation | undefined =
    wanted.custom && !isProviderType(wanted.type) ? { type: mutation.kind, resource: wanted } : undefined;
  const target = targetOf(wanted);
  let state: ProviderState;
  let partial: PartialFailure | undefined;
  try {
    state = await during(context, operation, () => mutation.call(target));
  } catch (error) {
    if (!(error instanceof PartialFailure)) throw error;
    partial = error;
    state = error.state;
  }
  const entry = markSecretOutputs(mutation.entry(state, partial?.reasons));
  await supersede(context, step, { entry, operation });
  if (partial !== undefined) throw partial;
}

async function supersede(
  context: ActionContext,
  step: Step,
  reached: { entry: ResourceEntry; operation: PendingOperation | undefined },
): Promise<void> {
  const { subject } = step;
  const old = subject.old === undefined ? undefined : context.ledger.latest(subject.old);
  subject.new = reached.entry;
  const ends = reached.operation === undefined ? {} : { ends: reached.operation };
  if (old === undefined) return context.ledger.commit({ ...ends, writes: [reached.entry] });
  if (!step.keepsOld) return context.ledger.commit({ ...ends, removes: [old], writes: [reached.entry], ...rename(subject) });
  const flagged = { ...old, delete: true };
  subject.old = flagged;
  return context.ledger.commit({ ...ends, changes: [{ from: old, to: flagged }], writes: [reached.entry] });
}

/** Runs a provider call under its pending operation, and ends the operation when the call fails without leaving anything to write. */
async function during<T>({ preview, ledger }: ActionContext, operation: PendingOperation | undefined, call: () => Promise<T>): Promise<T> {
  if (operation === undefined || preview) return call();
  await ledger.begin(operation);
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof PartialFailure)) await ledger.commit({ ends: operation });
    throw error;
  }
}

async function createBy(
  provider: Provider | undefined,
  target: Target,
  how: { wanted: ResourceEntry; preview: boolean },
): Promise<ProviderState> {
  const { wanted, preview } = how;
  if (provider === undefined) return { id: "", outputs: {} };
  if (preview && !provider.supportsPreview) return { id: "", outputs: wanted.inputs };
  const timeoutSeconds = wanted.customTimeouts?.create ?? 0;
  return provider.create({ ...target, inputs: wanted.inputs, timeoutSeconds, preview });
}

async function updateBy(
  provider: Provider | undefined,
  target: Target,
  how: { old: ResourceEntry; wanted: ResourceEntry; preview: boolean },
): Promise<ProviderState> {
  const { old, wanted, preview } = how;
  const id = old.id ?? "";
  if (provider === undefined) return { id, outputs: old.outputs };
  if (preview && !provider.supportsPreview) return { id, outputs: wanted.inputs };
  return provider.update({
    ...target,
    id,
    oldInputs: old.inputs,
    oldOutputs: old.outputs,
    news: wanted.inputs,
    timeoutSeconds: wanted.customTimeouts?.update ?? 0,
    ignoreChanges: wanted.ignoreChanges ?? [],
    preview,
  });
}

async function deleteBy(registry: ProviderRegistry, old: ResourceEntry): Promise<void> {
  const provider = await registry.of(old);
  const timeoutSeconds = old.customTimeouts?.delete ?? 0;
  await provider?.delete({ ...targetOf(old), id: old.id ?? "", inputs: old.inputs, outputs: old.outputs, timeoutSeconds });
}

function callsProvider(context: ActionContext, step: Step, old: ResourceEntry): boolean {
  if (context.preview || !old.custom || isProviderType(old.type)) return false;
  if (old.external === true || old.retainOnDelete === true || step.op === "remove-pending-replace") return false;
  return old.deletedWith === undefined || !context.isDeleted(old.deletedWith);
}

function withState(wanted: ResourceEntry, state: ProviderState, initErrors: readonly string[] | undefined): ResourceEntry {
  return {
    ...wanted,
    ...(state.id === "" ? {} : { id: state.id }),
    ...(state.inputs === undefined ? {} : { inputs: state.inputs }),
    outputs: state.outputs,
    ...(initErrors === undefined || initErrors.length === 0 ? {} : { initErrors }),
  };
}

/** What a resource that stays takes over from its old entry. */
function identity(old: ResourceEntry): Partial<ResourceEntry> {
  return {
    ...(old.id === undefined ? {} : { id: old.id }),
    ...(old.importID === undefined ? {} : { importID: old.importID }),
    ...(old.unknownFields === undefined ? {} : { unknownFields: old.unknownFields }),
  };
}

function rename(subject: Subject): { rename?: { from: string; to: string } } {
  return subject.renamedFrom === undefined ? {} : { rename: { from: subject.renamedFrom, to: subject.urn } };
}

function sides(subject: Subject): { readonly old: ResourceEntry | undefined; readonly wanted: ResourceEntry } {
  return { old: subject.old, wanted: subject.new ?? missing(subject) };
}

function missing(subject: Subject): never {
  throw new BusError("ERR_INTERNAL", `a step of ${subject.urn} has nothing to work on`);
}

function targetOf(entry: ResourceEntry): Target {
  return { urn: entry.urn, type: entry.type, name: parseUrn(entry.urn).name };
}

/** A protected resource was to be deleted. Nothing else needs to be held back for that. */
export class ProtectedError extends Error {
  override readonly name = "ProtectedError";
  constructor(urn: string) {
    super(protectedText(urn));
  }
}

function protectedText(urn: string): string {
  return (
    `resource "${urn}" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the \`protect\` flag from the resource in your ` +
    `Pulumi program and run \`pulumi up\`, or use the command:\n\`pulumi state unprotect '${urn}'\``
  );
}
