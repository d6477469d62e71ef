import type { ResourceEntry } from "./model.ts";
import { createUrn, parseUrn, STACK_TYPE } from "./urn.ts";
import type { PropertyMap, Value } from "./values.ts";

/** A former identity of a resource; parts left out are as they are now. */
export interface AliasSpec {
  /** The whole URN; then nothing else counts. */
  readonly urn?: string;
  readonly name?: string;
  readonly type?: string;
  readonly stack?: string;
  readonly project?: string;
  readonly parent?: string;
  readonly noParent?: boolean;
}

/** What the program wants of one resource. */
export interface Goal {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** URN or "". */
  readonly parent: string;
  readonly inputs: PropertyMap;
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** Provider reference; "" for components and providers. */
  readonly provider: string;
  /** Package to provider reference, for children. */
  readonly providers: Readonly<Record<string, string>>;
  readonly protect: boolean | undefined;
  readonly retainOnDelete: boolean | undefined;
  /** URN or "". */
  readonly deletedWith: string;
  readonly replaceWith: readonly string[];
  readonly deleteBeforeReplace: boolean | undefined;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  readonly hideDiff: readonly string[];
  readonly replacementTrigger: Value | undefined;
  readonly additionalSecretOutputs: readonly string[];
  readonly aliases: readonly AliasSpec[];
  /** Id to import; "" for none. */
  readonly importId: string;
  readonly customTimeouts: ResourceEntry["customTimeouts"];
  readonly sourcePosition: string | undefined;
  readonly stackTrace: ResourceEntry["stackTrace"];
}

/** A goal with everything optional left out. */
export function emptyGoal(type: string, name: string): Goal {
  return {
    type,
    name,
    custom: true,
    parent: "",
    inputs: {},
    dependencies: [],
    propertyDependencies: {},
    provider: "",
    providers: {},
    protect: undefined,
    retainOnDelete: undefined,
    deletedWith: "",
    replaceWith: [],
    deleteBeforeReplace: undefined,
    ignoreChanges: [],
    replaceOnChanges: [],
    hideDiff: [],
    replacementTrigger: undefined,
    additionalSecretOutputs: [],
    aliases: [],
    importId: "",
    customTimeouts: undefined,
    sourcePosition: undefined,
    stackTrace: undefined,
  };
}

/** `goal` with what it takes over from its parent: protect, retainOnDelete, deletedWith, and for components the missing providers. */
export function inheritFromParent(goal: Goal, parent: Goal | undefined): Goal {
  if (parent === undefined) return goal;
  return {
    ...goal,
    protect: goal.protect ?? parent.protect,
    retainOnDelete: goal.retainOnDelete ?? parent.retainOnDelete,
    deletedWith: goal.deletedWith === "" ? parent.deletedWith : goal.deletedWith,
    providers: goal.custom ? goal.providers : { ...parent.providers, ...goal.providers },
  };
}

/** Where a resource is looked up in the old state. */
export interface AliasContext {
  readonly stack: string;
  readonly project: string;
  /** The URN under which the parent was found in the old state, when that was an alias. */
  readonly parentAlias: string | undefined;
}

/** Former URNs of a resource in the order they are tried, the inherited ones of an aliased parent last. */
export function aliasUrns(goal: Goal, context: AliasContext): readonly string[] {
  const own = goal.aliases.map((alias) => aliasUrn(alias, goal, context));
  const inherited: string[] = [];
  if (context.parentAlias !== undefined) {
    inherited.push(inheritedUrn(goal.name, goal.type, { goal, parentAlias: context.parentAlias, context }));
    for (const urn of own) {
      const { name, type } = parseUrn(urn);
      inherited.push(inheritedUrn(name, type, { goal, parentAlias: context.parentAlias, context }));
    }
  }
  return [...new Set([...own, ...inherited])];
}

function aliasUrn(alias: AliasSpec, goal: Goal, context: AliasContext): string {
  if (alias.urn !== undefined) return alias.urn;
  return createUrn({
    stack: alias.stack ?? context.stack,
    project: alias.project ?? context.project,
    parent: alias.noParent === true ? "" : (alias.parent ?? goal.parent),
    type: alias.type ?? goal.type,
    name: alias.name ?? goal.name,
  });
}

// Children are named `${parent}-…` by convention, so the parent's new name in front of a child's name is swapped for the old one.
function inheritedUrn(name: string, type: string, from: { goal: Goal; parentAlias: string; context: AliasContext }): string {
  const parentName = parseUrn(from.goal.parent).name;
  const old = parseUrn(from.parentAlias);
  const swapped = name.startsWith(parentName) ? old.name + name.slice(parentName.length) : name;
  const parent = old.qualifiedType === STACK_TYPE ? "" : from.parentAlias;
  return createUrn({ stack: from.context.stack, project: from.context.project, parent, type, name: swapped });
}
