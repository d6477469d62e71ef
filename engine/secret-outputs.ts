import type { ResourceEntry } from "./model.ts";
import type { Value } from "./values.ts";
import { Secret } from "./values.ts";

/** `entry` with the outputs marked secret that the program named, or whose input of the same name is secret. */
export function markSecretOutputs(entry: ResourceEntry): ResourceEntry {
  const named = new Set(entry.additionalSecretOutputs ?? []);
  const outputs: Record<string, Value> = {};
  let changed = false;
  for (const [key, value] of Object.entries(entry.outputs)) {
    const hide = !(value instanceof Secret) && (named.has(key) || entry.inputs[key] instanceof Secret);
    outputs[key] = hide ? new Secret(value) : value;
    changed ||= hide;
  }
  return changed ? { ...entry, outputs } : entry;
}
