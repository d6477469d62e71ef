import { BusError } from "../core/errors.ts";
import type { Json } from "./events.ts";
import { CLEAR_TEXT, type SecretsCodec } from "./secrets.ts";
import { isUnknownText, SIGNATURE_KEY, SIGNATURES, UNKNOWN } from "./signatures.ts";
import { setKey } from "./traversal.ts";
import { Archive, Asset, COMPUTED, Computed, OutputValue, type PropertyMap, ResourceReference, Secret, type Value } from "./values.ts";

/** A JSON object. */
export type JsonMap = { readonly [key: string]: Json };

/** How values are written. */
export interface EncodeValues {
  readonly codec: SecretsCodec;
  /** Write secrets readably, as `stack export --show-secrets` does.
   * @default false */
  readonly showSecrets?: boolean;
}

const NUMBER_SIGNATURE = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c";

/** The form of a property bag in the state file. Keys are sorted, so that equal bags give equal text. */
export function encodeProperties(map: PropertyMap, options: EncodeValues): JsonMap {
  const result: Record<string, Json> = {};
  for (const key of Object.keys(map).sort()) setKey(result, key, encodeValue(map[key] ?? null, options));
  return result;
}

/** The form of one value in the state file. */
export function encodeValue(value: Value, options: EncodeValues): Json {
  if (typeof value === "number" && !Number.isFinite(value)) return encodeNumber(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((part) => encodeValue(part, options));
  if (value instanceof Secret) return encodeSecret(value.element, options);
  if (value instanceof Computed) return UNKNOWN;
  if (value instanceof OutputValue) return encodeValue(plainOutput(value), options);
  if (value instanceof Asset) return { [SIGNATURE_KEY]: SIGNATURES.asset, hash: value.hash, ...value.content };
  if (value instanceof Archive) return encodeArchive(value, options);
  if (value instanceof ResourceReference) return encodeReference(value);
  return encodeProperties(value as PropertyMap, options);
}

/**
 * Reads a property bag of the state file.
 * @throws BusError ERR_STATE_CORRUPT for a secret that cannot be read
 */
export function decodeProperties(json: JsonMap, codec: SecretsCodec): PropertyMap {
  const result: Record<string, Value> = {};
  for (const [key, part] of Object.entries(json)) setKey(result, key, decodeValue(part, codec));
  return result;
}

/** Reads one value of the state file. */
export function decodeValue(json: Json, codec: SecretsCodec): Value {
  if (typeof json === "string") return isUnknownText(json) ? COMPUTED : json;
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map((part) => decodeValue(part, codec));
  const map = json as JsonMap;
  return typeof map[SIGNATURE_KEY] === "string" ? decodeSpecial(map, codec) : decodeProperties(map, codec);
}

function encodeSecret(element: Value, options: EncodeValues): Json {
  // The whole is encrypted; secrets inside it keep their mark but are not encrypted once more.
  const text = JSON.stringify(encodeValue(element, { ...options, codec: CLEAR_TEXT }));
  if (options.showSecrets === true) return { [SIGNATURE_KEY]: SIGNATURES.secret, plaintext: text };
  return { [SIGNATURE_KEY]: SIGNATURES.secret, ciphertext: options.codec.encrypt(text) };
}

function plainOutput(output: OutputValue): Value {
  const element = output.element === undefined ? COMPUTED : output.element;
  return output.secret ? new Secret(element) : element;
}

function encodeNumber(value: number): Json {
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  return { [SIGNATURE_KEY]: NUMBER_SIGNATURE, value: bits.toString("hex") };
}

function encodeArchive(archive: Archive, options: EncodeValues): Json {
  const { assets, ...rest } = archive.content;
  return {
    [SIGNATURE_KEY]: SIGNATURES.archive,
    hash: archive.hash,
    ...rest,
    ...(assets === undefined ? {} : { assets: encodeProperties(assets, options) }),
  };
}

function encodeReference(reference: ResourceReference): Json {
  const { urn, id, packageVersion } = reference;
  return {
    [SIGNATURE_KEY]: SIGNATURES.reference,
    urn,
    ...(id === undefined ? {} : { id: id instanceof Computed ? "" : id }),
    ...(packageVersion === "" ? {} : { packageVersion }),
  };
}

function decodeSpecial(map: JsonMap, codec: SecretsCodec): Value {
  switch (map[SIGNATURE_KEY]) {
    case SIGNATURES.secret:
      return decodeSecret(map, codec);
    case SIGNATURES.asset:
      return new Asset(text(map["hash"]) ?? "", contents(map));
    case SIGNATURES.archive:
      return decodeArchive(map, codec);
    case SIGNATURES.reference:
      return new ResourceReference(text(map["urn"]) ?? "", decodeId(map["id"]), text(map["packageVersion"]) ?? "");
    case NUMBER_SIGNATURE:
      return Buffer.from(text(map["value"]) ?? "7ff8000000000001", "hex").readDoubleBE();
    default:
      return decodeProperties(map, codec);
  }
}

function decodeSecret(map: JsonMap, codec: SecretsCodec): Secret {
  const { ciphertext, plaintext } = map;
  if (typeof plaintext === "string") return new Secret(parseSecret(plaintext));
  if (typeof ciphertext === "string") return new Secret(parseSecret(codec.decrypt(ciphertext)));
  throw new BusError("ERR_STATE_CORRUPT", "a secret in the state has neither ciphertext nor plaintext", {
    remedy: "restore the state from a backup",
  });
}

// The error of JSON.parse would quote the text.
function parseSecret(json: string): Value {
  let parsed: Json;
  try {
    parsed = JSON.parse(json) as Json;
  } catch {
    throw new BusError("ERR_STATE_CORRUPT", "a decrypted secret in the state is not JSON", { remedy: "restore the state from a backup" });
  }
  return decodeValue(parsed, CLEAR_TEXT);
}

function decodeArchive(map: JsonMap, codec: SecretsCodec): Archive {
  const { path, uri } = contents(map);
  const assets = map["assets"];
  return new Archive(text(map["hash"]) ?? "", {
    ...(isJsonMap(assets) ? { assets: decodeProperties(assets, codec) } : {}),
    ...(path === undefined ? {} : { path }),
    ...(uri === undefined ? {} : { uri }),
  });
}

function decodeId(id: Json | undefined): string | Computed | undefined {
  if (typeof id !== "string") return undefined;
  return id === "" || isUnknownText(id) ? COMPUTED : id;
}

function contents(map: JsonMap): { text?: string; path?: string; uri?: string } {
  const parts = (["text", "path", "uri"] as const).map((key) => [key, map[key]] as const);
  return Object.fromEntries(parts.filter(([, value]) => typeof value === "string")) as { text?: string; path?: string; uri?: string };
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Whether `json` is an object. */
export function isJsonMap(json: Json | undefined): json is JsonMap {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
