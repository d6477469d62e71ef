import type { EventSink } from "../engine/events.ts";
import type { Cancellation, RunResult } from "../engine/run-options.ts";
import type { DeployRequest } from "./deploy-request.ts";
import { EXIT } from "./exit-codes.ts";
import { createPhaseClock, type PhaseClock } from "./phases.ts";
import { assertCanAsk, confirm } from "./prompt.ts";
import { renderEventLine } from "./reporters/events-json.ts";
import { renderPreviewDocument } from "./reporters/preview-json.ts";
import { type PreviewDocument, renderPreviewMarkdown } from "./reporters/preview-markdown.ts";
import { createRunView, type RunView } from "./reporters/run-view.ts";
import type { Terminal } from "./terminal.ts";

/** One run of an engine. */
interface Execution {
  readonly preview: boolean;
  readonly onEvent: EventSink;
  readonly clock: PhaseClock;
}

/** What {@link deploy} works with. */
export interface DeployContext {
  readonly request: DeployRequest;
  readonly project: string;
  readonly terminal: Terminal;
  /** Configuration for the preview document, secrets masked. */
  readonly shownConfig: Readonly<Record<string, string>>;
  readonly cancellation: Cancellation;
  /** Runs the engine. */
  execute(execution: Execution): Promise<RunResult>;
}

/** How it ended. */
export interface DeployOutcome {
  readonly exitCode: number;
  /** Of the last run; undefined when nothing ran. */
  readonly result: RunResult | undefined;
  readonly clock: PhaseClock;
  /** Whether something was done, not only looked at. */
  readonly applied: boolean;
}

const WORDS = { up: "update", refresh: "refresh", destroy: "destroy" } as const;

/** What is asked before a run of this kind, and the command that only looks. */
export function questionOf({ kind, stack }: Pick<DeployRequest, "kind" | "stack">): { readonly action: string; readonly look: string } {
  const look = kind === "up" ? "preview" : `${kind} --preview-only`;
  return { action: WORDS[kind], look: `natsbus ${look} --stack ${stack}` };
}

/**
 * Previews, asks, and does it, as the request says; or previews only.
 * @throws BusError ERR_NO_TERMINAL when a question would have to be asked and cannot be
 */
export async function deploy(context: DeployContext): Promise<DeployOutcome> {
  const { request } = context;
  if (request.previewOnly) return previewOnly(context);
  const clock = createPhaseClock();
  if (!request.yes) assertCanAsk(context.terminal, questionOf(request));
  if (!request.skipPreview) {
    const { view, result } = await look(context, false);
    const exitCode = exitCodeOf(context, result, "preview");
    if (exitCode !== EXIT.ok) return { exitCode, result, clock, applied: false };
    if (!request.yes && !(await confirm(context.terminal, { ...questionOf(request), details: view.details }))) {
      context.terminal.err("nothing was changed\n");
      return { exitCode: EXIT.ok, result: undefined, clock, applied: false };
    }
  } else if (!request.yes && !(await confirm(context.terminal, { ...questionOf(request), details: () => "no preview was made" }))) {
    return { exitCode: EXIT.ok, result: undefined, clock, applied: false };
  }
  return apply(context);
}

async function previewOnly(context: DeployContext): Promise<DeployOutcome> {
  const { request, terminal } = context;
  const clock = createPhaseClock();
  const { view, result } = await look(context, true);
  if (isDocument(request)) {
    const { diagnostics } = view.record.facts();
    const document = renderPreviewDocument({ config: context.shownConfig, result, diagnostics });
    const isMarkdown = request.markdown === true && !request.json;
    terminal.out(isMarkdown ? renderPreviewMarkdown(request.stack, document as PreviewDocument) : `${JSON.stringify(document, null, 4)}\n`);
  }
  return { exitCode: exitCodeOf(context, result, request.kind === "up" ? "preview" : request.kind), result, clock, applied: false };
}

async function look(context: DeployContext, isResult: boolean): Promise<{ readonly view: RunView; readonly result: RunResult }> {
  const { request, project, terminal } = context;
  const clock = createPhaseClock();
  // A document replaces the text of the command's result, not the progress.
  const isText = !(isResult && isDocument(request));
  const view = createRunView({ request, project, preview: true, isResult, terminal: isText ? terminal : muted(terminal) });
  const result = await context.execute({ preview: true, onEvent: view.onEvent, clock });
  view.end(result.durationMs);
  return { view, result };
}

async function apply(context: DeployContext): Promise<DeployOutcome> {
  const { request, project, terminal } = context;
  const clock = createPhaseClock();
  const view = createRunView({ request, project, preview: false, isResult: true, terminal: request.json ? muted(terminal) : terminal });
  const onEvent: EventSink = (event) => {
    clock.onEvent(event);
    view.onEvent(event);
    if (request.json) terminal.out(renderEventLine(event));
  };
  const result = await context.execute({ preview: false, onEvent, clock });
  view.end(result.durationMs);
  return { exitCode: exitCodeOf(context, result, WORDS[request.kind]), result, clock, applied: true };
}

/** Whether the result of a preview is a document instead of text. */
function isDocument(request: DeployRequest): boolean {
  return request.json || request.markdown === true;
}

/** Results as text are left out; progress and diagnostics stay on stderr. */
function muted(terminal: Terminal): Terminal {
  return { ...terminal, out: () => undefined, outIsLive: false };
}

function exitCodeOf(context: DeployContext, result: RunResult, what: string): number {
  if (result.unexpectedChanges) {
    context.terminal.err(`${context.terminal.errPalette.error("error:")} no changes were expected for ${what} but changes were proposed\n`);
    return EXIT.unexpectedChanges;
  }
  return result.result === "succeeded" ? EXIT.ok : EXIT.error;
}
