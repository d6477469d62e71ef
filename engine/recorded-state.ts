import { BusError } from "../core/errors.ts";
import type { PendingOperation, ResourceEntry, Snapshot, StateChange } from "./model.ts";

/** A {@link StateChange} that names entries and operations by number, as a journal keeps it. */
export interface NumberedChange {
  readonly ends?: number;
  readonly removes: readonly number[];
  readonly changes: readonly (readonly [place: number, entry: ResourceEntry])[];
  readonly writes: readonly ResourceEntry[];
}

/**
 * The state of a stack while a run changes it, in memory. Every place of an entry and every operation has a number, counted up as they appear: a
 * journal that plays the same changes on the same base names the same things by the same numbers.
 */
export class RecordedState {
  readonly #unknownFields: Snapshot["unknownFields"];
  /** Places of what the run began with, in order. */
  #base: Map<number, ResourceEntry>;
  /** Places of what the run wrote, in completion order. */
  readonly #written = new Map<number, ResourceEntry>();
  readonly #places = new Map<ResourceEntry, number>();
  #leftover: readonly PendingOperation[];
  readonly #running = new Map<number, PendingOperation>();
  #nextPlace = 0;
  #nextOperation = 0;

  constructor(base: Snapshot) {
    this.#unknownFields = base.unknownFields;
    this.#leftover = base.pendingOperations;
    this.#base = this.#load(base.resources);
  }

  /** Notes that an operation runs. */
  begin(operation: PendingOperation): void {
    this.#running.set(this.#nextOperation++, operation);
  }

  /** Names what a change is about by number. @throws BusError ERR_INTERNAL for entries and operations that are not part of the state */
  numbered(change: StateChange): NumberedChange {
    const moved = new Map<ResourceEntry, number>();
    const changes = (change.changes ?? []).map(({ from, to }): readonly [number, ResourceEntry] => {
      const place = moved.get(from) ?? this.#placeOf(from);
      moved.set(to, place);
      return [place, to];
    });
    const removes = (change.removes ?? []).map((entry) => moved.get(entry) ?? this.#placeOf(entry));
    return {
      ...(change.ends === undefined ? {} : { ends: this.#operationNumber(change.ends) }),
      removes,
      changes,
      writes: change.writes ?? [],
    };
  }

  /** Applies a change. */
  apply(change: NumberedChange): void {
    if (change.ends !== undefined) this.#running.delete(change.ends);
    for (const [place, entry] of change.changes) this.#put(this.#written.has(place) ? this.#written : this.#base, place, entry);
    for (const place of change.removes) this.#remove(place);
    for (const entry of change.writes) this.#put(this.#written, this.#nextPlace++, entry);
  }

  /** Replaces what the run began with. */
  rebase(resources: readonly ResourceEntry[]): void {
    for (const entry of this.#base.values()) this.#places.delete(entry);
    this.#base = this.#load(resources);
  }

  /** Drops operations left over from earlier runs. */
  clearPending(all: boolean): void {
    this.#leftover = all ? [] : this.#leftover.filter((operation) => operation.type === "creating");
  }

  /** What would be saved now: entries of this run in completion order, then the remaining old ones. */
  snapshot(): Snapshot {
    return {
      resources: [...this.#written.values(), ...this.#base.values()],
      pendingOperations: [...this.#leftover, ...this.#running.values()],
      ...(this.#unknownFields === undefined ? {} : { unknownFields: this.#unknownFields }),
    };
  }

  #load(resources: readonly ResourceEntry[]): Map<number, ResourceEntry> {
    const places = new Map<number, ResourceEntry>();
    for (const entry of resources) this.#put(places, this.#nextPlace++, entry);
    return places;
  }

  #put(places: Map<number, ResourceEntry>, place: number, entry: ResourceEntry): void {
    const before = places.get(place);
    if (before !== undefined) this.#places.delete(before);
    places.set(place, entry);
    this.#places.set(entry, place);
  }

  #remove(place: number): void {
    const places = this.#written.has(place) ? this.#written : this.#base;
    const entry = places.get(place);
    if (entry !== undefined) this.#places.delete(entry);
    places.delete(place);
  }

  #placeOf(entry: ResourceEntry): number {
    const place = this.#places.get(entry);
    if (place === undefined) throw new BusError("ERR_INTERNAL", `${entry.urn} is not part of the state and cannot be changed or removed`);
    return place;
  }

  #operationNumber(operation: PendingOperation): number {
    for (const [number, running] of this.#running) if (running === operation) return number;
    throw new BusError("ERR_INTERNAL", `${operation.type} ${operation.resource.urn} ends but never began`);
  }
}
