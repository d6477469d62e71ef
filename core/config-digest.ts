/** The digest a server reports for the configuration it runs with (`config_digest`), computed beforehand: what a reload must lead to. */
import { createHash } from "node:crypto";
import { type ConfigBlock, type ConfigValue, isBlock } from "./config-text.ts";

/** Characters that Go writes escaped and JavaScript does not. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/g;

/**
 * `sha256:…` of a configuration, as nats-server computes it from the parsed file: order, comments and spelling of the text do not count.
 * Values of variables are part of it, so a tree that refers to some has no digest known beforehand.
 */
export function configDigest(tree: ConfigBlock): string {
  const hash = createHash("sha256");
  return `sha256:${hash.update(`${goJson(tree)}\n`).digest("hex")}`;
}

function goJson(value: ConfigValue): string {
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[${value.map(goJson).join(",")}]`;
  if (isBlock(value)) return goObject(value);
  return goEscape(JSON.stringify(value));
}

function goObject(block: ConfigBlock): string {
  const entries = Object.entries(block).filter(([, value]) => value !== undefined && value !== null);
  const sorted = entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${sorted.map(([key, value]) => `${goEscape(JSON.stringify(key))}:${goJson(value)}`).join(",")}}`;
}

function goEscape(json: string): string {
  return json.replaceAll(ESCAPED_BY_GO, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
