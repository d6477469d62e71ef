import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, isScalar, isMap as isYamlMap, type Node, parseDocument, type YAMLMap } from "yaml";
import { BusError } from "../core/errors.ts";
import { nearestWord } from "../core/nearest.ts";
import type { Json } from "./events.ts";
import type { Project } from "./project.ts";
import { editSetting } from "./settings-edit.ts";
import { isJsonMap, type JsonMap } from "./state-values.ts";

/** The settings file of a stack (`Pulumi.STACK.yaml`), with its comments and layout. */
export interface StackSettings {
  readonly path: string;
  readonly document: Document;
}

/** A value to put into the settings; a block is written as YAML. */
export type SettingValue = { readonly text: string } | { readonly block: Json } | { readonly ciphertext: string };

const KEYS = ["config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment"];

/** Opens the settings file of a stack; one that does not exist is empty. @throws BusError ERR_PROJECT, also for a key that neither Pulumi nor natsbus knows */
export function loadSettings(project: Project, stack: string): StackSettings {
  const path = join(project.settingsDirectory, `Pulumi.${stack}.yaml`);
  const document = parseDocument(existsSync(path) ? read(path) : "");
  const [error] = document.errors;
  if (error !== undefined) throw invalid(path, error.message, error);
  if (document.contents !== null && !isYamlMap(document.contents)) throw invalid(path, "it does not hold a map");
  if (isYamlMap(document.contents)) assertKeys(path, document.contents);
  return { path, document };
}

/**
 * The salt of the stack's passphrase; undefined when none was set.
 * @throws BusError ERR_SECRETS_PROVIDER when the secrets are kept in another way
 */
export function encryptionSalt({ document, path }: StackSettings): string | undefined {
  const provider = document.get("secretsprovider");
  if (typeof provider === "string" && provider !== "" && provider !== "passphrase" && provider !== "default") {
    throw new BusError(
      "ERR_SECRETS_PROVIDER",
      `${path}: the secrets are kept by ${provider.split("?")[0]}; this engine knows "passphrase" alone`,
      {
        remedy: "use the Pulumi CLI, or change the provider with `pulumi stack change-secrets-provider passphrase`",
      },
    );
  }
  const salt = document.get("encryptionsalt");
  return typeof salt === "string" && salt !== "" ? salt : undefined;
}

/** Writes the salt into the settings file, above its first key; everything else stays as it is to the letter. @throws BusError ERR_STATE_WRITE */
export function saveSalt({ document, path }: StackSettings, salt: string): void {
  const lines = (existsSync(path) ? read(path) : "").split("\n").filter((line) => !line.startsWith("encryptionsalt:"));
  const first = lines.findIndex((line) => /^[^\s#%-]/.test(line));
  lines.splice(first < 0 ? lines.length - 1 : first, 0, `encryptionsalt: ${salt}`);
  document.set("encryptionsalt", salt);
  save(path, lines.join("\n"));
}

/** Sets one configuration key, `namespace:name`; undefined removes it. Lines of other keys stay as they are. @throws BusError ERR_STATE_WRITE */
export function saveSetting(settings: StackSettings, key: string, value: SettingValue | undefined): void {
  const { document, path } = settings;
  const held = value === undefined ? undefined : contentOf(value);
  if (held === undefined) document.deleteIn(["config", key]);
  else document.setIn(["config", key], document.createNode(held));
  save(path, editSetting(existsSync(path) ? read(path) : "", key, held));
}

function contentOf(value: SettingValue): Json {
  if ("text" in value) return value.text;
  return "block" in value ? value.block : { secure: value.ciphertext };
}

/** The `config` map as written: scalars as their text, maps and lists as they are. @throws BusError ERR_PROJECT */
export function settingsConfig({ document, path }: StackSettings): JsonMap {
  const config = document.get("config", true) as Node | undefined;
  if (config === undefined || (isScalar(config) && config.value === null)) return {};
  if (!isYamlMap(config)) throw invalid(path, "config is not a map");
  const result: Record<string, Json> = {};
  for (const { key, value } of config.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    result[name] = isScalar(value) ? scalarText(value) : ((value as Node).toJS(document) as Json);
  }
  return result;
}

/** Whether a value is `{secure: CIPHERTEXT}`. */
export function isSecure(value: Json): value is { readonly secure: string } {
  return isJsonMap(value) && typeof value["secure"] === "string" && Object.keys(value).length === 1;
}

// `1.10` and `0x10` mean their text, not a number.
function scalarText(value: { readonly value: unknown; readonly source?: string }): string {
  if (typeof value.value === "string") return value.value;
  return value.value === null ? "" : (value.source ?? String(value.value));
}

// A misspelt `config` would silently leave every setting at its default.
function assertKeys(path: string, { items }: YAMLMap): void {
  const unknown = items.map(({ key }) => (isScalar(key) ? String(key.value) : String(key))).filter((key) => !KEYS.includes(key));
  if (unknown.length === 0) return;
  const named = unknown.map((key) => {
    const near = nearestWord(key, KEYS);
    return `${JSON.stringify(key)}${near === undefined ? "" : ` (did you mean ${near}?)`}`;
  });
  const known = `${KEYS.slice(0, -1).join(", ")} and ${KEYS.at(-1)}`;
  throw new BusError("ERR_PROJECT", `${path}: no such key at the top level: ${named.join(", ")}; there are ${known}`, {
    remedy: "correct the name, or put settings under config",
  });
}

function save(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, text);
    renameSync(draft, path);
  } catch (cause) {
    throw new BusError("ERR_STATE_WRITE", `${path} cannot be written: ${(cause as Error).message}`, {
      remedy: "make the project folder writable for this user",
      cause,
    });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(path, (cause as Error).message, cause);
  }
}

function invalid(path: string, reason: string, cause?: unknown): BusError {
  return new BusError("ERR_PROJECT", `${path}: ${reason}`, { remedy: "correct the file", cause });
}
