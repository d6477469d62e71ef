import { DependencyGraph } from "./graph.ts";
import type { PendingOperation, ResourceEntry, RunRecorder, Snapshot, StateChange } from "./model.ts";
import { parseReference, providerReference } from "./urn.ts";

/** A state change together with the renames it brings. */
export interface LedgerChange extends StateChange {
  /** A resource found under a former URN: references of the entries left to `from` are rewritten to `to`. */
  readonly rename?: { readonly from: string; readonly to: string };
}

/**
 * The entries of a run in memory: those of the old state that were not touched yet, and those written by this run. Passes every change on to the
 * recorder, except in a preview.
 */
export class Ledger {
  #recorder: RunRecorder | undefined;
  #olds: ResourceEntry[] = [];
  #gone = new Set<ResourceEntry>();
  #byUrn = new Map<string, ResourceEntry>();
  readonly #news = new Map<string, ResourceEntry>();
  /** Entries changed in place, to what they became. */
  readonly #changed = new Map<ResourceEntry, ResourceEntry>();
  #graph: DependencyGraph | undefined;

  /** @param recorder undefined in a preview */
  constructor(base: Snapshot, recorder: RunRecorder | undefined) {
    this.#recorder = recorder;
    this.#load(base.resources);
  }

  /** The entry the resource had before this run; flagged changes of this run included. */
  old(urn: string): ResourceEntry | undefined {
    return this.#byUrn.get(urn);
  }

  /** The entry written by this run. */
  written(urn: string): ResourceEntry | undefined {
    return this.#news.get(urn);
  }

  /** The entry as it is known now. */
  current(urn: string): ResourceEntry | undefined {
    return this.#news.get(urn) ?? this.#byUrn.get(urn);
  }

  /** What an entry has become since it was looked up. */
  latest(entry: ResourceEntry): ResourceEntry {
    let current = entry;
    for (let next = this.#changed.get(current); next !== undefined; next = this.#changed.get(current)) current = next;
    return current;
  }

  /** Old entries that this run has not replaced or removed, in state order. */
  remaining(): readonly ResourceEntry[] {
    return this.#olds.filter((entry) => !this.#gone.has(entry));
  }

  /** All old entries with this run's flags, also those already replaced. */
  graph(): DependencyGraph {
    this.#graph ??= new DependencyGraph(this.#olds);
    return this.#graph;
  }

  /** From now on nothing is recorded any more: what is still running stays pending in the state. */
  freeze(): void {
    this.#recorder = undefined;
  }

  /** Remembers that an operation is about to begin. */
  async begin(operation: PendingOperation): Promise<void> {
    await this.#recorder?.begin(operation);
  }

  /** Applies a change in memory at once, and resolves when it is recorded. */
  async commit({ rename, ...change }: LedgerChange): Promise<void> {
    const removes = (change.removes ?? []).map((entry) => this.latest(entry));
    const changes = (change.changes ?? []).map(({ from, to }) => ({ from: this.latest(from), to }));
    for (const entry of removes) this.#remove(entry);
    for (const { from, to } of changes) this.#change(from, to);
    if (rename !== undefined) changes.push(...this.#rename(rename.from, rename.to));
    for (const entry of change.writes ?? []) this.#news.set(entry.urn, entry);
    await this.#recorder?.commit({ ...change, ...(removes.length === 0 ? {} : { removes }), ...(changes.length === 0 ? {} : { changes }) });
  }

  /** Puts freshly read entries in place of all old ones. */
  async rebase(resources: readonly ResourceEntry[]): Promise<void> {
    this.#load(resources);
    await this.#recorder?.rebase(resources);
  }

  /** An entry that stays where it is but does not count as one any more. */
  #remove(entry: ResourceEntry): void {
    if (this.#news.get(entry.urn) === entry) {
      this.#news.delete(entry.urn);
      return;
    }
    this.#gone.add(entry);
    if (this.#byUrn.get(entry.urn) === entry) this.#byUrn.delete(entry.urn);
  }

  #change(from: ResourceEntry, to: ResourceEntry): void {
    this.#changed.set(from, to);
    if (this.#news.get(from.urn) === from) {
      this.#news.set(to.urn, to);
      return;
    }
    const index = this.#olds.indexOf(from);
    if (index < 0) return;
    this.#olds[index] = to;
    this.#graph = undefined;
    if (this.#gone.delete(from)) this.#gone.add(to);
    if (this.#byUrn.get(from.urn) === from) this.#byUrn.delete(from.urn);
    if (to.delete !== true) this.#byUrn.set(to.urn, to);
  }

  #rename(from: string, to: string): { from: ResourceEntry; to: ResourceEntry }[] {
    const changes = this.remaining().flatMap((entry) => {
      const changed = renameReferences(entry, from, to);
      return changed === entry ? [] : [{ from: entry, to: changed }];
    });
    for (const change of changes) this.#change(change.from, change.to);
    return changes;
  }

  #load(resources: readonly ResourceEntry[]): void {
    this.#olds = [...resources];
    this.#gone = new Set();
    this.#graph = undefined;
    this.#byUrn = new Map(resources.filter((entry) => entry.delete !== true).map((entry) => [entry.urn, entry]));
  }
}

function renameReferences(entry: ResourceEntry, from: string, to: string): ResourceEntry {
  const swap = (urn: string): string => (urn === from ? to : urn);
  const next: ResourceEntry = {
    ...entry,
    ...(entry.parent === undefined ? {} : { parent: swap(entry.parent) }),
    ...(entry.deletedWith === undefined ? {} : { deletedWith: swap(entry.deletedWith) }),
    ...(entry.dependencies === undefined ? {} : { dependencies: entry.dependencies.map(swap) }),
    ...(entry.replaceWith === undefined ? {} : { replaceWith: entry.replaceWith.map(swap) }),
    ...(entry.provider === undefined ? {} : { provider: swapProvider(entry.provider, swap) }),
    ...(entry.propertyDependencies === undefined ? {} : { propertyDependencies: swapLists(entry.propertyDependencies, swap) }),
  };
  return JSON.stringify(referenceFields(next)) === JSON.stringify(referenceFields(entry)) ? entry : next;
}

function swapProvider(reference: string, swap: (urn: string) => string): string {
  const { urn, id } = parseReference(reference);
  return providerReference(swap(urn), id);
}

function swapLists(lists: Readonly<Record<string, readonly string[]>>, swap: (urn: string) => string): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(lists).map(([key, urns]) => [key, urns.map(swap)]));
}

function referenceFields(entry: ResourceEntry): readonly unknown[] {
  return [entry.parent, entry.deletedWith, entry.dependencies, entry.replaceWith, entry.provider, entry.propertyDependencies];
}
