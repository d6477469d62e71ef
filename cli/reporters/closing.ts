import type { DiagnosticEvent, StepEventMetadata, SummaryEvent } from "../../engine/events.ts";
import { parseUrn } from "../../engine/urn.ts";
import { diffObjects } from "./object-diff.ts";
import { OPERATION_ORDER, operationWords, renderSpan } from "./operations.ts";
import type { Palette } from "./palette.ts";
import { objectLines } from "./values.ts";

/** What the closing sections are made of. */
export interface ClosingFacts {
  readonly kind: "up" | "refresh" | "destroy";
  readonly stack: string;
  /** Lasting messages in order; ephemeral and debug ones are left out here. */
  readonly diagnostics: readonly DiagnosticEvent[];
  /** URN of the stack: messages without a resource are its own. */
  readonly stackUrn: string;
  /** The last step event of the stack with outputs, if any. */
  readonly stackStep: StepEventMetadata | undefined;
  readonly summary: SummaryEvent | undefined;
  /** Resources with errors. */
  readonly errored: number;
}

/** Steps that touch nothing. */
const UNCOUNTED: ReadonlySet<string> = new Set(["read", "discard", "discard-replaced"]);

/** `Diagnostics:` grouped by resource, those of the stack last; "" when there are none. */
export function renderDiagnostics(facts: ClosingFacts, palette: Palette): string {
  const groups = new Map<string, DiagnosticEvent[]>();
  for (const event of facts.diagnostics) {
    if (event.severity === "debug" || event.ephemeral === true) continue;
    const urn = event.urn || facts.stackUrn;
    groups.set(urn, [...(groups.get(urn) ?? []), event]);
  }
  if (groups.size === 0) return "";
  const stack = groups.get(facts.stackUrn);
  if (stack !== undefined && groups.delete(facts.stackUrn)) groups.set(facts.stackUrn, stack);
  const sections = [...groups].map(([urn, events]) => {
    const { type, name } = parseUrn(urn);
    const text = joinMessages(events, palette).trimEnd();
    const lines = text.split("\n").map((line) => `    ${line}`);
    return `  ${palette.bold(`${type} (${name}):`)}\n${lines.join("\n")}\n`;
  });
  return `${palette.headline("Diagnostics:")}\n${sections.join("\n")}`;
}

/** Messages of one resource as text; pieces of one stream are glued together. */
function joinMessages(events: readonly DiagnosticEvent[], palette: Palette): string {
  return events
    .map((event) => {
      const text = `${paintPrefix(event, palette)}${event.message}`;
      const isPiece = event.streamID !== undefined && event.streamID !== 0;
      return isPiece || text.endsWith("\n") ? text : `${text}\n`;
    })
    .join("");
}

function paintPrefix(event: DiagnosticEvent, palette: Palette): string {
  const prefix = event.prefix ?? "";
  if (event.severity === "error") return palette.error(prefix);
  return event.severity === "warning" ? palette.warning(prefix) : prefix;
}

/** `Outputs:` with marks for what changes; "" when there are none, and after a destroy. */
export function renderOutputs(facts: ClosingFacts, palette: Palette): string {
  const step = facts.stackStep;
  if (step === undefined || facts.kind === "destroy") return "";
  const current = step.new?.outputs ?? {};
  const old = step.op === "create" ? current : (step.old?.outputs ?? {});
  const lines = objectLines(diffObjects(old, current), 4, { palette });
  return lines.length === 0 ? "" : `${palette.headline("Outputs:")}\n${lines.join("\n")}\n`;
}

/** `Resources:` counts logical steps; in a preview `2 to create`, else `2 created`. */
export function renderResources(facts: ClosingFacts, palette: Palette): string {
  const { summary } = facts;
  if (summary === undefined) return "";
  const counts = OPERATION_ORDER.map((op) => ({ op, count: summary.resourceChanges[op] ?? 0 })).filter(
    ({ op, count }) => count > 0 && !UNCOUNTED.has(op),
  );
  const changes = counts.filter(({ op }) => op !== "same");
  const lines = changes.map(({ op, count }) => {
    const { symbol, color, plan, done } = operationWords(op);
    const text = `${symbol}${count} ${summary.isPreview ? `to ${plan}` : done}`;
    return color === undefined ? text : palette[color](text);
  });
  const same = counts.find(({ op }) => op === "same")?.count ?? 0;
  const total = changes.reduce((sum, { count }) => sum + count, 0);
  const tail = [...(changes.length > 1 ? [`${total} changes`] : []), ...(same > 0 ? [`${same} unchanged`] : [])].join(". ");
  if (tail !== "") lines.push(tail);
  if (facts.errored > 0) lines.push(palette.error(`${facts.errored} errored`));
  return `${palette.headline("Resources:")}\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

/** `Duration: 3.4s`. */
export function renderDuration(durationMs: number, palette: Palette): string {
  return `${palette.headline("Duration:")} ${renderSpan(durationMs < 10_000 ? Math.max(10, Math.round(durationMs / 10) * 10) : durationMs)}\n`;
}

/** What a destroy leaves behind, said after it. */
export function renderDestroyed(stack: string): string {
  return (
    "The resources in the stack have been deleted, but the history and configuration associated with the stack are still maintained. \n" +
    `If you want to remove the stack completely, run \`natsbus stacks rm ${stack}\`.\n`
  );
}
