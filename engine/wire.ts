import type { Struct, Value as WireValue } from "google-protobuf/google/protobuf/struct_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { BusError } from "../core/errors.ts";
import { isUnknownText, SIGNATURE_KEY, SIGNATURES, UNKNOWN } from "./signatures.ts";
import { setKey } from "./traversal.ts";
import type { PropertyMap, Value } from "./values.ts";
import { Archive, Asset, COMPUTED, Computed, OutputValue, ResourceReference, Secret } from "./values.ts";

/** What the receiver of a property bag understands; what it does not is replaced by its nearest plain form. */
export interface EncodeOptions {
  /** Keep secret marks; otherwise the content goes in clear.
   * @default false */
  readonly secrets?: boolean;
  /** Keep resource references; otherwise the id (custom resources) or the URN goes.
   * @default false */
  readonly references?: boolean;
  /** Keep output wrappers; otherwise the content goes, marked secret or unknown where it was.
   * @default false */
  readonly outputs?: boolean;
  /** Leave out what assets and archives hold and send only their hash (old values toward a provider).
   * @default false */
  readonly elideAssets?: boolean;
  /** What an unknown becomes: the sentinel text, or nothing (the key is left out; null in a list).
   * @default "keep" */
  readonly unknowns?: "keep" | "drop";
}

/** How a received property bag is read. */
export interface DecodeOptions {
  /** Unknowns occur only in previews; in a real run they are a mistake of the sender.
   * @default "keep" */
  readonly unknowns?: "keep" | "refuse";
}

/** Keeps every special value, as the SDK and remote components understand them. */
export const KEEP_ALL: EncodeOptions = { secrets: true, references: true, outputs: true };

/**
 * The wire form of a property bag. Keys with undefined values and functions are left out.
 * @throws BusError ERR_INTERNAL for a value that has no wire form
 */
export function encodeStruct(map: PropertyMap, options: EncodeOptions = {}): Struct {
  const struct = new structMessages.Struct();
  fillStruct(struct, map, options);
  return struct;
}

/**
 * Reads a property bag; undefined reads as an empty one.
 * @throws BusError ERR_ENGINE_UNKNOWN_VALUE for an unknown where `unknowns` refuses it
 */
export function decodeStruct(struct: Struct | undefined, options: DecodeOptions = {}): PropertyMap {
  return struct === undefined ? {} : decodeFields(struct, options);
}

// A message is put into its parent while still empty and filled afterwards: google-protobuf copies a whole subtree each time a filled one is set.
function fillStruct(struct: Struct, map: PropertyMap, options: EncodeOptions): void {
  const fields = struct.getFieldsMap();
  for (const key of Object.keys(map)) {
    const value: Value | undefined = map[key];
    if (isAbsent(value, options)) continue;
    const field = new structMessages.Value();
    fields.set(key, field);
    fillValue(field, value, options);
  }
}

function fillValue(target: WireValue, value: Value, options: EncodeOptions): void {
  switch (typeof value) {
    case "string":
      target.setStringValue(value);
      return;
    case "number":
      target.setNumberValue(value);
      return;
    case "boolean":
      target.setBoolValue(value);
      return;
    case "object":
      fillObject(target, value, options);
      return;
    default:
      throw new BusError("ERR_INTERNAL", `a property value of type ${typeof value} has no wire form`);
  }
}

function fillObject(target: WireValue, value: Exclude<Value, string | number | boolean>, options: EncodeOptions): void {
  if (value === null) target.setNullValue(structMessages.NullValue.NULL_VALUE);
  else if (Array.isArray(value)) fillList(target, value, options);
  else if (value instanceof Secret) fillSecret(target, value.element, options);
  else if (value instanceof Computed) target.setStringValue(UNKNOWN);
  else if (value instanceof OutputValue) fillOutput(target, value, options);
  else if (value instanceof ResourceReference) fillReference(target, value, options);
  else if (value instanceof Asset) fillMap(target, assetFields(value, options), options);
  else if (value instanceof Archive) fillMap(target, archiveFields(value, options), options);
  else fillMap(target, plainMap(value as PropertyMap), options);
}

function fillMap(target: WireValue, map: PropertyMap, options: EncodeOptions): void {
  const struct = new structMessages.Struct();
  target.setStructValue(struct);
  fillStruct(struct, map, options);
}

function fillList(target: WireValue, list: readonly Value[], options: EncodeOptions): void {
  const message = new structMessages.ListValue();
  target.setListValue(message);
  for (const part of list) {
    const element = message.addValues();
    if (isAbsent(part, options)) element.setNullValue(structMessages.NullValue.NULL_VALUE);
    else fillValue(element, part, options);
  }
}

function fillSecret(target: WireValue, element: Value, options: EncodeOptions): void {
  if (options.secrets === true) fillMap(target, { [SIGNATURE_KEY]: SIGNATURES.secret, value: element }, options);
  else fillValue(target, element, options);
}

function fillOutput(target: WireValue, output: OutputValue, options: EncodeOptions): void {
  if (options.outputs !== true) {
    const element = output.element === undefined ? COMPUTED : output.element;
    fillValue(target, output.secret ? new Secret(element) : element, options);
    return;
  }
  const fields: Record<string, Value> = { [SIGNATURE_KEY]: SIGNATURES.output };
  if (output.element !== undefined) fields["value"] = output.element;
  if (output.secret) fields["secret"] = true;
  if (output.dependencies.length > 0) fields["dependencies"] = output.dependencies;
  fillMap(target, fields, options);
}

function fillReference(target: WireValue, reference: ResourceReference, options: EncodeOptions): void {
  if (options.references !== true) {
    fillValue(target, reference.id ?? reference.urn, options);
    return;
  }
  const fields: Record<string, Value> = { [SIGNATURE_KEY]: SIGNATURES.reference, urn: reference.urn };
  // An unknown id travels as empty text.
  if (reference.id !== undefined) fields["id"] = reference.id instanceof Computed ? "" : reference.id;
  if (reference.packageVersion !== "") fields["packageVersion"] = reference.packageVersion;
  fillMap(target, fields, options);
}

function assetFields(asset: Asset, options: EncodeOptions): PropertyMap {
  return { [SIGNATURE_KEY]: SIGNATURES.asset, hash: asset.hash, ...(options.elideAssets === true ? {} : asset.content) };
}

function archiveFields(archive: Archive, options: EncodeOptions): PropertyMap {
  return { [SIGNATURE_KEY]: SIGNATURES.archive, hash: archive.hash, ...(options.elideAssets === true ? {} : archive.content) };
}

// google-protobuf would write a Date as an empty map and bytes as a map of indexes.
function plainMap(value: PropertyMap): PropertyMap {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return value;
  throw new BusError("ERR_INTERNAL", `a property value of class ${value.constructor.name} has no wire form`);
}

function isAbsent(value: Value | undefined, options: EncodeOptions): value is undefined {
  return value === undefined || typeof value === "function" || (options.unknowns === "drop" && isUnknown(value, options));
}

function isUnknown(value: Value, options: EncodeOptions): boolean {
  if (value instanceof Computed) return true;
  if (value instanceof Secret) return isUnknown(value.element, options);
  if (value instanceof OutputValue) return value.element === undefined || isUnknown(value.element, options);
  return value instanceof ResourceReference && options.references !== true && value.id instanceof Computed;
}

function decodeFields(struct: Struct, options: DecodeOptions): PropertyMap {
  const map: Record<string, Value> = {};
  struct.getFieldsMap().forEach((value: WireValue, key: string) => {
    setKey(map, key, decodeValue(value, options));
  });
  return map;
}

function decodeValue(value: WireValue, options: DecodeOptions): Value {
  switch (value.getKindCase()) {
    case structMessages.Value.KindCase.STRING_VALUE:
      return decodeText(value.getStringValue(), options);
    case structMessages.Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case structMessages.Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case structMessages.Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map((part) => decodeValue(part, options));
    case structMessages.Value.KindCase.STRUCT_VALUE:
      return decodeMap(value.getStructValue() ?? new structMessages.Struct(), options);
    default:
      return null;
  }
}

function decodeText(text: string, options: DecodeOptions): Value {
  if (!isUnknownText(text)) return text;
  if (options.unknowns !== "refuse") return COMPUTED;
  throw new BusError("ERR_ENGINE_UNKNOWN_VALUE", "a value that is not known yet was sent outside a preview", {
    remedy: "report this to the author of the provider",
  });
}

function decodeMap(struct: Struct, options: DecodeOptions): Value {
  const map = decodeFields(struct, options);
  const signature = map[SIGNATURE_KEY];
  return typeof signature === "string" ? decodeSpecial(signature, map) : map;
}

function decodeSpecial(signature: string, map: PropertyMap): Value {
  switch (signature) {
    case SIGNATURES.secret:
      return new Secret(map["value"] ?? null);
    case SIGNATURES.asset:
      return new Asset(text(map["hash"]) ?? "", textContent(map));
    case SIGNATURES.archive:
      return new Archive(text(map["hash"]) ?? "", archiveContent(map));
    case SIGNATURES.reference:
      return new ResourceReference(text(map["urn"]) ?? "", referenceId(map["id"]), text(map["packageVersion"]) ?? "");
    case SIGNATURES.output:
      return new OutputValue(
        map["value"] instanceof Computed ? undefined : map["value"],
        map["secret"] === true,
        texts(map["dependencies"]),
      );
    default:
      return map;
  }
}

function text(value: Value | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function texts(value: Value | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((part) => typeof part === "string") : [];
}

function textContent(map: PropertyMap): { text?: string; path?: string; uri?: string } {
  const content: { text?: string; path?: string; uri?: string } = {};
  for (const key of ["text", "path", "uri"] as const) {
    const value = text(map[key]);
    if (value !== undefined) content[key] = value;
  }
  return content;
}

function archiveContent(map: PropertyMap): Archive["content"] {
  const { path, uri } = textContent(map);
  const assets = map["assets"];
  return {
    ...(typeof assets === "object" && assets !== null ? { assets: assets as PropertyMap } : {}),
    ...(path === undefined ? {} : { path }),
    ...(uri === undefined ? {} : { uri }),
  };
}

function referenceId(id: Value | undefined): string | Computed | undefined {
  if (id === undefined || id === null) return undefined;
  return typeof id === "string" && id !== "" ? id : COMPUTED;
}
