import type { DiagnosticEvent, Json } from "../../engine/events.ts";
import type { RunResult, RunStep } from "../../engine/run-options.ts";
import { isDefaultProvider, parseUrn, STACK_TYPE } from "../../engine/urn.ts";
import { maskEntry } from "./masked.ts";

/** What `preview --json` is made of. */
export interface PreviewFacts {
  /** Configuration with secrets already masked. */
  readonly config: Readonly<Record<string, string>>;
  readonly result: Pick<RunResult, "steps" | "resourceChanges" | "durationMs">;
  readonly diagnostics: readonly DiagnosticEvent[];
}

const HIDDEN: ReadonlySet<string> = new Set(["create-replacement", "delete-replaced"]);

/** The document of `preview --json`, field by field as the Pulumi CLI writes it. */
export function renderPreviewDocument(facts: PreviewFacts): { readonly [key: string]: Json } {
  const { result } = facts;
  return {
    ...(Object.keys(facts.config).length === 0 ? {} : { config: facts.config }),
    steps: result.steps.filter(isShown).map(renderStep),
    diagnostics: facts.diagnostics.filter((event) => event.severity !== "debug" && event.ephemeral !== true).map(renderDiagnostic),
    duration: Math.round(result.durationMs * 1e6),
    changeSummary: { ...result.resourceChanges },
  };
}

function isShown(step: RunStep): boolean {
  if (HIDDEN.has(step.op) || isDefaultProvider(step.urn)) return false;
  if (step.op !== "same") return true;
  return parseUrn(step.urn).type === STACK_TYPE || (step.oldState?.protect ?? false) !== (step.newState?.protect ?? false);
}

function renderStep(step: RunStep): { readonly [key: string]: Json } {
  return {
    op: step.op,
    urn: step.urn,
    ...(step.provider === "" ? {} : { provider: step.provider }),
    ...(step.oldState === undefined ? {} : { oldState: maskEntry(step.oldState) }),
    ...(step.newState === undefined ? {} : { newState: maskEntry(step.newState) }),
    ...(step.diffReasons.length === 0 ? {} : { diffReasons: step.diffReasons }),
    ...(step.replaceReasons.length === 0 ? {} : { replaceReasons: step.replaceReasons }),
    detailedDiff: step.detailedDiff === undefined ? null : { ...step.detailedDiff },
    ...(step.notes === undefined ? {} : { notes: step.notes }),
  };
}

function renderDiagnostic(event: DiagnosticEvent): { readonly [key: string]: Json } {
  const { urn, prefix = "", message, severity } = event;
  return { ...(urn === undefined || urn === "" ? {} : { urn }), message: `${prefix}${message}`, severity };
}
