import type { Ledger } from "./ledger.ts";
import { forcesReplacement } from "./plan.ts";
import type { ProviderRegistry } from "./registry.ts";
import { isDefaultProvider, parseReference, parseUrn } from "./urn.ts";

/** What deciding about a changed provider needs. */
export interface ProviderChangeContext {
  readonly ledger: Ledger;
  readonly registry: ProviderRegistry;
  /** URN to the former URN of resources found through an alias. */
  readonly aliased: ReadonlyMap<string, string>;
}

/**
 * Whether a resource must be replaced because its provider reference changed from `was` to `now`: never under the same URN or its alias; between
 * two default providers when the new one says that its settings call for it; otherwise always.
 */
export async function providerWasReplaced(was: string, now: string, context: ProviderChangeContext): Promise<boolean> {
  if (was === now || was === "" || now === "") return false;
  const old = parseReference(was);
  const next = parseReference(now);
  if (context.aliased.get(next.urn) === old.urn) return false;
  if (old.urn !== next.urn && !(isDefaultProvider(old.urn) && isDefaultProvider(next.urn))) return true;
  const before = context.ledger.old(old.urn) ?? context.ledger.written(old.urn);
  const after = context.ledger.written(next.urn);
  if (before === undefined || after === undefined || before === after) return false;
  const diff = await context.registry.resources.diff({
    urn: next.urn,
    type: after.type,
    name: parseUrn(next.urn).name,
    id: before.id ?? "",
    oldInputs: before.inputs,
    oldOutputs: before.outputs,
    news: after.inputs,
    ignoreChanges: [],
  });
  return forcesReplacement(diff);
}
