import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { BusError } from "../core/errors.ts";
import type { Json } from "./events.ts";
import { isJsonMap, type JsonMap } from "./state-values.ts";

/** What Pulumi.yaml says. */
export interface Project {
  readonly name: string;
  /** Absolute folder of Pulumi.yaml. */
  readonly root: string;
  /** Absolute folder of the program. */
  readonly programDirectory: string;
  /** File name of the program inside its folder, `.` for what its package.json names. */
  readonly entry: string;
  /** `runtime.options`. */
  readonly runtimeOptions: Readonly<Record<string, Json>>;
  /** Absolute folder of the stacks' settings files. */
  readonly settingsDirectory: string;
  /** `backend.url`. */
  readonly backendUrl: string | undefined;
  /** `config`, as written: defaults for every stack. */
  readonly config: JsonMap;
}

const FILE_NAMES = ["Pulumi.yaml", "Pulumi.yml"];

/**
 * Reads the project `directory` belongs to: the nearest Pulumi.yaml from there upwards.
 * @throws BusError ERR_PROJECT
 */
export function loadProject(directory: string): Project {
  const path = findProjectFile(resolve(directory));
  const content = readYaml(path);
  const { name, main, runtime } = content;
  if (typeof name !== "string" || !/^[\w.-]+$/.test(name))
    throw invalid(path, `name is ${JSON.stringify(name ?? null)}; letters, digits, "-", "_" and "." are allowed`);
  const root = dirname(path);
  const options = isJsonMap(runtime) && isJsonMap(runtime["options"]) ? runtime["options"] : {};
  const language = isJsonMap(runtime) ? runtime["name"] : runtime;
  if (language !== "nodejs") throw invalid(path, `runtime is ${JSON.stringify(language ?? null)}; this engine runs "nodejs" alone`);
  const backend = isJsonMap(content["backend"]) ? content["backend"]["url"] : undefined;
  const settings = content["stackConfigDir"];
  return {
    name,
    root,
    ...locateProgram(root, main, path),
    runtimeOptions: options,
    settingsDirectory: typeof settings === "string" ? resolve(root, settings) : root,
    backendUrl: typeof backend === "string" ? backend : undefined,
    config: isJsonMap(content["config"]) ? content["config"] : {},
  };
}

/**
 * The absolute folder that holds the state (`.pulumi` inside it): `PULUMI_BACKEND_URL`, else `backend.url` of the project, else `.natsbus/state`.
 * @throws BusError ERR_STATE_BACKEND for anything but a `file://` address
 */
export function resolveBackend(project: Project, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const fromEnv = env["PULUMI_BACKEND_URL"];
  if (fromEnv !== undefined && fromEnv !== "") return backendFolder(fromEnv, process.cwd());
  return backendFolder(project.backendUrl ?? "file://./.natsbus/state", project.root);
}

/** An empty file is an empty object. */
function readYaml(path: string): JsonMap {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new BusError("ERR_PROJECT", `${path} cannot be read: ${(cause as Error).message}`, { remedy: "check its permissions", cause });
  }
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw invalid(path, error.message, error);
  const content = document.toJS() as Json;
  if (content === null) return {};
  if (!isJsonMap(content)) throw invalid(path, "it does not hold a map");
  return content;
}

function findProjectFile(directory: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    const found = FILE_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (folder === dirname(folder)) break;
  }
  throw new BusError("ERR_PROJECT", `no Pulumi.yaml in ${directory} or above it`, { remedy: "change to the project's folder" });
}

function locateProgram(root: string, main: Json | undefined, path: string): Pick<Project, "programDirectory" | "entry"> {
  if (typeof main !== "string" || main === "") return { programDirectory: root, entry: "." };
  const target = resolve(root, main);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found === undefined) throw invalid(path, `main names ${main}, which does not exist`);
  return found.isDirectory() ? { programDirectory: target, entry: "." } : { programDirectory: dirname(target), entry: basename(target) };
}

function backendFolder(url: string, base: string): string {
  if (!url.startsWith("file://")) {
    throw new BusError("ERR_STATE_BACKEND", `the state backend ${url.replace(/\/\/[^/@]*@/, "//***@")} is not a folder`, {
      remedy: "use a file:// address, or the Pulumi CLI for other backends",
    });
  }
  const [path = ""] = url.slice("file://".length).split("?");
  if (path === "~" || path.startsWith("~/")) return join(homedir(), path.slice(1));
  return resolve(base, decodeURIComponent(path));
}

function invalid(path: string, reason: string, cause?: unknown): BusError {
  return new BusError("ERR_PROJECT", `${path}: ${reason}`, { remedy: "correct the file", cause });
}
