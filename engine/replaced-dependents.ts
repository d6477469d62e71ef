import type { DependencyGraph } from "./graph.ts";
import type { ResourceEntry } from "./model.ts";
import { forcesReplacement, inputsWithUnknowns } from "./plan.ts";
import type { ProviderRegistry } from "./registry.ts";
import { parseReference, parseUrn } from "./urn.ts";
import { COMPUTED } from "./values.ts";

/** The old entries that must be replaced when `root` is deleted to make room for its successor, in state order. */
export async function findDependents(
  root: ResourceEntry,
  graph: DependencyGraph,
  registry: ProviderRegistry,
): Promise<readonly ResourceEntry[]> {
  const replaced = new Set([root.urn]);
  const found: ResourceEntry[] = [];
  for (const entry of graph.dependentsOf(root.urn)) {
    if (!(await mustBeReplaced(entry, replaced, registry))) continue;
    replaced.add(entry.urn);
    found.push(entry);
  }
  return found;
}

async function mustBeReplaced(entry: ResourceEntry, replaced: ReadonlySet<string>, registry: ProviderRegistry): Promise<boolean> {
  if (!entry.custom || entry.external === true || entry.delete === true) return false;
  if (replaced.has(parseReference(entry.provider ?? "").urn)) return true;
  if (entry.deletedWith !== undefined && replaced.has(entry.deletedWith)) return true;
  const news = inputsWithUnknowns(entry, replaced, COMPUTED);
  if (news === undefined) return false;
  const provider = await registry.of(entry);
  const { urn, type } = entry;
  const diff = await provider?.diff({
    urn,
    type,
    name: parseUrn(urn).name,
    id: entry.id ?? "",
    oldInputs: entry.inputs,
    oldOutputs: entry.outputs,
    news,
    ignoreChanges: entry.ignoreChanges ?? [],
  });
  return diff !== undefined && forcesReplacement(diff);
}
