import { BusError } from "../core/errors.ts";
import { nearestWord } from "../core/nearest.ts";
import type { Json } from "./events.ts";
import type { Project } from "./project.ts";
import { CLEAR_TEXT, type SecretsCodec } from "./secrets.ts";
import { isSecure } from "./stack-settings.ts";
import { isJsonMap, type JsonMap } from "./state-values.ts";

/** The configuration of a stack as a program gets it. */
export interface StackConfig {
  /** `namespace:name` to text; maps and lists as JSON text; secrets in clear. */
  readonly config: Readonly<Record<string, string>>;
  /** Keys of `config` that hold a secret, sorted. */
  readonly secretKeys: readonly string[];
  /** The stack's own values with their namespaces, secrets encrypted: for the history. */
  readonly recorded: JsonMap;
}

/** Whether reading the configuration needs the stack's secrets. */
export function needsSecrets(settings: JsonMap): boolean {
  return Object.values(settings).some(holdsSecure);
}

/**
 * The configuration of a stack: its settings over the project's defaults.
 * @throws BusError ERR_STATE_CORRUPT for a secret of another stack, ERR_PROJECT for a value the project asks for and nobody set
 */
export function resolveConfig(project: Project, settings: JsonMap, codec: SecretsCodec): StackConfig {
  const config: Record<string, string> = {};
  const secrets = new Set<string>();
  const recorded: Record<string, Json> = {};
  const missing: string[] = [];
  for (const [key, declared] of Object.entries(project.config)) {
    const name = qualify(project.name, key);
    const { value, secret } = readDeclaration(declared);
    if (value === undefined) missing.push(name);
    else config[name] = renderValue(value, CLEAR_TEXT);
    if (secret) secrets.add(name);
  }
  for (const [key, value] of Object.entries(settings)) {
    const name = qualify(project.name, key);
    recorded[name] = value;
    config[name] = renderValue(value, codec);
    if (holdsSecure(value)) secrets.add(name);
  }
  const unset = missing.filter((name) => !(name in config));
  if (unset.length > 0) {
    throw new BusError("ERR_PROJECT", `the project asks for configuration that is not set: ${unset.join(", ")}`, {
      remedy: "set it in the stack's settings file",
    });
  }
  return { config: sortKeys(config), secretKeys: [...secrets].filter((name) => name in config).sort(), recorded };
}

// Shorter names are near to anything: `bus` to `aws`.
const TELLING_LENGTH = 5;
const LENGTH_OF_SLIP = 2;

/** Namespaces in the settings of a stack that look like the project's own, mistyped. Any other may be a Pulumi provider's. */
export function namespaceSlips(project: Project, settings: JsonMap): readonly string[] {
  const { name } = project;
  if (name.length < TELLING_LENGTH) return [];
  const namespaces = new Set(Object.keys(settings).flatMap((key) => (key.includes(":") ? key.split(":").slice(0, 1) : [])));
  return [...namespaces].filter(
    (space) =>
      ![name, "pulumi"].includes(space) &&
      Math.abs(space.length - name.length) <= LENGTH_OF_SLIP &&
      nearestWord(space, [name]) !== undefined,
  );
}

/** A key with the project's name as namespace unless it has one; `namespace:config:name` is an old form of `namespace:name`. */
function qualify(project: string, key: string): string {
  const [namespace = "", name, old] = key.split(":");
  if (name === undefined) return `${project}:${namespace}`;
  return old !== undefined && name === "config" ? `${namespace}:${old}` : key;
}

const DECLARATION_KEYS: ReadonlySet<string> = new Set(["type", "description", "value", "default", "secret", "items"]);

function readDeclaration(declared: Json): { readonly value: Json | undefined; readonly secret: boolean } {
  const isDeclaration =
    isJsonMap(declared) && Object.keys(declared).length > 0 && Object.keys(declared).every((key) => DECLARATION_KEYS.has(key));
  if (!isDeclaration) return { value: declared, secret: false };
  return { value: declared["value"] ?? declared["default"], secret: declared["secret"] === true };
}

function renderValue(value: Json, codec: SecretsCodec): string {
  if (typeof value === "string") return value;
  if (isSecure(value)) return codec.decrypt(value.secure);
  if (typeof value === "object" && value !== null) return goJson(decryptLeaves(value, codec));
  return value === null ? "" : String(value);
}

function decryptLeaves(value: Json, codec: SecretsCodec): Json {
  if (Array.isArray(value)) return value.map((part) => decryptLeaves(part as Json, codec));
  if (isSecure(value)) return codec.decrypt(value.secure);
  if (!isJsonMap(value)) return value;
  return sortKeys(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, decryptLeaves(part, codec)])));
}

// The text is an input of the default provider: it must be the one the CLI, written in Go, makes from the same settings.
function goJson(value: Json): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function holdsSecure(value: Json): boolean {
  if (isSecure(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some((part) => holdsSecure(part as Json));
}

function sortKeys<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1)));
}
