import type { DiagnosticEvent, EngineEvent, StepEventMetadata, SummaryEvent } from "../../engine/events.ts";
import { type ClosingFacts, renderDestroyed, renderDiagnostics, renderDuration, renderOutputs, renderResources } from "./closing.ts";
import type { Palette } from "./palette.ts";
import { createRowTable } from "./rows.ts";

/** Gathers what the closing sections of a run tell. */
export interface RunRecord {
  onEvent(event: EngineEvent): void;
  /** The facts so far. */
  facts(): ClosingFacts;
  /** Step events that began, in order; for `--diff` and `details`. */
  readonly steps: readonly StepEventMetadata[];
  /** What a refresh found different, as steps of the operation `refresh`, or `delete` for what is gone. */
  readonly drift: readonly StepEventMetadata[];
}

/** What a run is, for its record. */
export type RunIdentity = Pick<ClosingFacts, "kind" | "stack" | "stackUrn">;

/** An empty record. */
export function createRunRecord(identity: RunIdentity): RunRecord {
  const diagnostics: DiagnosticEvent[] = [];
  const steps: StepEventMetadata[] = [];
  const drift: StepEventMetadata[] = [];
  const refreshing = new Set<string>();
  const table = createRowTable(identity.stackUrn);
  let stackStep: StepEventMetadata | undefined;
  let summary: SummaryEvent | undefined;

  function noteDrift(event: EngineEvent): void {
    if ("resourcePreEvent" in event && event.resourcePreEvent.metadata.op === "refresh")
      refreshing.add(event.resourcePreEvent.metadata.urn);
    if (!("resOutputsEvent" in event)) return;
    const { metadata } = event.resOutputsEvent;
    if (!refreshing.delete(metadata.urn) || metadata.op === "same") return;
    drift.push({ ...metadata, op: metadata.op === "delete" ? "delete" : "refresh" });
  }

  return {
    steps,
    drift,
    onEvent(event) {
      noteDrift(event);
      table.apply(event, 0);
      if ("diagnosticEvent" in event) diagnostics.push(event.diagnosticEvent);
      if ("resourcePreEvent" in event) steps.push(event.resourcePreEvent.metadata);
      if ("resOutputsEvent" in event && event.resOutputsEvent.metadata.urn === identity.stackUrn)
        stackStep = event.resOutputsEvent.metadata;
      if ("summaryEvent" in event) summary = event.summaryEvent;
    },
    facts() {
      const errored = [...table.rows.values()].filter((row) => row.state === "failed" || row.messages.errors > 0).length;
      return { ...identity, diagnostics, stackStep, summary, errored };
    },
  };
}

/** The sections behind the progress lines: what went wrong, and what came of it. */
export interface ClosingText {
  /** `Diagnostics:`, "" when there are none. */
  readonly diagnostics: string;
  /** `Outputs:`, `Resources:`, `Duration:`. */
  readonly result: string;
}

/** Renders the closing sections, separated by blank lines. */
export function renderClosing(facts: ClosingFacts, durationMs: number, palette: Palette): ClosingText {
  const isDestroyed = facts.kind === "destroy" && facts.summary?.isPreview === false && facts.summary.result === "succeeded";
  const sections = [
    renderOutputs(facts, palette),
    renderResources(facts, palette),
    renderDuration(durationMs, palette),
    isDestroyed ? renderDestroyed(facts.stack) : "",
  ];
  return { diagnostics: renderDiagnostics(facts, palette), result: sections.filter((section) => section !== "").join("\n") };
}
