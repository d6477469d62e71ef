import { BusError } from "../core/errors.ts";
import type { Json } from "./events.ts";
import type { ResourceEntry } from "./model.ts";
import type { SecretsCodec } from "./secrets.ts";
import {
  decodeProperties,
  decodeValue,
  type EncodeValues,
  encodeProperties,
  encodeValue,
  isJsonMap,
  type JsonMap,
} from "./state-values.ts";

type Field = Exclude<keyof ResourceEntry, "unknownFields">;

/** Order of an entry's fields in the file, as the CLI writes them. */
const ORDER: readonly Field[] = [
  ...([
    "urn",
    "custom",
    "delete",
    "id",
    "type",
    "inputs",
    "outputs",
    "parent",
    "protect",
    "taint",
    "external",
    "dependencies",
    "initErrors",
    "provider",
  ] as const),
  ...([
    "propertyDependencies",
    "pendingReplacement",
    "additionalSecretOutputs",
    "aliases",
    "customTimeouts",
    "importID",
    "retainOnDelete",
    "deletedWith",
  ] as const),
  ...(["replaceWith", "created", "modified", "sourcePosition", "stackTrace", "ignoreChanges", "hideDiff", "replaceOnChanges"] as const),
  ...(["replacementTrigger", "refreshBeforeUpdate"] as const),
];

const ALWAYS: ReadonlySet<Field> = new Set<Field>(["urn", "custom", "type"]);
const KNOWN: ReadonlySet<string> = new Set(ORDER);

/** The form of an entry in the state file; empty fields are left out. */
export function encodeEntry(entry: ResourceEntry, options: EncodeValues): JsonMap {
  const result: Record<string, Json> = {};
  for (const field of ORDER) {
    const value = encodeField(field, entry, options);
    if (value !== undefined && (ALWAYS.has(field) || !isEmpty(value))) result[field] = value;
  }
  return { ...result, ...(entry.unknownFields as JsonMap | undefined) };
}

/** Reads an entry of the state file. @throws BusError ERR_STATE_CORRUPT */
export function decodeEntry(json: Json, codec: SecretsCodec): ResourceEntry {
  if (!isJsonMap(json)) throw corrupt("an entry is not an object");
  const { urn, type, custom } = json;
  if (typeof urn !== "string" || !urn.startsWith("urn:")) throw corrupt("an entry has no URN");
  if (typeof type !== "string") throw corrupt(`${urn} has no type`);
  const fields: Record<string, unknown> = { urn, type, custom: custom === true, inputs: {}, outputs: {} };
  const unknown: Record<string, Json> = {};
  for (const [name, value] of Object.entries(json)) {
    if (value === null) continue;
    if (!KNOWN.has(name)) unknown[name] = value;
    else fields[name] = decodeField(name as Field, value, { urn, codec });
  }
  if (Object.keys(unknown).length > 0) fields["unknownFields"] = unknown;
  return fields as unknown as ResourceEntry;
}

function encodeField(field: Field, entry: ResourceEntry, options: EncodeValues): Json | undefined {
  if (field === "inputs" || field === "outputs") return encodeProperties(entry[field], options);
  if (field === "replacementTrigger")
    return entry.replacementTrigger === undefined ? undefined : encodeValue(entry.replacementTrigger, options);
  return entry[field] as Json | undefined;
}

interface Context {
  readonly urn: string;
  readonly codec: SecretsCodec;
}

function decodeField(field: Field, value: Json, { urn, codec }: Context): unknown {
  switch (field) {
    case "inputs":
    case "outputs":
      if (!isJsonMap(value)) throw corrupt(`${field} of ${urn} are not an object`);
      return decodeProperties(value, codec);
    case "replacementTrigger":
      return decodeValue(value, codec);
    case "urn":
    case "type":
    case "id":
    case "parent":
    case "provider":
    case "deletedWith":
      if (typeof value !== "string") throw corrupt(`${field} of ${urn} is not text`);
      return value;
    case "dependencies":
    case "initErrors":
    case "replaceWith":
      if (!isTextList(value)) throw corrupt(`${field} of ${urn} is not a list of texts`);
      return value;
    case "propertyDependencies":
      if (!isJsonMap(value)) throw corrupt(`${field} of ${urn} is not an object`);
      return Object.fromEntries(Object.entries(value).map(([key, urns]) => [key, isTextList(urns) ? urns : []]));
    default:
      return value;
  }
}

function isTextList(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((part) => typeof part === "string");
}

function isEmpty(value: Json): boolean {
  if (value === false || value === "" || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function corrupt(reason: string): BusError {
  return new BusError("ERR_STATE_CORRUPT", `the state is damaged: ${reason}`, {
    remedy: "restore it from a backup in the state folder's .pulumi/backups, or import an export",
  });
}
