import { accessSync, constants, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { BusError } from "../core/errors.ts";
import { type Child, type ChildOptions, childEnvironment, startChild } from "./child-process.ts";
import { type ProgramSettings, resolveSdkScript, sdkEnvironment } from "./program-settings.ts";

/** Package of the resources whose provider is part of the program. */
export const DYNAMIC_PACKAGE = "pulumi-nodejs";

/** Where a plugin's output goes. */
export interface PluginOutput {
  /** A line of log. */
  onLog(line: string, packageName: string): void;
  /** What a long operation of the dynamic provider is doing now. */
  onProgress(text: string): void;
}

/** A plugin that listens. */
export interface PluginProcess {
  readonly child: Child;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
}

/** Which plugin to start. */
export interface PluginRequest {
  readonly packageName: string;
  /** Lowest acceptable version; "" for any. */
  readonly version: string;
  /** `HOST:PORT` of the engine service. */
  readonly engineAddress: string;
}

const PROGRESS = "natsbus-progress: ";
const REPORTED_LINES = 5;

/**
 * Starts a plugin and waits until it says which port it listens on.
 * @throws BusError ERR_ENGINE_PLUGIN_MISSING, ERR_ENGINE_PLUGIN_START, ERR_ENGINE_SDK_MISSING
 */
export async function startPlugin(request: PluginRequest, settings: ProgramSettings, output: PluginOutput): Promise<PluginProcess> {
  const { packageName } = request;
  const lastLines: string[] = [];
  let announce: (port: string) => void = () => undefined;
  const announced = new Promise<string>((resolve) => {
    announce = resolve;
  });
  let listening = false;
  const child = await startChild({
    ...command(request, settings),
    onLine: (line, stream) => {
      if (stream === "stdout" && !listening) {
        listening = true;
        announce(line.trim());
      } else if (line.startsWith(PROGRESS)) output.onProgress(line.slice(PROGRESS.length));
      else {
        lastLines.push(line);
        if (lastLines.length > REPORTED_LINES) lastLines.shift();
        output.onLog(line, packageName);
      }
    },
  });
  const port = await Promise.race([announced, child.exited]);
  if (typeof port === "string" && /^\d+$/.test(port)) return { child, address: `127.0.0.1:${port}` };
  child.kill();
  const reason =
    typeof port === "string"
      ? `said ${JSON.stringify(port)} instead of a port`
      : `ended (${port.signal ?? `exit code ${port.code}`}) before it listened`;
  throw new BusError("ERR_ENGINE_PLUGIN_START", [`the provider plugin ${packageName} ${reason}`, ...lastLines].join("\n  "), {
    remedy: "see the plugin's own output above",
  });
}

function command(request: PluginRequest, settings: ProgramSettings): Omit<ChildOptions, "onLine"> {
  const directory = settings.programDirectory;
  if (request.packageName === DYNAMIC_PACKAGE) {
    const { script, nodeArguments } = resolveSdkScript(settings, "dynamic-provider");
    return {
      command: process.execPath,
      args: [...nodeArguments, script, request.engineAddress],
      directory,
      env: dynamicEnvironment(settings),
    };
  }
  return { command: findPlugin(request), args: [request.engineAddress], directory, env: childEnvironment({}) };
}

function dynamicEnvironment(settings: ProgramSettings): Record<string, string | undefined> {
  const options = Object.entries(settings.runtimeOptions).map(([name, value]) => [`PULUMI_RUNTIME_${name.toUpperCase()}`, String(value)]);
  return {
    ...sdkEnvironment(settings),
    PULUMI_PROJECT: settings.project,
    PULUMI_NODEJS_PROJECT: settings.project,
    PULUMI_NODEJS_STACK: settings.stack,
    NATSBUS_PROGRESS: "1",
    ...Object.fromEntries(options),
  };
}

/** Whether a plugin of any version is installed. */
export function isPluginInstalled(packageName: string): boolean {
  return locatePlugin({ packageName, version: "" }) !== undefined;
}

function locatePlugin(request: Pick<PluginRequest, "packageName" | "version">): string | undefined {
  const name = `pulumi-resource-${request.packageName}`;
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  return [...onPath, ...installedPlugins(request).map((folder) => join(folder, name))].find(isExecutable);
}

function findPlugin(request: PluginRequest): string {
  const name = `pulumi-resource-${request.packageName}`;
  const found = locatePlugin(request);
  if (found !== undefined) return found;
  const wanted = `${request.packageName}${request.version === "" ? "" : ` ${request.version}`}`;
  throw new BusError(
    "ERR_ENGINE_PLUGIN_MISSING",
    `the provider plugin ${wanted} is not installed: no ${name} on PATH or in ${pluginFolder()}`,
    {
      remedy: `install it with the Pulumi CLI: pulumi plugin install resource ${wanted}`,
    },
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pluginFolder(): string {
  return join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins");
}

/** Folders of installed versions that are new enough, newest first. */
function installedPlugins(request: Pick<PluginRequest, "packageName" | "version">): string[] {
  const prefix = `resource-${request.packageName}-v`;
  const folder = pluginFolder();
  const wanted = parseVersion(request.version);
  return listFolder(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ name, version: parseVersion(name.slice(prefix.length)) }))
    .filter(({ version }) => compareVersions(version, wanted) >= 0)
    .sort((left, right) => compareVersions(right.version, left.version))
    .map(({ name }) => join(folder, name));
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function parseVersion(text: string): readonly number[] {
  const [core = ""] = text.replace(/^v/, "").split(/[-+]/);
  return core.split(".").map((part) => Number.parseInt(part, 10) || 0);
}

function compareVersions(left: readonly number[], right: readonly number[]): number {
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
