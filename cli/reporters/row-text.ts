import type { StepEventMetadata } from "../../engine/events.ts";
import { diffObjects } from "./object-diff.ts";
import { type OperationWords, operationWords, renderSpan } from "./operations.ts";
import type { Row } from "./rows.ts";

/** What the text of a row depends on besides the row. */
export interface RowView {
  readonly preview: boolean;
  readonly refresh: boolean;
  /** Whether the run has ended: messages are counted then, not shown. */
  readonly ended: boolean;
  readonly nowMs: number;
}

/** Symbol and words of what the row's step does. */
export function rowWords(row: Row): OperationWords {
  return operationWords(row.step?.op ?? "same");
}

/** The Status (or Plan) column: `creating (3s)`, `created (0.42s)`, `**creating failed**`. */
export function rowStatus(row: Row, view: RowView): string {
  const words = rowWords(row);
  const isSame = row.step === undefined || row.step.op === "same";
  if (isFailed(row, view)) return failedStatus(row, view);
  if (view.preview) return words.plan;
  const isOver = view.ended || (!row.isStack && row.state === "done");
  if (isSame) return row.isStack && !view.ended ? "running" : "";
  const span = renderSpan((row.endedMs ?? view.nowMs) - row.startedMs);
  return `${isOver ? words.done : words.doing} (${span})${row.step?.old?.retainOnDelete === true && isRemoval(row.step) ? "[retain]" : ""}`;
}

function isRemoval(step: StepEventMetadata): boolean {
  return step.op === "delete" || step.op === "delete-replaced";
}

function isFailed(row: Row, view: RowView): boolean {
  return row.state === "failed" || (view.ended && row.messages.errors > 0);
}

function failedStatus(row: Row, view: RowView): string {
  const { failed } = rowWords(row);
  const withSpan = row.state !== "failed" && failed !== "failed" && !view.preview;
  return `**${failed}${withSpan ? ` (${renderSpan((row.endedMs ?? view.nowMs) - row.startedMs)})` : ""}**`;
}

/** Lines below a row of a plan: what the change costs and why, as its provider says. */
export function rowNotes(row: Row, view: Pick<RowView, "preview">): readonly string[] {
  return view.preview ? ((row.replaceStep ?? row.step)?.notes ?? []).map((note) => `      ${note}`) : [];
}

/** The Info column: `[diff: +a-b~c]`, then the worst message, or (at the end) how many there were, or what it is doing now. */
export function rowInfo(row: Row, view: RowView): string {
  const step = informingStep(row);
  const isReading = step?.op === "refresh" && row.state === "running";
  const diff = step === undefined || isReading ? "" : diffSummary(step, view.refresh);
  const parts = diff === "" ? [] : [`[diff: ${diff}]`];
  if (view.ended) parts.push(...messageCounts(row));
  else if (row.messages.worst !== undefined) parts.push(row.messages.worst);
  else if (row.progress !== undefined) parts.push(row.progress);
  return parts.join("; ");
}

function informingStep(row: Row): StepEventMetadata | undefined {
  const isHalf = row.step?.op === "create-replacement" || row.step?.op === "delete-replaced";
  return isHalf ? (row.replaceStep ?? row.step) : row.step;
}

function messageCounts(row: Row): string[] {
  const plural = (count: number, noun: string): string[] => (count === 0 ? [] : [`${count} ${noun}${count === 1 ? "" : "s"}`]);
  const { errors, warnings, infos } = row.messages;
  return [...plural(errors, "error"), ...plural(warnings, "warning"), ...plural(infos, "message")];
}

/** Top-level properties that a step adds, removes and changes: `+a,b-c~d`; "" when none is known. */
function diffSummary(step: StepEventMetadata, refresh: boolean): string {
  const kinds = stepKinds(step, refresh);
  const group = (mark: string, kind: string): string => {
    const keys = [...kinds].filter(([, own]) => own === kind).map(([key]) => key);
    return keys.length === 0 ? "" : `${mark}${keys.sort().join(",")}`;
  };
  return `${group("+", "add")}${group("-", "delete")}${group("~", "update")}`;
}

function stepKinds(step: StepEventMetadata, refresh: boolean): ReadonlyMap<string, string> {
  const { old, new: current } = step;
  if (old === null || current === null) return new Map();
  const kinds = step.detailedDiff === null ? comparedKinds(step, refresh ? "outputs" : "inputs") : detailedKinds(step.detailedDiff);
  if ((old.protect ?? false) !== (current.protect ?? false)) kinds.set("protect", "update");
  if (old.provider !== current.provider && old.provider !== "") kinds.set("provider", "update");
  return kinds;
}

function comparedKinds(step: StepEventMetadata, bag: "inputs" | "outputs"): Map<string, string> {
  const compared = diffObjects(step.old?.[bag] ?? {}, step.new?.[bag] ?? {});
  return new Map([...compared].filter(([key, diff]) => diff.kind !== "same" && included(step, key)).map(([key, diff]) => [key, diff.kind]));
}

function detailedKinds(detailed: NonNullable<StepEventMetadata["detailedDiff"]>): Map<string, string> {
  const kinds = new Map<string, string>();
  for (const [path, { diffKind }] of Object.entries(detailed)) addPath(kinds, path, diffKind.replace("-replace", ""));
  return kinds;
}

function included(step: StepEventMetadata, key: string): boolean {
  return step.diffs === null || step.diffs.length === 0 || step.diffs.includes(key);
}

/** A change deeper inside a property is an update of the property. */
function addPath(kinds: Map<string, string>, path: string, kind: string): void {
  const key = /^(?:\["((?:[^"\\]|\\.)*)"\]|([^.[]+))/.exec(path);
  const top = key?.[1] ?? key?.[2] ?? path;
  kinds.set(top, key !== null && key[0].length === path.length && !kinds.has(top) ? kind : "update");
}
