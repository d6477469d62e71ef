import { deepEqual } from "./equality.ts";
import type { Goal } from "./goal.ts";
import type { DiffAnswer, ResourceEntry } from "./model.ts";
import type { Step, Subject } from "./step.ts";
import { createStep } from "./step.ts";
import type { PropertyMap } from "./values.ts";
import { Computed } from "./values.ts";

/** What is to be done with a registered resource. */
export type Decision =
  | { readonly kind: "create" | "same" | "recreate" | "replace-external" }
  | { readonly kind: "import"; readonly replacement: boolean }
  | { readonly kind: "update" | "replace"; readonly diff: DiffAnswer };

/** What is known before the provider is asked to compare. */
export interface Facts {
  readonly goal: Goal;
  readonly old: ResourceEntry | undefined;
  /** The old one was deleted earlier in this run, to make room. */
  readonly recreating: boolean;
}

/** Whether the goal's import id asks for an import rather than being a leftover of an earlier one. */
export function isImport({ goal, old }: Facts): boolean {
  if (!goal.custom || goal.importId === "") return false;
  if (old === undefined || old.external === true) return true;
  return old.importID !== goal.importId && old.id !== goal.importId;
}

/** Decides what needs no comparison (rows 3 and 4); undefined when a diff must decide. */
export function decideWithoutDiff(facts: Facts): Decision | undefined {
  const { old, recreating } = facts;
  if (isImport(facts)) return { kind: "import", replacement: old !== undefined && !recreating };
  if (old === undefined) return { kind: "create" };
  if (recreating) return { kind: "recreate" };
  if (old.external === true) return { kind: "replace-external" };
  return undefined;
}

/** Replacements of this run that other resources may have asked to follow. */
export interface ReplaceContext {
  /** Whether the user asked to replace this resource (`--replace`). */
  readonly requested: boolean;
  /** Whether a URN was replaced in this run. */
  readonly wasReplaced: (urn: string) => boolean;
  /** Whether the change of provider calls for a replacement. */
  readonly providerReplaced: boolean;
}

/** Reasons that go before the provider's opinion (row 5); undefined when there is none. */
export function forcedReplacement(goal: Goal, old: ResourceEntry, context: ReplaceContext): DiffAnswer | undefined {
  if (context.requested || old.taint === true) return replacement("id");
  if (triggerChanged(goal, old)) return replacement("replacementTrigger");
  if (goal.replaceWith.some(context.wasReplaced)) return replacement("replaceWith");
  if (goal.deletedWith !== "" && context.wasReplaced(goal.deletedWith)) return replacement("deletedWith");
  if (context.providerReplaced) return replacement("provider");
  return undefined;
}

function replacement(key: string): DiffAnswer {
  return { changes: "some", replaces: [key], stables: [], diffs: [], deleteBeforeReplace: false };
}

function triggerChanged(goal: Goal, old: ResourceEntry): boolean {
  const was = old.replacementTrigger;
  const now = goal.replacementTrigger;
  if (now === undefined || now === null) return false;
  if (now instanceof Computed) return true;
  return was !== undefined && was !== null && !deepEqual(was, now);
}

/** Decides from a complete diff (row 7). */
export function decideFromDiff(old: ResourceEntry, diff: DiffAnswer): Decision {
  if (forcesReplacement(diff) || old.pendingReplacement === true) return { kind: "replace", diff };
  if (diff.changes === "some") return { kind: "update", diff };
  if ((old.initErrors ?? []).length > 0) return { kind: "update", diff: { ...diff, diffs: [] } };
  return { kind: "same" };
}

/** Whether a diff asks for a replacement. */
export function forcesReplacement(diff: DiffAnswer): boolean {
  if (diff.replaces.length > 0) return true;
  return Object.values(diff.detailedDiff ?? {}).some(({ kind }) => kind.endsWith("-replace"));
}

/** Whether the old one goes first: the option wins over the provider's flag. */
export function deletesFirst(goal: Goal, diff: DiffAnswer): boolean {
  return goal.deleteBeforeReplace ?? diff.deleteBeforeReplace;
}

/** The steps of a decision, without the deletes that a delete-before-replace puts in front. */
export function stepsOf(decision: Decision, subject: Subject, goal: Goal): readonly Step[] {
  switch (decision.kind) {
    case "create":
    case "same":
      return [createStep(decision.kind, subject)];
    case "update":
      return [createStep("update", subject, { diff: decision.diff })];
    case "import":
      if (!decision.replacement) return [createStep("import", subject)];
      return [createStep("import-replacement", subject, { keepsOld: true }), createStep("replace", subject)];
    case "recreate":
      return [createStep("replace", subject), createStep("create-replacement", subject)];
    case "replace-external":
      return [createStep("create-replacement", subject, { keepsOld: true }), createStep("replace", subject)];
    case "replace":
      return replaceSteps(decision.diff, subject, deletesFirst(goal, decision.diff));
  }
}

function replaceSteps(diff: DiffAnswer, subject: Subject, deleteFirst: boolean): readonly Step[] {
  const logical = createStep("replace", subject, { diff });
  const create = createStep("create-replacement", subject, { diff, keepsOld: !deleteFirst });
  return deleteFirst ? [logical, create] : [create, logical];
}

/** The entry a goal asks for, before any provider was asked: id, outputs and times are those of a resource that stays, or none. */
export function draftEntry(urn: string, goal: Goal, old: ResourceEntry | undefined): ResourceEntry {
  const fields: { [K in keyof ResourceEntry]?: ResourceEntry[K] | undefined } = {
    urn,
    type: goal.type,
    custom: goal.custom,
    inputs: goal.inputs,
    outputs: {},
    parent: goal.parent,
    provider: goal.provider,
    dependencies: goal.dependencies,
    propertyDependencies: goal.propertyDependencies,
    protect: goal.protect,
    retainOnDelete: goal.retainOnDelete,
    deletedWith: goal.deletedWith,
    replaceWith: goal.replaceWith,
    additionalSecretOutputs: goal.additionalSecretOutputs,
    customTimeouts: goal.customTimeouts,
    importID: goal.importId,
    ignoreChanges: goal.ignoreChanges,
    hideDiff: goal.hideDiff,
    replaceOnChanges: goal.replaceOnChanges,
    replacementTrigger: goal.replacementTrigger,
    sourcePosition: goal.sourcePosition,
    stackTrace: goal.stackTrace,
    created: old?.created,
    modified: old?.modified,
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => key === "outputs" || key === "inputs" || !isEmpty(value)),
  ) as unknown as ResourceEntry;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === "") return true;
  if (value === false) return false;
  if (Array.isArray(value)) return value.length === 0;
  return (
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
  );
}

/** Inputs with the values that depend on a replaced resource unknown; undefined when none does. */
export function inputsWithUnknowns(entry: ResourceEntry, replaced: ReadonlySet<string>, unknown: Computed): PropertyMap | undefined {
  let found = false;
  const inputs = Object.entries(entry.inputs).map(([key, value]) => {
    if (!(entry.propertyDependencies?.[key] ?? []).some((urn) => replaced.has(urn))) return [key, value] as const;
    found = true;
    return [key, unknown] as const;
  });
  return found ? Object.fromEntries(inputs) : undefined;
}
