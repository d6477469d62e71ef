import type { EngineEvent } from "../../engine/events.ts";
import { stackUrn } from "../../engine/urn.ts";
import type { DeployRequest } from "../deploy-request.ts";
import type { Terminal } from "../terminal.ts";
import { renderChanges } from "./changes.ts";
import { renderStepDiff } from "./diff.ts";
import { createLineDisplay, type ProgressDisplay, type ProgressOptions, renderBanner } from "./lines.ts";
import { createLiveDisplay, programOutput } from "./live.ts";
import { createRowTable } from "./rows.ts";
import { createRunRecord, type RunRecord, renderClosing } from "./run-report.ts";

/** Shows one run (a preview or the real thing) as text. */
export interface RunView {
  readonly record: RunRecord;
  onEvent(event: EngineEvent): void;
  /** Ends the progress display and writes the closing sections. */
  end(durationMs: number): void;
  /** Property differences of every changing step so far, for the answer `details`. */
  details(): string;
}

/** What is shown, and where. */
export interface RunViewOptions {
  readonly request: Pick<DeployRequest, "kind" | "diff" | "stack">;
  readonly project: string;
  readonly preview: boolean;
  /** Whether the closing sections are the result of the command, on stdout; else progress, on stderr. */
  readonly isResult: boolean;
  readonly terminal: Terminal;
}

/** The view that suits the terminal: a live table, plain lines, or differences with `--diff`. */
export function createRunView(options: RunViewOptions): RunView {
  const { request, preview, terminal } = options;
  const urn = stackUrn(options.project, request.stack);
  const record = createRunRecord({ kind: request.kind, stack: request.stack, stackUrn: urn });
  // A plan is what a preview is asked for; on the way to an update it is progress.
  const planIsResult = preview && options.isResult;
  const palette = planIsResult ? terminal.outPalette : terminal.errPalette;
  const write = planIsResult ? terminal.out : terminal.err;
  const progress = { kind: request.kind, preview, stack: request.stack, stackUrn: urn, palette, now: () => performance.now(), write };
  const isLive = planIsResult ? terminal.outIsLive : terminal.errIsLive;
  const display = chooseDisplay(progress, request.diff, isLive ? () => terminal.size() : undefined);
  const printed: string[] = [];
  return {
    record,
    onEvent(event) {
      record.onEvent(event);
      display.onEvent(event);
      const output = programOutput(event);
      if (output !== undefined) printed.push(output);
    },
    end(durationMs) {
      display.end();
      const result = options.isResult
        ? { write: terminal.out, palette: terminal.outPalette }
        : { write: terminal.err, palette: terminal.errPalette };
      const closing = renderClosing(record.facts(), durationMs, result.palette);
      if (printed.length > 0) terminal.err(`\n${printed.join("")}`);
      if (closing.diagnostics !== "") terminal.err(`\n${renderClosing(record.facts(), durationMs, terminal.errPalette).diagnostics}`);
      // After an update its lines have told what changed; what drifted is told nowhere else.
      const changes = request.diff ? "" : renderChanges({ steps: preview ? record.steps : [], drift: record.drift }, result.palette);
      result.write(`\n${changes === "" ? "" : `${changes}\n`}${closing.result}`);
    },
    details: () =>
      record.steps
        .filter((step) => step.op !== "same")
        .map((step) => renderStepDiff({ metadata: step, depth: 0 }, terminal.errPalette))
        .join("\n"),
  };
}

function chooseDisplay(
  options: ProgressOptions,
  diff: boolean,
  size: (() => { columns: number; lines: number }) | undefined,
): ProgressDisplay {
  if (diff) return createDiffDisplay(options);
  return size === undefined ? createLineDisplay(options) : createLiveDisplay({ ...options, size });
}

/** Every changed resource as a block of property differences, below its parents' depth. */
function createDiffDisplay(options: ProgressOptions): ProgressDisplay {
  const table = createRowTable(options.stackUrn);
  const { palette } = options;
  options.write(`${renderBanner(options)}\n`);
  return {
    table,
    onEvent(event) {
      table.apply(event, 0);
      if (!("resourcePreEvent" in event)) return;
      const { metadata } = event.resourcePreEvent;
      if (metadata.op === "same" || !table.rows.has(metadata.urn)) return;
      options.write(`${renderStepDiff({ metadata, depth: depthOf(metadata.urn, table) }, palette)}\n`);
    },
    end: () => undefined,
  };
}

function depthOf(urn: string, table: { readonly rows: ReadonlyMap<string, { readonly parent: string }> }): number {
  let depth = 0;
  for (let parent = table.rows.get(urn)?.parent ?? ""; parent !== "" && depth < 100; parent = table.rows.get(parent)?.parent ?? "")
    depth += 1;
  return depth;
}
