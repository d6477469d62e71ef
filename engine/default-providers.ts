import { BusError } from "../core/errors.ts";
import type { Goal } from "./goal.ts";
import { emptyGoal } from "./goal.ts";
import { isMap } from "./traversal.ts";
import { providerType } from "./urn.ts";
import type { PropertyMap, Value } from "./values.ts";
import { Secret } from "./values.ts";

/** Package of dynamic resources, whose provider is configured with the whole stack configuration. */
export const DYNAMIC_PACKAGE = "pulumi-nodejs";

/** Which provider a resource without an explicit one asks for. */
export interface ProviderRequest {
  readonly packageName: string;
  /** "" for any. */
  readonly version: string;
  /** Where the plugin is downloaded from; "" for the usual place. */
  readonly downloadUrl: string;
}

/** Stack configuration as the engine has it. */
export interface StackConfig {
  /** `namespace:name` to text. */
  readonly values: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/**
 * What the engine registers on the first use of a package without an explicit provider.
 * @throws BusError ERR_ENGINE_UNSUPPORTED when the configuration forbids default providers
 */
export function defaultProviderGoal(request: ProviderRequest, config: StackConfig): Goal {
  assertAllowed(request.packageName, config);
  return { ...emptyGoal(providerType(request.packageName), defaultName(request)), inputs: defaultInputs(request, config) };
}

/** Text that is the same for requests that share a provider. */
export function requestKey(request: ProviderRequest): string {
  return JSON.stringify([request.packageName, request.version, request.downloadUrl]);
}

function defaultName({ version, downloadUrl }: ProviderRequest): string {
  return ["default", version, downloadUrl]
    .filter((part) => part !== "")
    .map((part) => part.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, ""))
    .join("_");
}

function defaultInputs({ packageName, version, downloadUrl }: ProviderRequest, config: StackConfig): PropertyMap {
  const secrets = new Set(config.secretKeys);
  const inputs: Record<string, Value> = {};
  for (const [key, text] of Object.entries(config.values)) {
    const name = packageName === DYNAMIC_PACKAGE ? key : withoutNamespace(key, packageName);
    if (name !== undefined) inputs[name] = secrets.has(key) ? new Secret(text) : text;
  }
  if (version !== "") inputs["version"] = version;
  if (downloadUrl !== "") inputs["__internal"] = { pluginDownloadURL: downloadUrl };
  return inputs;
}

function withoutNamespace(key: string, packageName: string): string | undefined {
  return key.startsWith(`${packageName}:`) ? key.slice(packageName.length + 1) : undefined;
}

function assertAllowed(packageName: string, config: StackConfig): void {
  const text = config.values["pulumi:disable-default-providers"];
  if (text === undefined) return;
  let forbidden: unknown;
  try {
    forbidden = JSON.parse(text);
  } catch {
    forbidden = undefined;
  }
  if (!Array.isArray(forbidden) || !(forbidden.includes("*") || forbidden.includes(packageName))) return;
  throw new BusError(
    "ERR_ENGINE_PROVIDER",
    `the default provider of package ${packageName} is switched off by pulumi:disable-default-providers`,
    {
      path: "pulumi:disable-default-providers",
      remedy: "give the resource an explicit provider, or take the package off the list",
    },
  );
}

/** Provider inputs without what only the engine reads. */
export function withoutInternal(inputs: PropertyMap): PropertyMap {
  if (!isMap(inputs["__internal"])) return inputs;
  const { __internal, ...rest } = inputs;
  return rest;
}
