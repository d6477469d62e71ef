/** What an operation does to one resource, in the words of Pulumi's events. */
export type StepOp =
  | "same"
  | "create"
  | "update"
  | "delete"
  | "replace"
  | "create-replacement"
  | "delete-replaced"
  | "read"
  | "read-replacement"
  | "refresh"
  | "discard"
  | "discard-replaced"
  | "remove-pending-replace"
  | "import"
  | "import-replacement";

/** Plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One side (old or new) of a resource in a step event. Secrets are the text `[secret]`, unknown values the unknown sentinel. */
export interface StepEventState {
  readonly type: string;
  readonly urn: string;
  readonly custom?: boolean;
  readonly delete?: boolean;
  /** Only read, never changed here. */
  readonly external?: boolean;
  /** To be replaced by the next update. */
  readonly taint?: boolean;
  /** "" when there is none yet. */
  readonly id: string;
  readonly parent: string;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly inputs: { readonly [key: string]: Json };
  readonly outputs: { readonly [key: string]: Json };
  readonly provider: string;
  readonly initErrors?: readonly string[];
}

/** How one property path changes. */
export interface PropertyDiff {
  /** `add`, `delete`, `update` and their `-replace` forms. */
  readonly diffKind: string;
  /** Whether old inputs, not old outputs, were compared. */
  readonly inputDiff: boolean;
}

/** What a step is about. */
export interface StepEventMetadata {
  readonly op: StepOp;
  readonly urn: string;
  readonly type: string;
  readonly old: StepEventState | null;
  readonly new: StepEventState | null;
  /** Properties that force a replacement. */
  readonly keys: readonly string[] | null;
  /** Properties that differ. */
  readonly diffs: readonly string[] | null;
  readonly detailedDiff: { readonly [path: string]: PropertyDiff } | null;
  /** Counted in the summary; false for the physical halves of a replacement. */
  readonly logical?: boolean;
  readonly provider: string;
  /** What the provider said in a preview about the change: what it costs and why; this engine's own. */
  readonly notes?: readonly string[];
}

/** A message of the program, a provider or the engine. */
export interface DiagnosticEvent {
  readonly urn?: string;
  /** `error: `, `warning: ` or none. */
  readonly prefix?: string;
  readonly message: string;
  readonly color: "never";
  readonly severity: "debug" | "info" | "info#err" | "warning" | "error";
  /** Chunks with one id belong together; absent for whole messages. */
  readonly streamID?: number;
  /** Status text only; not part of the closing report. */
  readonly ephemeral?: boolean;
}

/** How a run ended. */
export interface SummaryEvent {
  readonly maybeCorrupt: boolean;
  readonly durationSeconds: number;
  /** Logical steps by operation. */
  readonly resourceChanges: { readonly [op: string]: number };
  readonly PolicyPacks: { readonly [name: string]: string };
  readonly isPreview: boolean;
  readonly result: "succeeded" | "failed";
}

/** The body of an event: exactly one of these, in the JSON shape of Pulumi's `--event-log`; `progressEvent` is this engine's own. */
export type EngineEventBody =
  | { readonly preludeEvent: { readonly config: { readonly [key: string]: string } } }
  | { readonly cancelEvent: { readonly [key: string]: never } }
  | { readonly stdoutEvent: { readonly message: string; readonly color: "never" } }
  | { readonly diagnosticEvent: DiagnosticEvent }
  | { readonly resourcePreEvent: { readonly metadata: StepEventMetadata; readonly planning?: boolean } }
  | { readonly resOutputsEvent: { readonly metadata: StepEventMetadata; readonly planning?: boolean } }
  | { readonly resOpFailedEvent: { readonly metadata: StepEventMetadata; readonly status: number; readonly steps: number } }
  | { readonly summaryEvent: SummaryEvent }
  /** Says what a long provider operation is doing now; a status line, never part of the closing report. */
  | { readonly progressEvent: { readonly urn: string; readonly message: string } };

/** One event of a run. */
export type EngineEvent = EngineEventBody & {
  /** Counts from 0 within the run. */
  readonly sequence: number;
  /** Unix seconds. */
  readonly timestamp: number;
};

/** Receives the events of a run in order; must not throw. */
export type EventSink = (event: EngineEvent) => void;

/** Numbers and stamps events. */
export function createEventStream(sink: EventSink): (body: EngineEventBody) => void {
  let sequence = 0;
  return (body) => sink({ sequence: sequence++, timestamp: Math.floor(Date.now() / 1000), ...body });
}
