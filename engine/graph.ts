import type { ResourceEntry } from "./model.ts";
import { parseReference } from "./urn.ts";

/** URNs an entry refers to, each of which must stand before it in the state. */
function referencesOf(entry: ResourceEntry): ReadonlySet<string> {
  const urns = new Set<string>(entry.dependencies ?? []);
  for (const list of Object.values(entry.propertyDependencies ?? {})) for (const urn of list) urns.add(urn);
  for (const urn of entry.replaceWith ?? []) urns.add(urn);
  for (const urn of [entry.parent, entry.deletedWith]) if (urn !== undefined && urn !== "") urns.add(urn);
  if (entry.provider !== undefined && entry.provider !== "") urns.add(parseReference(entry.provider).urn);
  return urns;
}

/** Who stands on whom among the entries of a state, in state order. */
export class DependencyGraph {
  readonly #entries: readonly ResourceEntry[];
  readonly #index = new Map<ResourceEntry, number>();
  readonly #byUrn = new Map<string, ResourceEntry[]>();
  readonly #children = new Map<string, ResourceEntry[]>();

  constructor(entries: readonly ResourceEntry[]) {
    this.#entries = entries;
    for (const [index, entry] of entries.entries()) {
      this.#index.set(entry, index);
      push(this.#byUrn, entry.urn, entry);
      if (entry.parent !== undefined && entry.parent !== "") push(this.#children, entry.parent, entry);
    }
  }

  /** Entries that `entry` directly stands on: what it refers to and, for a component among these, the component's children. */
  dependenciesOf(entry: ResourceEntry): ReadonlySet<ResourceEntry> {
    const found = new Set<ResourceEntry>();
    const before = this.#index.get(entry) ?? 0;
    for (const urn of referencesOf(entry)) for (const other of this.#byUrn.get(urn) ?? []) this.#add(found, other, before);
    for (const urn of entry.dependencies ?? []) this.#addChildren(found, urn, { entry, before });
    return found;
  }

  /** Entries that stand on `urn`, directly or through others, in state order. Needs no provider. */
  dependentsOf(urn: string): readonly ResourceEntry[] {
    const reached = new Set([urn]);
    const found: ResourceEntry[] = [];
    for (const entry of this.#entries) {
      if (entry.urn === urn || !intersects(referencesOf(entry), reached)) continue;
      found.push(entry);
      reached.add(entry.urn);
    }
    return found;
  }

  /** All entries that `entry` stands on, through others too. */
  ancestorsOf(entry: ResourceEntry): ReadonlySet<ResourceEntry> {
    const found = new Set<ResourceEntry>();
    const open = [entry];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const other of this.dependenciesOf(next)) {
        if (found.has(other)) continue;
        found.add(other);
        open.push(other);
      }
    }
    return found;
  }

  /** Splits condemned entries into layers to be deleted one after the other: nothing in a layer is needed by a later layer. */
  deletionLayers(condemned: readonly ResourceEntry[]): readonly (readonly ResourceEntry[])[] {
    const depth = new Map<ResourceEntry, number>();
    const waiting = new Set(condemned);
    const inOrder = [...condemned].sort((a, b) => this.#position(a) - this.#position(b));
    for (const entry of inOrder) {
      const below = [...this.dependenciesOf(entry)].filter((other) => waiting.has(other));
      depth.set(entry, Math.max(-1, ...below.map((other) => depth.get(other) ?? 0)) + 1);
    }
    const layers: ResourceEntry[][] = [];
    for (const entry of condemned) {
      const level = depth.get(entry) ?? 0;
      layers[level] = [...(layers[level] ?? []), entry];
    }
    return layers.reverse();
  }

  #position(entry: ResourceEntry): number {
    return this.#index.get(entry) ?? this.#entries.length;
  }

  // References point backwards; the same URN may stand again behind (a new entry beside its old one).
  #add(found: Set<ResourceEntry>, other: ResourceEntry, before: number): void {
    if (this.#position(other) < before) found.add(other);
  }

  #addChildren(found: Set<ResourceEntry>, urn: string, from: { entry: ResourceEntry; before: number }): void {
    const parents = this.#byUrn.get(urn) ?? [];
    if (!parents.some((parent) => !parent.custom)) return;
    for (const child of this.#children.get(urn) ?? []) {
      if (child === from.entry || found.has(child)) continue;
      this.#add(found, child, from.before);
      if (!child.custom) this.#addChildren(found, child.urn, from);
    }
  }
}

function push(map: Map<string, ResourceEntry[]>, key: string, entry: ResourceEntry): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
}

function intersects(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  for (const item of one) if (other.has(item)) return true;
  return false;
}
