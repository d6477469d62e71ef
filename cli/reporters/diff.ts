import type { StepEventMetadata, StepEventState } from "../../engine/events.ts";
import { diffObjects, hasChanges, type ObjectDiff, type ValueDiff } from "./object-diff.ts";
import { operationWords } from "./operations.ts";
import type { Palette } from "./palette.ts";
import { objectLines } from "./values.ts";

/** A changed resource with its depth below the stack. */
export interface DiffStep {
  readonly metadata: StepEventMetadata;
  /** 0 for the stack. */
  readonly depth: number;
}

/** How the properties of a step differ. */
export function propertyDiff(metadata: StepEventMetadata): ObjectDiff {
  const { old, new: current, op } = metadata;
  if (op === "create" || op === "create-replacement" || op === "import") return diffObjects({}, current?.inputs ?? {});
  if (op === "delete" || op === "delete-replaced" || old === null || current === null) return new Map();
  const diff = bagDiff(metadata, old, current);
  const { diffs } = metadata;
  return diffs === null || diffs.length === 0
    ? diff
    : new Map([...diff].map(([key, value]) => [key, diffs.includes(key) ? value : asSame(value)]));
}

function bagDiff(metadata: StepEventMetadata, old: StepEventState, current: StepEventState): ObjectDiff {
  if (metadata.op === "refresh") return diffObjects(old.outputs, current.outputs);
  const comparesOutputs = Object.values(metadata.detailedDiff ?? {}).some((diff) => !diff.inputDiff);
  const inputs = diffObjects(old.inputs, current.inputs);
  if (!comparesOutputs && hasChanges(inputs)) return inputs;
  // What is there against what is wanted; outputs that are no inputs stay as they are. The same inputs as before: then it has drifted.
  return diffObjects(old.outputs, { ...old.outputs, ...current.inputs });
}

function asSame(diff: ValueDiff): ValueDiff {
  if (diff.kind === "same") return diff;
  return { kind: "same", value: diff.kind === "delete" ? diff.old : diff.new };
}

/** `SYMBOL TYPE: (op)` with id, URN and provider, then the properties that change; `replaces` tells which of them force a replacement. */
export function renderStepDiff(step: DiffStep, palette: Palette): string {
  const { metadata, depth } = step;
  const { symbol, color } = operationWords(metadata.op);
  const indent = 4 + depth * 4;
  const inner = " ".repeat(indent + 4);
  const paint = color === undefined ? (text: string): string => text : palette[color];
  const id = metadata.old?.id || metadata.new?.id;
  const facts = [
    ...(id ? [`[id=${id}]`] : []),
    `[urn=${metadata.urn}]`,
    ...(metadata.provider === "" ? [] : [`[provider=${metadata.provider}]`]),
    ...(metadata.keys !== null && metadata.keys.length > 0 ? [`[replaces: ${metadata.keys.join(", ")}]`] : []),
  ];
  const head = `${" ".repeat(indent - 2)}${symbol}${metadata.type}: (${metadata.op})`;
  const properties = objectLines(propertyDiff(metadata), indent + 4, { palette, hideSame: true });
  return [
    paint(head),
    ...facts.map((fact) => `${inner}${fact}`),
    ...properties,
    ...(metadata.notes ?? []).map((note) => `${inner}${note}`),
  ].join("\n");
}
