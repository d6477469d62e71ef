import { setImmediate as nextTurn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { isBusError } from "../core/errors.ts";
import type { DiagnosticEvent, EngineEventBody, PropertyDiff, StepEventMetadata, StepEventState, StepOp } from "./events.ts";
import { maskMap } from "./masking.ts";
import type { ResourceEntry } from "./model.ts";
import { PartialFailure } from "./model.ts";
import { grpcCode } from "./provider-calls.ts";
import type { RunStep } from "./run-options.ts";
import type { Step } from "./step.ts";
import { isLogical } from "./step.ts";
import { isDefaultProvider } from "./urn.ts";

/** How a {@link Reporter} tells. */
export interface ReporterOptions {
  readonly emit: (body: EngineEventBody) => void;
  readonly preview: boolean;
  /** Whether refreshed resources are part of the summary; in an update they are not. */
  readonly countsRefresh: boolean;
}

// What a failed step left, in the numbers of its event.
const UNCHANGED = 0;
const PARTIAL = 1;
const UNCERTAIN = 2;

const UNCERTAIN_OPS: ReadonlySet<StepOp> = new Set(["update", "delete", "delete-replaced"]);

const UNCERTAIN_CODES: ReadonlySet<status | undefined> = new Set([status.UNKNOWN, status.INTERNAL, status.DATA_LOSS]);

/** Tells what happens as events, and keeps the books for the summary. */
export class Reporter {
  #emit: (body: EngineEventBody) => void;
  readonly #preview: boolean;
  readonly #steps: RunStep[] = [];
  readonly #changes: Record<string, number> = {};
  readonly #components = new Map<string, Step>();
  readonly #running = new Set<string>();
  readonly #notes = new Map<string, Set<string>>();
  #asked: string | undefined;
  readonly #countsRefresh: boolean;
  #maybeCorrupt = false;

  constructor(options: ReporterOptions) {
    this.#emit = options.emit;
    this.#preview = options.preview;
    this.#countsRefresh = options.countsRefresh;
  }

  /** Whether a failed call left a resource in a state nobody knows. */
  get maybeCorrupt(): boolean {
    return this.#maybeCorrupt;
  }

  /** All steps in the order they began. */
  get steps(): readonly RunStep[] {
    return this.#steps;
  }

  /** Finished logical steps by operation, default providers left out. */
  get changes(): Readonly<Record<string, number>> {
    return this.#changes;
  }

  /** From now on nothing is told any more: what still ends was cut off. */
  silence(): void {
    this.#emit = () => undefined;
  }

  /** A step begins. */
  begin(step: Step): void {
    this.#steps.push({ ...runStep(step), ...this.#noted(step) });
    if ((step.subject.new ?? step.subject.old)?.custom === true) this.#running.add(step.subject.urn);
    this.#emit({ resourcePreEvent: { metadata: this.#metadata(step), ...this.#planning() } });
  }

  /** A step ended well. `op` is what a refresh turned out to be. `counted` is false for reads that found nothing new. */
  end(step: Step, { op = step.op, counted = true }: { readonly op?: StepOp; readonly counted?: boolean } = {}): void {
    const { subject } = step;
    this.#running.delete(subject.urn);
    const countable = isLogical(step) || (step.op === "refresh" && this.#countsRefresh);
    if (counted && countable && !isDefaultProvider(subject.urn)) this.#changes[op] = (this.#changes[op] ?? 0) + 1;
    const component = !(subject.new ?? subject.old)?.custom;
    if (component && subject.new !== undefined && step.op !== "refresh") this.#components.set(subject.urn, step);
    // What a component puts out comes later, with its own request; before that there are only the outputs of an earlier run.
    if (component && !this.#preview && !TELLS_ALWAYS.has(step.op)) return;
    // Within an update a refresh is told as such, not as what it found.
    const shown = step.op === "refresh" && !this.#countsRefresh ? "refresh" : op;
    this.#emit({ resOutputsEvent: { metadata: this.#metadata(step, shown), ...this.#planning() } });
  }

  /** A component (or the stack) has put out its final outputs. */
  outputs(entry: ResourceEntry): void {
    const step = this.#components.get(entry.urn);
    if (step === undefined) return;
    const metadata = this.#metadata({ ...step, subject: { ...step.subject, new: entry } });
    this.#emit({ resOutputsEvent: { metadata, ...this.#planning() } });
  }

  /** A step failed. */
  fail(step: Step, error: unknown): void {
    this.#running.delete(step.subject.urn);
    const prefix = this.#preview ? "Preview failed: " : "";
    this.error(prefix + failureText(error), step.subject.urn);
    if (this.#preview) return;
    const uncertain = UNCERTAIN_OPS.has(step.op) && UNCERTAIN_CODES.has(grpcCode(error));
    this.#maybeCorrupt ||= uncertain;
    this.#emit({
      resOpFailedEvent: {
        metadata: this.#metadata(step),
        status: error instanceof PartialFailure ? PARTIAL : uncertain ? UNCERTAIN : UNCHANGED,
        steps: 0,
      },
    });
  }

  /** Tells an error. */
  error(message: string, urn?: string): void {
    this.diagnostic({ severity: "error", prefix: "error: ", message: `${message}\n`, ...(urn === undefined ? {} : { urn }) });
  }

  /** Tells a warning. */
  warn(message: string, urn?: string): void {
    this.diagnostic({ severity: "warning", prefix: "warning: ", message: `${message}\n`, ...(urn === undefined ? {} : { urn }) });
  }

  /** Waits for a provider's opinion on one resource; what it says meanwhile in a preview becomes notes on the resource's step. Calls must not overlap. */
  async asking<T>(urn: string, call: () => Promise<T>): Promise<T> {
    if (!this.#preview) return call();
    this.#asked = urn;
    try {
      return await call();
    } finally {
      // The words were written before the answer, but to another pipe: one round of the event loop reads both.
      await nextTurn();
      this.#asked = undefined;
    }
  }

  /** Tells what a provider is doing now, or in a preview what it says about the resource asked about, if it is plain for which resource. */
  progress(message: string): void {
    if (this.#asked !== undefined) {
      this.#notes.set(this.#asked, (this.#notes.get(this.#asked) ?? new Set()).add(message));
      return;
    }
    const [urn, ...others] = this.#running;
    if (urn !== undefined && others.length === 0) this.#emit({ progressEvent: { urn, message } });
  }

  /** Tells a message of any kind. */
  diagnostic(event: Omit<DiagnosticEvent, "color">): void {
    this.#emit({ diagnosticEvent: { ...event, color: "never" } });
  }

  /** Passes on an event that is about no step. */
  emit(body: EngineEventBody): void {
    this.#emit(body);
  }

  #noted(step: Step): { readonly notes?: readonly string[] } {
    const notes = this.#notes.get(step.subject.urn);
    return notes === undefined || step.op === "same" || step.op === "refresh" || !isLogical(step) ? {} : { notes: [...notes] };
  }

  #planning(): { planning?: true } {
    return this.#preview ? { planning: true } : {};
  }

  #metadata(step: Step, op: StepOp = step.op): StepEventMetadata {
    const { urn, type, old, new: wanted } = step.subject;
    const entry = wanted ?? old;
    return {
      op,
      urn,
      type,
      old: old === undefined || step.op === "create" ? null : eventState(old),
      new: wanted === undefined ? null : eventState(wanted),
      keys: orNull(step.keys),
      diffs: orNull(step.diffs),
      detailedDiff: detailedDiff(step),
      ...(isLogical(step) ? { logical: true } : {}),
      provider: entry?.provider ?? "",
      ...this.#noted(step),
    };
  }
}

const TELLS_ALWAYS: ReadonlySet<StepOp> = new Set(["refresh", "delete", "discard"]);

function runStep(step: Step): RunStep {
  const { urn, old, new: wanted } = step.subject;
  return {
    op: step.op,
    urn,
    provider: (wanted ?? old)?.provider ?? "",
    oldState: old,
    newState: wanted,
    diffReasons: step.diffs,
    replaceReasons: step.keys,
    detailedDiff: step.detailedDiff,
    logical: isLogical(step),
  };
}

function eventState(entry: ResourceEntry): StepEventState {
  return {
    type: entry.type,
    urn: entry.urn,
    ...(entry.custom ? { custom: true } : {}),
    ...(entry.delete === true ? { delete: true } : {}),
    ...(entry.external === true ? { external: true } : {}),
    ...(entry.taint === true ? { taint: true } : {}),
    id: entry.id ?? "",
    parent: entry.parent ?? "",
    ...(entry.protect === true ? { protect: true } : {}),
    ...(entry.retainOnDelete === true ? { retainOnDelete: true } : {}),
    inputs: maskMap(entry.inputs),
    outputs: maskMap(entry.outputs),
    provider: entry.provider ?? "",
    ...(entry.initErrors === undefined ? {} : { initErrors: entry.initErrors }),
  };
}

function detailedDiff(step: Step): { readonly [path: string]: PropertyDiff } | null {
  if (step.detailedDiff === undefined) return null;
  const entries = Object.entries(step.detailedDiff).map(([path, { kind, inputDiff }]) => [path, { diffKind: kind, inputDiff }] as const);
  return Object.fromEntries(entries);
}

function orNull(keys: readonly string[]): readonly string[] | null {
  return keys.length === 0 ? null : keys;
}

function failureText(error: unknown): string {
  if (error instanceof PartialFailure) {
    const { reasons } = error;
    return `${reasons.length} error${reasons.length === 1 ? "" : "s"} occurred:\n${reasons.map((reason) => `\t* ${reason}\n`).join("")}\n`;
  }
  if (isBusError(error)) return error.remedy === undefined ? error.message : `${error.message}; ${error.remedy} [${error.code}]`;
  return error instanceof Error ? error.message : String(error);
}
