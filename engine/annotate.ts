import { containsSecret, isMap, setKey } from "./traversal.ts";
import { type PropertyMap, Secret, type Value } from "./values.ts";

/**
 * Gives back the secret marks that a provider lost: a value is wrapped where the value of the same name in `source` holds a secret anywhere; maps
 * on both sides are walked key by key.
 */
export function annotateSecrets(values: PropertyMap, source: PropertyMap): PropertyMap {
  if (!containsSecret(source)) return values;
  const result: Record<string, Value> = {};
  for (const [key, value] of Object.entries(values))
    setKey(result, key, annotate(value, Object.hasOwn(source, key) ? source[key] : undefined));
  return result;
}

function annotate(value: Value, source: Value | undefined): Value {
  if (value instanceof Secret || !containsSecret(source)) return value;
  return isMap(value) && isMap(source) ? annotateSecrets(value, source) : new Secret(value);
}
