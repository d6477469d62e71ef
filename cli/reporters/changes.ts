import type { StepEventMetadata } from "../../engine/events.ts";
import { SECRET_TEXT } from "../../engine/masking.ts";
import { parseUrn } from "../../engine/urn.ts";
import { propertyDiff } from "./diff.ts";
import { hasChanges } from "./object-diff.ts";
import { operationWords } from "./operations.ts";
import type { Palette } from "./palette.ts";
import { objectLines } from "./values.ts";

const SHOWN: ReadonlySet<string> = new Set(["update", "replace", "import"]);

/** What {@link renderChanges} tells about. */
export interface ChangedSteps {
  /** Steps that began. */
  readonly steps: readonly StepEventMetadata[];
  /** What a refresh found. */
  readonly drift: readonly StepEventMetadata[];
}

/** `Changes:` names every property that drifted, or that an update or a replacement changes, old => new; "" when there is none. */
export function renderChanges({ steps, drift }: ChangedSteps, palette: Palette): string {
  const gone = drift.filter((step) => step.op === "delete").map((step) => renderGone(step, palette));
  const changed = [...drift.filter((step) => step.op !== "delete"), ...steps.filter((step) => SHOWN.has(step.op))];
  const blocks = [...gone, ...changed.flatMap((step) => renderChange(step, palette))];
  return blocks.length === 0 ? "" : `${palette.headline("Changes:")}\n${blocks.join("\n")}\n`;
}

function renderGone(step: StepEventMetadata, palette: Palette): string {
  const { type, name } = parseUrn(step.urn);
  return palette.delete(`  - ${type} ${name} is gone`);
}

function renderChange(step: StepEventMetadata, palette: Palette): string[] {
  const { type, name } = parseUrn(step.urn);
  const diff = propertyDiff(step);
  const { symbol, color } = operationWords(step.op);
  if (!hasChanges(diff) && step.op === "refresh") return [];
  const head = `  ${symbol}${type} ${name}`;
  const lines = objectLines(diff, 8, { palette, hideSame: true });
  const why = step.keys !== null && step.keys.length > 0 ? [`        ${palette.faint(`replaced because of ${step.keys.join(", ")}`)}`] : [];
  const drift = lines.length === 0 ? [`        ${palette.faint(hiddenReason(step))}`] : [];
  return [color === undefined ? head : palette[color](head), ...lines, ...drift, ...why];
}

/** Why something changes of which no property shows a difference. Two secrets look the same. */
function hiddenReason(step: StepEventMetadata): string {
  const hasSecret = JSON.stringify(step.new?.inputs ?? {}).includes(JSON.stringify(SECRET_TEXT));
  return `${hasSecret ? "a secret property differs, or " : ""}what is there differs from what was last written`;
}
