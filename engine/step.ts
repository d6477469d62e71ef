import type { StepOp } from "./events.ts";
import type { DiffAnswer, ResourceEntry } from "./model.ts";

/** What the steps of one chain are about; a step that runs changes it for the steps after it. */
export interface Subject {
  readonly urn: string;
  readonly type: string;
  /** Entry before the run. */
  old: ResourceEntry | undefined;
  /** Entry wanted, and after its step the entry reached. */
  new: ResourceEntry | undefined;
  /** Former URN under which the old entry was found. */
  readonly renamedFrom?: string;
}

/** One operation on one resource. */
export interface Step {
  readonly op: StepOp;
  readonly subject: Subject;
  /** Keys that force a replacement. */
  readonly keys: readonly string[];
  /** Keys that differ. */
  readonly diffs: readonly string[];
  readonly detailedDiff: DiffAnswer["detailedDiff"];
  /** For creates of a replacement and reads: the old entry stays, flagged for deletion at the end. For deletes: it stays, waiting for its successor. */
  readonly keepsOld: boolean;
}

/** Options of {@link createStep}. */
export interface StepDetails {
  readonly diff?: DiffAnswer;
  /** @default false */
  readonly keepsOld?: boolean;
}

/** Builds a step. */
export function createStep(op: StepOp, subject: Subject, details: StepDetails = {}): Step {
  return {
    op,
    subject,
    keys: details.diff?.replaces ?? [],
    diffs: details.diff?.diffs ?? [],
    detailedDiff: details.diff?.detailedDiff,
    keepsOld: details.keepsOld ?? false,
  };
}

/** A step that deletes `old`; external entries are only dropped. */
export function createDelete(old: ResourceEntry, how: { readonly replaced: boolean; readonly keepsOld?: boolean }): Step {
  const subject: Subject = { urn: old.urn, type: old.type, old, new: undefined };
  const verb = old.external === true ? "discard" : "delete";
  return createStep(how.replaced ? `${verb}-replaced` : verb, subject, { keepsOld: how.keepsOld ?? false });
}

/** The step with which an entry goes at the end of a run: flagged ones as the rest of a replacement, those that wait for a successor without a call. */
export function createFinalDelete(entry: ResourceEntry): Step {
  if (entry.delete === true) return createDelete(entry, { replaced: true });
  if (entry.pendingReplacement !== true) return createDelete(entry, { replaced: false });
  return createStep("remove-pending-replace", { urn: entry.urn, type: entry.type, old: entry, new: undefined });
}

const PHYSICAL: ReadonlySet<StepOp> = new Set([
  "create-replacement",
  "delete-replaced",
  "read-replacement",
  "discard-replaced",
  "import-replacement",
  "remove-pending-replace",
  "refresh",
]);

/** Whether a step is told and counted as one of its own, not as half of another. */
export function isLogical(step: Step): boolean {
  return !PHYSICAL.has(step.op);
}
