import type { PropertyMap } from "./values.ts";

/** One entry of the state file, in memory. Immutable: a changed entry is a new object. Field names are those of the state file. */
export interface ResourceEntry {
  readonly urn: string;
  readonly type: string;
  readonly custom: boolean;
  readonly id?: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
  readonly parent?: string;
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: Readonly<Record<string, readonly string[]>>;
  readonly protect?: boolean;
  readonly external?: boolean;
  readonly delete?: boolean;
  readonly pendingReplacement?: boolean;
  readonly taint?: boolean;
  readonly retainOnDelete?: boolean;
  readonly deletedWith?: string;
  readonly replaceWith?: readonly string[];
  readonly initErrors?: readonly string[];
  readonly additionalSecretOutputs?: readonly string[];
  readonly aliases?: readonly string[];
  readonly customTimeouts?: { readonly create?: number; readonly update?: number; readonly delete?: number; readonly read?: number };
  readonly importID?: string;
  readonly created?: string;
  readonly modified?: string;
  readonly sourcePosition?: string;
  readonly stackTrace?: readonly { readonly sourcePosition: string }[];
  readonly ignoreChanges?: readonly string[];
  readonly hideDiff?: readonly string[];
  readonly replaceOnChanges?: readonly string[];
  readonly replacementTrigger?: PropertyMap[string];
  readonly refreshBeforeUpdate?: boolean;
  /** Fields of the file that this engine does not know; kept when the entry is rewritten. */
  readonly unknownFields?: Readonly<Record<string, unknown>>;
}

/** What a pending operation is about to do. */
export type PendingKind = "creating" | "updating" | "deleting" | "reading" | "importing";

/** An operation that had begun when the state was written. */
export interface PendingOperation {
  readonly type: PendingKind;
  readonly resource: ResourceEntry;
}

/** A whole deployment in memory. */
export interface Snapshot {
  readonly resources: readonly ResourceEntry[];
  readonly pendingOperations: readonly PendingOperation[];
  /** Fields of the deployment that this engine does not know; kept on save. */
  readonly unknownFields?: Readonly<Record<string, unknown>>;
}

/** One change of the state, made durable before the next step sees it. */
export interface StateChange {
  /** The operation that ended with this change. */
  readonly ends?: PendingOperation;
  /** Entries (of the snapshot the run began with, or written by this run) that are gone or superseded. */
  readonly removes?: readonly ResourceEntry[];
  /** Entries changed where they stand: `from` (of the snapshot the run began with, or written by this run) becomes `to` and keeps its position. */
  readonly changes?: readonly { readonly from: ResourceEntry; readonly to: ResourceEntry }[];
  /** New entries in completion order, always appended to those already written by this run. Entries are told apart by identity. */
  readonly writes?: readonly ResourceEntry[];
}

/**
 * Records what a run does to the state. Order of a saved snapshot: entries written in this run in completion order, then the remaining old
 * entries in old order. Implementations make every call durable enough to survive `kill -9` of the engine.
 */
export interface RunRecorder {
  /** The snapshot the run began with (journal of a crashed run folded in, pending operations included). */
  readonly base: Snapshot;
  /** Writes a pending operation before its provider call begins. */
  begin(operation: PendingOperation): Promise<void>;
  /** Ends an operation and applies its change. */
  commit(change: StateChange): Promise<void>;
  /** Replaces the base state as a whole (refresh): entries in final order. */
  rebase(resources: readonly ResourceEntry[]): Promise<void>;
  /** Drops pending operations left over from earlier runs; `all: false` keeps the creating ones, as the next write of the CLI does. */
  clearPending(options: { readonly all: boolean }): Promise<void>;
  /** What would be saved now. */
  snapshot(): Snapshot;
  /** Saves the snapshot as checkpoint (with `.bak`, backup and history as the CLI does) and removes the journal. */
  finish(outcome: RunOutcome): Promise<void>;
}

/** What the history remembers of a run. */
export interface RunOutcome {
  readonly kind: "update" | "refresh" | "destroy" | "resource-import";
  readonly result: "succeeded" | "failed";
  /** Step operation to count, as in the summary event. */
  readonly resourceChanges: Readonly<Record<string, number>>;
  /** Unix seconds. */
  readonly startTime: number;
  readonly message: string;
}

/** A property that a provider's check refused. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** A provider's answer to diff. */
export interface DiffAnswer {
  readonly changes: "unknown" | "none" | "some";
  readonly replaces: readonly string[];
  readonly stables: readonly string[];
  readonly diffs: readonly string[];
  /** Property path to kind; undefined when the provider does not say. */
  readonly detailedDiff?: Readonly<Record<string, { readonly kind: DiffKind; readonly inputDiff: boolean }>>;
  readonly deleteBeforeReplace: boolean;
}

/** How one property changes; `-replace` forms force a replacement. */
export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

/** What create, update and read resolve with. */
export interface ProviderState {
  /** "" from read: gone. */
  readonly id: string;
  readonly outputs: PropertyMap;
  /** From read only, when the provider answers inputs. */
  readonly inputs?: PropertyMap;
}

/** The resource exists but did not become well: it is kept in state with these reasons. */
export class PartialFailure extends Error {
  override readonly name = "PartialFailure";
  readonly state: ProviderState;
  readonly reasons: readonly string[];
  constructor(message: string, state: ProviderState, reasons: readonly string[]) {
    super(message);
    this.state = state;
    this.reasons = reasons;
  }
}

/** Names a resource toward its provider. */
export interface Target {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

/**
 * A configured provider. Values cross as {@link PropertyMap}s; the adapter unwraps and re-marks secrets (annotate rule), replaces references and
 * converts unknowns. Rejections carry the provider's message as `message`.
 */
export interface Provider {
  /** Whether create and update may be called with preview. */
  readonly supportsPreview: boolean;
  check(
    request: Target & { readonly olds: PropertyMap; readonly news: PropertyMap; readonly randomSeed: Uint8Array },
  ): Promise<{ readonly inputs: PropertyMap; readonly failures: readonly CheckFailure[] }>;
  diff(
    request: Target & {
      readonly id: string;
      readonly oldInputs: PropertyMap;
      readonly oldOutputs: PropertyMap;
      readonly news: PropertyMap;
      readonly ignoreChanges: readonly string[];
    },
  ): Promise<DiffAnswer>;
  create(
    request: Target & { readonly inputs: PropertyMap; readonly timeoutSeconds: number; readonly preview: boolean },
  ): Promise<ProviderState>;
  read(request: Target & { readonly id: string; readonly inputs: PropertyMap; readonly outputs: PropertyMap }): Promise<ProviderState>;
  update(
    request: Target & {
      readonly id: string;
      readonly oldInputs: PropertyMap;
      readonly oldOutputs: PropertyMap;
      readonly news: PropertyMap;
      readonly timeoutSeconds: number;
      readonly ignoreChanges: readonly string[];
      readonly preview: boolean;
    },
  ): Promise<ProviderState>;
  delete(
    request: Target & { readonly id: string; readonly inputs: PropertyMap; readonly outputs: PropertyMap; readonly timeoutSeconds: number },
  ): Promise<void>;
  /** Function of the package (`pkg:module:name`). */
  invoke(token: string, args: PropertyMap): Promise<{ readonly result: PropertyMap; readonly failures: readonly CheckFailure[] }>;
  /** Asks running calls to stop; best effort. */
  cancel(): Promise<void>;
}

/** Starts provider plugins and hands out configured providers; owns their processes. */
export interface ProviderHost {
  /** Starts the dynamic provider host now so that it is ready when first needed. */
  warmUp(packageName: string): void;
  /** A provider of `packageName` configured with `inputs` (the inputs of its provider resource, `__internal` already stripped).
   * @throws BusError ERR_ENGINE_PLUGIN_MISSING naming what to install */
  configure(request: {
    readonly packageName: string;
    readonly version: string;
    readonly reference: string;
    readonly inputs: PropertyMap;
  }): Promise<Provider>;
  /** CheckConfig; `news` as they are where the plugin does not implement it. */
  checkConfig(request: {
    readonly packageName: string;
    readonly version: string;
    readonly urn: string;
    readonly olds: PropertyMap;
    readonly news: PropertyMap;
  }): Promise<{ readonly inputs: PropertyMap; readonly failures: readonly CheckFailure[] }>;
  /** DiffConfig; old outputs against new inputs where the plugin does not implement it, never a replacement then. */
  diffConfig(request: {
    readonly packageName: string;
    readonly version: string;
    readonly urn: string;
    readonly id: string;
    readonly oldInputs: PropertyMap;
    readonly oldOutputs: PropertyMap;
    readonly news: PropertyMap;
  }): Promise<DiffAnswer>;
  /** Cancel to every plugin. */
  cancel(): Promise<void>;
  /** Stops every plugin process group. */
  close(): Promise<void>;
}

/** A running user program. */
export interface ProgramRun {
  /** Resolves when the process has ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Ends the process group. */
  kill(): void;
}
