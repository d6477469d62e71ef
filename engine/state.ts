import { createHash } from "node:crypto";
import { BusError } from "../core/errors.ts";
import type { Json } from "./events.ts";
import type { PendingKind, PendingOperation, Snapshot } from "./model.ts";
import type { SecretsCodec } from "./secrets.ts";
import { decodeEntry, encodeEntry } from "./state-entry.ts";
import { type EncodeValues, isJsonMap, type JsonMap } from "./state-values.ts";

/** A deployment as files hold it: an export document, or what a checkpoint holds as `latest` with its version beside. */
export interface DeploymentDocument {
  readonly version: number;
  readonly features?: readonly string[];
  readonly deployment: JsonMap;
}

/** How a deployment is written. */
export interface EncodeState extends EncodeValues {
  /** Salt of the passphrase; "" when the stack has no secrets. */
  readonly salt: string;
  /** Time of the manifest. */
  readonly time: Date;
}

/** Version of the Pulumi CLI whose state format this is. */
const CLI_VERSION = "v3.270.0";

/** Format without, and with, a list of features. */
const PLAIN_VERSION = 3;
const FEATURE_VERSION = 4;

/** Feature a version 4 document must name, and the field of an entry that needs it. */
const FEATURES: readonly (readonly [feature: string, field: string])[] = [
  ["refreshBeforeUpdate", "refreshBeforeUpdate"],
  ["views", "viewOf"],
  ["hooks", "resourceHooks"],
  ["taint", "taint"],
  ["replaceWith", "replaceWith"],
  ["extensionParameterization", "extensionRef"],
];

const KNOWN_FEATURES: ReadonlySet<string> = new Set([...FEATURES.map(([feature]) => feature), "snippets-prototype"]);
const PENDING_KINDS: ReadonlySet<string> = new Set<PendingKind>(["creating", "updating", "deleting", "reading", "importing"]);
const KNOWN_FIELDS: ReadonlySet<string> = new Set(["manifest", "secrets_providers", "resources", "pending_operations", "metadata"]);

/** The document of a snapshot, in the format the Pulumi CLI reads. */
export function encodeState(snapshot: Snapshot, options: EncodeState): DeploymentDocument {
  const deployment: JsonMap = {
    manifest: { time: options.time.toISOString(), magic: magicOf(CLI_VERSION), version: CLI_VERSION },
    ...(options.salt === "" ? {} : { secrets_providers: { type: "passphrase", state: { salt: options.salt } } }),
    resources: snapshot.resources.map((entry) => encodeEntry(entry, options)),
    ...(snapshot.pendingOperations.length === 0
      ? {}
      : { pending_operations: snapshot.pendingOperations.map((operation) => encodePending(operation, options)) }),
    metadata: {},
    ...(snapshot.unknownFields as JsonMap | undefined),
  };
  const features = featuresOf(deployment);
  return features.length === 0 ? { version: PLAIN_VERSION, deployment } : { version: FEATURE_VERSION, features, deployment };
}

/** The form of a pending operation in the state file. */
export function encodePending(operation: PendingOperation, options: EncodeValues): JsonMap {
  return { resource: encodeEntry(operation.resource, options), type: operation.type };
}

/** Reads a pending operation. @throws BusError ERR_STATE_CORRUPT */
export function decodePending(json: Json, codec: SecretsCodec): PendingOperation {
  if (!isJsonMap(json) || typeof json["type"] !== "string" || !PENDING_KINDS.has(json["type"]))
    throw corrupt("a pending operation has no known type");
  return { type: json["type"] as PendingKind, resource: decodeEntry(json["resource"] ?? null, codec) };
}

/**
 * Checks what can be checked without opening secrets: version, features, manifest, list of resources.
 * @throws BusError ERR_STATE_CORRUPT, ERR_STATE_VERSION
 */
export function parseDocument(json: Json): DeploymentDocument {
  if (!isJsonMap(json)) throw noState("it is not an object");
  const { version, features, deployment } = json;
  if (version === undefined) throw noState("it has no version");
  if (version !== PLAIN_VERSION && version !== FEATURE_VERSION)
    throw newer(`it has version ${JSON.stringify(version)}; 3 and 4 are understood`);
  const names = Array.isArray(features) ? features.map(String) : [];
  const foreign = names.filter((name) => !KNOWN_FEATURES.has(name));
  if (foreign.length > 0) throw newer(`it uses the features ${foreign.join(", ")}`);
  if (!isJsonMap(deployment)) throw corrupt("it holds no deployment");
  checkManifest(deployment["manifest"]);
  return { version, ...(names.length === 0 ? {} : { features: names }), deployment };
}

/** What the state says about how its secrets are kept; "" when it says nothing. @throws BusError ERR_SECRETS_PROVIDER for anything but a passphrase */
export function saltOf(document: DeploymentDocument): string {
  const provider = document.deployment["secrets_providers"];
  if (!isJsonMap(provider) || provider["type"] === undefined || provider["type"] === "") return "";
  const { type, state } = provider;
  if (type === "passphrase" && isJsonMap(state) && typeof state["salt"] === "string") return state["salt"];
  throw new BusError(
    "ERR_SECRETS_PROVIDER",
    `the state's secrets are kept by ${JSON.stringify(type)}; this engine knows "passphrase" alone`,
    {
      remedy: "use the Pulumi CLI, or change the provider with `pulumi stack change-secrets-provider passphrase`",
    },
  );
}

/** Reads a document that {@link parseDocument} accepted. @throws BusError ERR_STATE_CORRUPT */
export function decodeState(document: DeploymentDocument, codec: SecretsCodec): Snapshot {
  const { resources, pending_operations: pending, ...rest } = document.deployment;
  if (resources !== undefined && resources !== null && !Array.isArray(resources)) throw corrupt("its resources are not a list");
  const unknown = Object.entries(rest).filter(([name, value]) => !KNOWN_FIELDS.has(name) && value !== null);
  return {
    resources: ((resources ?? []) as readonly Json[]).map((entry) => decodeEntry(entry, codec)),
    pendingOperations: (Array.isArray(pending) ? pending : []).map((operation) => decodePending(operation, codec)),
    ...(unknown.length === 0 ? {} : { unknownFields: Object.fromEntries(unknown) }),
  };
}

function featuresOf(deployment: JsonMap): string[] {
  const entries = deployment["resources"] as readonly JsonMap[];
  const found = FEATURES.filter(([, field]) => entries.some((entry) => entry[field] !== undefined)).map(([feature]) => feature);
  if (deployment["snippets"] !== undefined) found.push("snippets-prototype");
  return found.sort();
}

function checkManifest(manifest: Json | undefined): void {
  if (!isJsonMap(manifest)) throw corrupt("it has no manifest");
  const { version, magic } = manifest;
  if (magicOf(typeof version === "string" ? version : "") !== (magic ?? "")) throw corrupt("the manifest's magic does not fit its version");
}

function magicOf(version: string): string {
  return version === "" ? "" : createHash("sha256").update(version).digest("hex");
}

function newer(reason: string): BusError {
  return new BusError("ERR_STATE_VERSION", `the state cannot be used: ${reason}`, {
    remedy: "use the Pulumi CLI that wrote it, or update natsbus",
  });
}

function noState(reason: string): BusError {
  return new BusError("ERR_STATE_CORRUPT", `the document is no state: ${reason}`, {
    remedy: "give what `natsbus export` or `pulumi stack export` wrote, or a backup from the state folder's .pulumi/backups",
  });
}

function corrupt(reason: string): BusError {
  return new BusError("ERR_STATE_CORRUPT", `the state is damaged: ${reason}`, {
    remedy: "restore it from a backup in the state folder's .pulumi/backups, or import an export",
  });
}
