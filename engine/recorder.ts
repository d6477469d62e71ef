import { existsSync, renameSync, rmSync } from "node:fs";
import type { Json } from "./events.ts";
import { loadCheckpoint, renderCheckpoint, saveCheckpoint } from "./file-state.ts";
import { writeHistory } from "./history.ts";
import { assertIntegrity } from "./integrity.ts";
import { createJournal, type Journal, type JournalRecord, readJournal } from "./journal.ts";
import type { PendingOperation, ResourceEntry, RunOutcome, RunRecorder, Snapshot, StateChange } from "./model.ts";
import { type NumberedChange, RecordedState } from "./recorded-state.ts";
import { type IsResumable, isSettled } from "./resume.ts";
import type { PassphraseSecrets, SecretsCodec } from "./secrets.ts";
import { type StackAddress, stackFiles } from "./stack-files.ts";
import { type DeploymentDocument, decodePending, decodeState, encodePending, encodeState } from "./state.ts";
import { decodeEntry, encodeEntry } from "./state-entry.ts";

/** Where and how a run is recorded. */
export interface RecorderOptions {
  readonly address: StackAddress;
  readonly secrets: PassphraseSecrets;
  /** Configuration for the history, as the settings file has it, secrets encrypted. */
  readonly config: Json;
  /** Types whose interrupted creates need nobody to look after them.
   * @default - none */
  readonly isResumable?: IsResumable;
  /** Hears of things the user should know: a crashed run that was folded in, a history that could not be written. */
  readonly onNotice: (text: string) => void;
}

const EMPTY: Snapshot = { resources: [], pendingOperations: [] };

/**
 * Starts recording a run; the caller holds the stack's lock. What a crashed run left in its journal becomes part of the checkpoint first.
 * @throws BusError ERR_STATE_CORRUPT, ERR_STATE_VERSION, ERR_STATE_WRITE
 */
export function openRecorder(options: RecorderOptions): RunRecorder {
  const { address, secrets } = options;
  const { journal: path } = stackFiles(address);
  const loaded = loadFolded(address, secrets);
  const hash = loaded.crashed === "unfinished" ? saveCheckpoint(address, render(loaded.snapshot, options)) : loaded.hash;
  settleJournal(path, loaded.crashed, options);
  return record(loaded.snapshot, createJournal(path, hash), options);
}

/** The state of a stack with the journal of a crashed run folded in; reads only. Empty when there is no such stack. @throws BusError ERR_STATE_CORRUPT, ERR_STATE_VERSION */
export function loadState(address: StackAddress, codec: SecretsCodec): Snapshot {
  return loadFolded(address, codec).snapshot;
}

/** The document of a stack with the journal of a crashed run folded in, for `export`; reads only. */
export function exportState(
  address: StackAddress,
  options: { readonly secrets: PassphraseSecrets; readonly showSecrets?: boolean },
): DeploymentDocument {
  const { secrets, showSecrets = false } = options;
  return encodeState(loadState(address, secrets), { codec: secrets, salt: secrets.salt, showSecrets, time: new Date() });
}

/**
 * Replaces the state of a stack as a whole (`import`, or the first empty state); the caller holds the lock.
 * @throws BusError ERR_STATE_WRITE, ERR_ENGINE_STATE_INTEGRITY for entries the CLI would refuse; then nothing is written
 */
export function replaceState(snapshot: Snapshot, options: Pick<RecorderOptions, "address" | "secrets">): void {
  assertIntegrity(snapshot.resources);
  saveCheckpoint(options.address, render(snapshot, options));
  rmSync(stackFiles(options.address).journal, { force: true });
}

/** Whether a journal was left behind, and whether it still fits the checkpoint. */
type Crash = "none" | "unfinished" | "saved" | "outdated";

interface Loaded {
  readonly snapshot: Snapshot;
  readonly hash: string;
  readonly crashed: Crash;
}

function loadFolded(address: StackAddress, codec: SecretsCodec): Loaded {
  const checkpoint = loadCheckpoint(address);
  const hash = checkpoint?.hash ?? "";
  const base = checkpoint?.document === undefined ? EMPTY : decodeState(checkpoint.document, codec);
  const records = readJournal(stackFiles(address).journal);
  if (records === undefined) return { snapshot: base, hash, crashed: "none" };
  const crashed = judge(records, hash);
  return { snapshot: crashed === "unfinished" ? replay(base, records, codec) : base, hash, crashed };
}

function judge(records: readonly JournalRecord[], hash: string): Crash {
  const [first, ...rest] = records;
  const last = rest.at(-1);
  if (last !== undefined && "done" in last && last.done === hash) return "saved";
  if (first === undefined || rest.length === 0) return "saved";
  return "journal" in first && first.base === hash ? "unfinished" : "outdated";
}

function settleJournal(path: string, crashed: Crash, options: RecorderOptions): void {
  if (!existsSync(path)) return;
  if (crashed === "outdated") {
    const kept = `${path}.${Date.now()}.outdated`;
    renameSync(path, kept);
    options.onNotice(
      `the state was changed after a run crashed, so what that run did is not in it; its journal is kept as ${kept}. Run refresh, and compare`,
    );
    return;
  }
  if (crashed === "unfinished") options.onNotice("an earlier run ended without finishing; what it had done is in the state now");
  rmSync(path, { force: true });
}

function replay(base: Snapshot, records: readonly JournalRecord[], codec: SecretsCodec): Snapshot {
  const state = new RecordedState(base);
  for (const entry of records) {
    if ("begin" in entry) state.begin(decodePending(entry.begin, codec));
    else if ("commit" in entry) state.apply(decodeChange(entry.commit, codec));
    else if ("rebase" in entry) state.rebase(entry.rebase.map((json) => decodeEntry(json, codec)));
    else if ("clear" in entry) state.clearPending(entry.clear === "all");
  }
  return state.snapshot();
}

function decodeChange(commit: Extract<JournalRecord, { commit: unknown }>["commit"], codec: SecretsCodec): NumberedChange {
  return {
    ...commit,
    changes: commit.changes.map(([place, json]) => [place, decodeEntry(json, codec)]),
    writes: commit.writes.map((json) => decodeEntry(json, codec)),
  };
}

function record(base: Snapshot, journal: Journal, options: RecorderOptions): RunRecorder {
  const state = new RecordedState(base);
  const values = { codec: options.secrets };
  const { isResumable = () => false } = options;
  return {
    base,
    begin: (operation: PendingOperation) => {
      state.begin(operation);
      // When the machine stops, a create that is forgotten leaves something behind that nobody knows, unless the next one finds it; everything else can be seen again.
      const flush = operation.type === "creating" && !isResumable(operation.resource.type);
      return journal.append({ begin: encodePending(operation, values) }, { flush });
    },
    commit: async (change: StateChange) => {
      const numbered = state.numbered(change);
      state.apply(numbered);
      const changes = numbered.changes.map(([place, entry]) => [place, encodeEntry(entry, values)] as const);
      await journal.append({ commit: { ...numbered, changes, writes: numbered.writes.map((entry) => encodeEntry(entry, values)) } });
    },
    rebase: (resources: readonly ResourceEntry[]) => {
      state.rebase(resources);
      return journal.append({ rebase: resources.map((entry) => encodeEntry(entry, values)) });
    },
    clearPending: async ({ all }) => {
      const before = state.snapshot().pendingOperations.length;
      state.clearPending(all);
      if (state.snapshot().pendingOperations.length !== before) await journal.append({ clear: all ? "all" : "others" });
    },
    snapshot: () => state.snapshot(),
    finish: async (outcome) => finish(state.snapshot(), journal, outcome, options),
  };
}

function finish(ended: Snapshot, journal: Journal, outcome: RunOutcome, options: RecorderOptions): void {
  const { isResumable = () => false } = options;
  const snapshot = {
    ...ended,
    pendingOperations: ended.pendingOperations.filter((operation) => !isSettled(operation, ended, isResumable)),
  };
  const checkpoint = render(snapshot, options);
  saveCheckpoint(options.address, checkpoint, (done) => journal.appendLast({ done }));
  journal.remove();
  try {
    writeHistory({ address: options.address, outcome, checkpoint, config: options.config, endTime: new Date() });
  } catch (error) {
    options.onNotice(`the history of this run could not be written: ${(error as Error).message}`);
  }
  // Told after saving: a state that names everything there is, however badly ordered, can be repaired; a lost one cannot.
  assertIntegrity(snapshot.resources);
}

function render(snapshot: Snapshot, { address, secrets }: Pick<RecorderOptions, "address" | "secrets">): string {
  return renderCheckpoint(address, encodeState(snapshot, { codec: secrets, salt: secrets.salt, time: new Date() }));
}
