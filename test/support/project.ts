import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { type CliOptions, type CliResult, runCli } from "./cli-project.ts";
import { findFreePorts } from "./free-ports.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCES = [
  "package.json",
  "tsconfig.json",
  "Pulumi.yaml",
  "Pulumi.dev.yaml",
  "Pulumi.prod.yaml",
  "index.ts",
  "core",
  "connection",
  "streams",
  "accounts",
  "components",
  "observability",
  "probe",
  "engine",
  "operations",
  "observability",
  "client",
  "cli",
];

/** A copy of this project in a folder of its own, on its own ports, with its own state. */
export interface Project extends AsyncDisposable {
  readonly directory: string;
  /** Every port its servers use. */
  readonly ports: readonly number[];
  /** Runs `natsbus ARGS`. */
  natsbus(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Replaces text in one of the project's files; fails when it is not there exactly once. */
  edit(file: string, from: string, to: string): void;
  /** Merges settings into `Pulumi.dev.yaml`; undefined removes a key. */
  configure(settings: Record<string, unknown>): void;
  /** Absolute path below the project. */
  path(...parts: string[]): string;
}

/** Settings of a stack file. */
function readSettings(file: string): Record<string, unknown> {
  return (parse(readFileSync(file, "utf8"))?.config ?? {}) as Record<string, unknown>;
}

/** Copies the project into a temporary folder, its dev stack on free ports; disposing of it destroys that stack and removes the folder. */
export async function createProject(): Promise<Project> {
  const first = await findFreePorts(9);
  const ports = { client: first, monitor: first + 3, route: first + 6 };
  const directory = mkdtempSync(join(tmpdir(), "natsbus-project-"));
  for (const name of SOURCES) {
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const natsbus: Project["natsbus"] = (args, options) =>
    runCli(directory, args, { ...options, launcher: join(directory, "cli/natsbus.js") });
  const path = (...parts: string[]) => join(directory, ...parts);
  const project: Project = {
    directory,
    ports: Array.from({ length: 9 }, (_, offset) => first + offset),
    path,
    natsbus,
    edit(file, from, to) {
      const text = readFileSync(path(file), "utf8");
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold ${JSON.stringify(from)} exactly once`);
      writeFileSync(
        path(file),
        text.replace(from, () => to),
      );
    },
    configure(settings) {
      const document = (parse(readFileSync(path("Pulumi.dev.yaml"), "utf8")) ?? {}) as { config?: Record<string, unknown> };
      const config = { ...document.config, ...settings };
      for (const [key, value] of Object.entries(config)) if (value === undefined) delete config[key];
      writeFileSync(path("Pulumi.dev.yaml"), stringify({ ...document, config }));
    },
    async [Symbol.asyncDispose]() {
      await natsbus(["destroy", "--stack", "dev", "--yes"], { timeoutMs: 60_000 });
      rmSync(directory, { recursive: true, force: true });
    },
  };
  const current = (readSettings(path("Pulumi.dev.yaml"))["natsbus:process"] ?? {}) as Record<string, unknown>;
  project.configure({ "natsbus:process": { ...current, ports } });
  return project;
}
