import type { Alias } from "@pulumi/pulumi/proto/alias_pb.js";
import type { ReadResourceRequest, RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import type { SourcePosition, StackTrace } from "@pulumi/pulumi/proto/source_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import { BusError } from "../core/errors.ts";
import type { ProviderRequest } from "./default-providers.ts";
import type { AliasSpec, Goal } from "./goal.ts";
import { emptyGoal } from "./goal.ts";
import type { ResourceEntry } from "./model.ts";
import { unsupported } from "./unsupported.ts";
import { isProviderType, packageOf, STACK_TYPE } from "./urn.ts";
import type { PropertyMap } from "./values.ts";
import { decodeStruct } from "./wire.ts";

/** What decoding a request needs to know about the run. */
export interface DecodeContext {
  readonly preview: boolean;
  /** Absolute folder of Pulumi.yaml, against which source positions are told. */
  readonly projectRoot: string;
  /** Packages announced by reference. */
  readonly packages: ReadonlyMap<string, ProviderRequest>;
}

/**
 * The goal of a registration.
 * @throws BusError ERR_ENGINE_UNSUPPORTED for features that only the CLI covers, ERR_ENGINE_UNKNOWN_VALUE for unknowns outside a preview
 */
export function decodeRegistration(request: RegisterResourceRequest, context: DecodeContext): Goal {
  assertSupported(request);
  const type = request.getType();
  const custom = request.getCustom();
  const inputs = decodeStruct(request.getObject(), unknowns(context));
  const dependencies = unique(request.getDependenciesList());
  return {
    ...emptyGoal(type, request.getName()),
    custom,
    inputs: isProviderType(type) ? withPluginUrl(inputs, request.getPlugindownloadurl()) : inputs,
    parent: type === STACK_TYPE ? "" : request.getParent(),
    dependencies,
    propertyDependencies: decodeDependencies(request, inputs, dependencies),
    provider: request.getProvider(),
    providers: Object.fromEntries(request.getProvidersMap().getEntryList()),
    protect: request.hasProtect() ? request.getProtect() : undefined,
    retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : undefined,
    deletedWith: request.getDeletedwith(),
    replaceWith: unique(request.getReplaceWithList()),
    deleteBeforeReplace: request.getDeletebeforereplacedefined() ? request.getDeletebeforereplace() : undefined,
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    hideDiff: request.getHidediffsList(),
    replacementTrigger: decodeTrigger(request, context),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: [...request.getAliasesList().map(decodeAlias), ...request.getAliasurnsList().map((urn) => ({ urn }))],
    importId: request.getImportid(),
    customTimeouts: decodeTimeouts(request.getCustomtimeouts()),
    sourcePosition: decodePosition(request.getSourceposition(), context.projectRoot),
    stackTrace: decodeTrace(request.getStacktrace(), context.projectRoot),
  };
}

/**
 * The goal of a read.
 * @throws BusError ERR_ENGINE_UNKNOWN_VALUE for unknowns outside a preview
 */
export function decodeRead(request: ReadResourceRequest, context: DecodeContext): Goal {
  return {
    ...emptyGoal(request.getType(), request.getName()),
    inputs: decodeStruct(request.getProperties(), unknowns(context)),
    parent: request.getParent(),
    dependencies: unique(request.getDependenciesList()),
    provider: request.getProvider(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    sourcePosition: decodePosition(request.getSourceposition(), context.projectRoot),
    stackTrace: decodeTrace(request.getStacktrace(), context.projectRoot),
  };
}

/** Which default provider a request asks for, should it need one. */
export function decodeProviderRequest(
  token: string,
  request: { getVersion(): string; getPlugindownloadurl(): string; getPackageref(): string },
  context: DecodeContext,
): ProviderRequest {
  const announced = context.packages.get(request.getPackageref());
  return announced ?? { packageName: packageOf(token), version: request.getVersion(), downloadUrl: request.getPlugindownloadurl() };
}

/** How unknowns are read: only previews may hold them. */
export function unknowns({ preview }: DecodeContext): { readonly unknowns: "keep" | "refuse" } {
  return { unknowns: preview ? "keep" : "refuse" };
}

function assertSupported(request: RegisterResourceRequest): void {
  const what = `${request.getType()} ${request.getName()}`;
  if (request.getRemote()) throw unsupported(`the remote component ${what}`);
  if (request.getTransformsList().length > 0) throw unsupported(`option transforms of ${what}`);
  if (request.getStateMigrationsList().length > 0) throw unsupported(`option stateMigrations of ${what}`);
  const hooks = request.getHooks()?.toObject() ?? {};
  if (Object.values(hooks).some((names) => Array.isArray(names) && names.length > 0)) throw unsupported(`option hooks of ${what}`);
}

// A request without them means that every property depends on everything.
function decodeDependencies(
  request: RegisterResourceRequest,
  inputs: PropertyMap,
  dependencies: readonly string[],
): Record<string, readonly string[]> {
  const map = request.getPropertydependenciesMap();
  if (map.getLength() === 0) return request.getCustom() ? Object.fromEntries(Object.keys(inputs).map((key) => [key, dependencies])) : {};
  const result: Record<string, readonly string[]> = {};
  map.forEach((value, key) => {
    result[key] = unique(value.getUrnsList());
  });
  return result;
}

function decodeTrigger(request: RegisterResourceRequest, context: DecodeContext): Goal["replacementTrigger"] {
  const value = request.getReplacementTrigger();
  if (value === undefined) return undefined;
  const holder = new structMessages.Struct();
  holder.getFieldsMap().set("trigger", value);
  return decodeStruct(holder, unknowns(context))["trigger"];
}

function decodeAlias(alias: Alias): AliasSpec {
  const spec = alias.getSpec();
  if (spec === undefined) return { urn: alias.getUrn() };
  return {
    ...given("name", spec.getName()),
    ...given("type", spec.getType()),
    ...given("stack", spec.getStack()),
    ...given("project", spec.getProject()),
    ...given("parent", spec.getParenturn()),
    ...(spec.getNoparent() ? { noParent: true } : {}),
  };
}

function given<Key extends string>(key: Key, text: string): { [K in Key]?: string } {
  return (text === "" ? {} : { [key]: text }) as { [K in Key]?: string };
}

function decodeTimeouts(timeouts: RegisterResourceRequest.CustomTimeouts | undefined): ResourceEntry["customTimeouts"] {
  if (timeouts === undefined) return undefined;
  const entries = [
    ["create", timeouts.getCreate()],
    ["update", timeouts.getUpdate()],
    ["delete", timeouts.getDelete()],
    ["read", timeouts.getRead()],
  ] as const;
  return Object.fromEntries(entries.flatMap(([key, text]) => (text === "" ? [] : [[key, parseGoDuration(text)]])));
}

const SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/**
 * Seconds of a duration as Go writes it (`1h30m`, `90s`).
 * @throws BusError ERR_ENGINE_OPTION
 */
export function parseGoDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g)];
  const read = parts.map(([whole]) => whole).join("");
  if (text !== "0" && (parts.length === 0 || read !== text)) {
    throw new BusError("ERR_ENGINE_OPTION", `unable to parse customTimeout Value ${text}`, { remedy: "write it like 90s, 5m or 1h30m" });
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? "s"] ?? 1), 0);
}

function decodePosition(position: SourcePosition | undefined, projectRoot: string): string | undefined {
  if (position === undefined || position.getUri() === "") return undefined;
  const uri = position.getUri();
  const column = position.getColumn();
  const place = `#${position.getLine()}${column === 0 ? "" : `,${column}`}`;
  if (!uri.startsWith("file://")) return uri + place;
  return `project:///${relative(projectRoot, uri.slice("file://".length))}${place}`;
}

// The SDK writes the URL of an ES module where a path belongs; that stays visible, as it does in state written by the CLI.
function relative(root: string, path: string): string {
  if (path.startsWith(`${root}/`)) return path.slice(root.length + 1);
  if (!path.startsWith("/") || path.startsWith("/file:")) return path.replace(/^\//, "");
  const from = root.split("/");
  const to = path.split("/");
  let common = 0;
  while (common < from.length && from[common] === to[common]) common++;
  return [...from.slice(common).map(() => ".."), ...to.slice(common)].join("/");
}

function decodeTrace(trace: StackTrace | undefined, projectRoot: string): ResourceEntry["stackTrace"] {
  if (trace === undefined) return undefined;
  return trace.getFramesList().flatMap((frame) => {
    const sourcePosition = decodePosition(frame.getPc(), projectRoot);
    return sourcePosition === undefined ? [] : [{ sourcePosition }];
  });
}

function withPluginUrl(inputs: PropertyMap, url: string): PropertyMap {
  return url === "" ? inputs : { ...inputs, __internal: { pluginDownloadURL: url } };
}

function unique(list: readonly string[]): readonly string[] {
  return [...new Set(list)];
}
