/** nats-server's configuration language: plain trees to text. Every text is quoted, so that no value can become a variable, an include, a number or a key. */
import { BusError } from "./errors.ts";

/** A value of a server configuration; `undefined` and `null` leave the key out. */
export type ConfigValue = string | number | boolean | null | undefined | ConfigVariable | readonly ConfigValue[] | ConfigBlock;

/** A value that the server takes from its environment when it starts, so that it differs between servers or stays out of the file. */
export class ConfigVariable {
  /** Name of the environment variable. */
  readonly variable: string;
  constructor(variable: string) {
    this.variable = variable;
  }
}

/** A block of a server configuration, in the order it is written. */
export interface ConfigBlock {
  readonly [key: string]: ConfigValue;
}

const INDENT = "  ";
const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;
const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text of a configuration, one setting a line, ending in a line break. Equal trees give equal text.
 * @throws ERR_SERVER_CONFIG for a value the language cannot hold
 */
export function renderConfigText(block: ConfigBlock): string {
  return renderEntries(block, "", "");
}

/** `under` with `over` laid on top: blocks merge key by key, anything else is replaced, `null` removes. Keys match without regard to case, as the server reads them, but for names of accounts. */
export function mergeConfig(under: ConfigBlock, over: ConfigBlock): ConfigBlock {
  return mergeBlocks(under, over, (a, b) => a.toLowerCase() === b.toLowerCase());
}

function mergeBlocks(under: ConfigBlock, over: ConfigBlock, isSame: (a: string, b: string) => boolean): ConfigBlock {
  const merged: Record<string, ConfigValue> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const name = Object.keys(merged).find((known) => isSame(known, key)) ?? key;
    const before = merged[name];
    const isSameInside = name.toLowerCase() === "accounts" ? (a: string, b: string) => a === b : isSame;
    merged[name] = isBlock(before) && isBlock(value) ? mergeBlocks(before, value, isSameInside) : value;
  }
  return merged;
}

/** Whether a value is a block. */
export function isBlock(value: ConfigValue): value is ConfigBlock {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ConfigVariable);
}

function renderEntries(block: ConfigBlock, indent: string, path: string): string {
  let text = "";
  for (const [key, value] of Object.entries(block)) {
    if (value === undefined || value === null) continue;
    const below = path === "" ? key : `${path}.${key}`;
    text += `${indent}${renderKey(key)}${isBlock(value) ? " " : ": "}${renderValue(value, indent, below)}\n`;
  }
  return text;
}

function renderValue(value: ConfigValue, indent: string, path: string): string {
  if (typeof value === "string") return renderString(value, path);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return renderNumber(value, path);
  if (value instanceof ConfigVariable) return `$${value.variable}`;
  if (Array.isArray(value)) return renderList(value, indent, path);
  if (!isBlock(value))
    throw new BusError("ERR_SERVER_CONFIG", `${path}: a list holds an empty value`, { path, remedy: "remove the empty value" });
  const entries = renderEntries(value, indent + INDENT, path);
  return entries === "" ? "{}" : `{\n${entries}${indent}}`;
}

function renderList(values: readonly ConfigValue[], indent: string, path: string): string {
  if (values.length === 0) return "[]";
  const inner = indent + INDENT;
  return `[\n${values.map((value, index) => `${inner}${renderValue(value, inner, `${path}.${index}`)}\n`).join("")}${indent}]`;
}

// `include` is the one word that means something in key position.
function renderKey(key: string): string {
  return PLAIN_KEY.test(key) && key.toLowerCase() !== "include" ? key : renderString(key, key);
}

function renderString(text: string, path: string): string {
  if (!text.isWellFormed() || text.includes("\0"))
    throw new BusError("ERR_SERVER_CONFIG", `${path}: the text holds a zero byte or a broken character`, {
      path,
      remedy: "remove the character",
    });
  const escaped = text.replaceAll(/["\\\n\r\t]/g, (character) => ESCAPES[character] ?? character);
  const ascii = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return `"${escaped.replaceAll(/\p{Cc}/gu, (character) => (character < "\x80" ? ascii(character) : character))}"`;
}

function renderNumber(value: number, path: string): string {
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  const text = String(value);
  if (!isExact || /e/i.test(text))
    throw new BusError("ERR_SERVER_CONFIG", `${path}: the number ${text} cannot be written exactly`, {
      path,
      remedy: "use a number below 2^53",
    });
  return text;
}
