import { BusError } from "../core/errors.ts";
import type { ResourceEntry } from "./model.ts";
import { providerReference, STACK_TYPE } from "./urn.ts";

/**
 * Everything that contradicts itself in the entries of a state, as sentences; empty for a sound one. These are the rules by which the Pulumi CLI
 * accepts a state: what an entry refers to stands before it, components have no id, and a URN stands twice only beside entries flagged for deletion.
 */
export function findIntegrityProblems(entries: readonly ResourceEntry[]): readonly string[] {
  const problems: string[] = [];
  const before = new Set<string>();
  const providers = new Set<string>();
  const living = new Set<string>();
  for (const entry of entries) {
    problems.push(...entryProblems(entry, before, providers));
    if (entry.delete !== true) {
      if (living.has(entry.urn)) problems.push(`${entry.urn} stands twice without being flagged for deletion`);
      living.add(entry.urn);
    }
    before.add(entry.urn);
    providers.add(providerReference(entry.urn, entry.id ?? ""));
  }
  return problems;
}

/**
 * Refuses a state that contradicts itself.
 * @throws BusError ERR_ENGINE_STATE_INTEGRITY naming every problem
 */
export function assertIntegrity(entries: readonly ResourceEntry[]): void {
  const problems = findIntegrityProblems(entries);
  if (problems.length === 0) return;
  throw new BusError(
    "ERR_ENGINE_STATE_INTEGRITY",
    `the state contradicts itself:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    {
      remedy: "restore it from a backup in the state folder's .pulumi/backups, or import an export",
    },
  );
}

function entryProblems(entry: ResourceEntry, before: ReadonlySet<string>, providers: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const { urn, provider = "" } = entry;
  if (!entry.custom && (entry.id ?? "") !== "") problems.push(`${urn} is a component and yet has an id`);
  if (entry.type === STACK_TYPE && (entry.parent ?? "") !== "") problems.push(`${urn} is the stack and yet has a parent`);
  if (provider !== "" && !providers.has(provider))
    problems.push(`${urn} refers to the provider ${provider}, which does not stand before it`);
  for (const [role, target] of roles(entry)) {
    if (target !== "" && !before.has(target)) problems.push(`${urn} refers to its ${role} ${target}, which does not stand before it`);
  }
  return problems;
}

function roles(entry: ResourceEntry): readonly (readonly [role: string, urn: string])[] {
  const { parent = "", deletedWith = "", dependencies = [], replaceWith = [], propertyDependencies = {} } = entry;
  return [
    ["parent", parent],
    ["deletedWith", deletedWith],
    ...dependencies.map((urn) => ["dependency", urn] as const),
    ...replaceWith.map((urn) => ["replaceWith", urn] as const),
    ...Object.entries(propertyDependencies).flatMap(([key, urns]) => urns.map((urn) => [`dependency of ${key}`, urn] as const)),
  ];
}
