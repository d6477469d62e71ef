import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { dockerMonitoring, withBeside } from "../components/docker/beside.ts";
import { MOUNTED_FOLDER, renderCompose } from "../components/docker/compose.ts";
import { planDocker } from "../components/docker/plan.ts";
import type { Material } from "../components/kubernetes/server-files.ts";
import type { ResolvedBus } from "../components/resolve.ts";
import { hostProbe } from "../components/systemd/probe.ts";
import { findProgram } from "../components/systemd/program.ts";
import { renderHosts } from "../components/systemd/render.ts";
import { readScripts } from "../components/systemd/scripts.ts";
import { BusError } from "../core/errors.ts";
import { EXIT } from "./exit-codes.ts";
import { makeMaterial, type RenderOptions } from "./kubernetes-files.ts";
import type { Terminal } from "./terminal.ts";

const OWNER_ONLY = 0o700;
const READABLE = 0o644;
const APPLY_SCRIPT = join(import.meta.dirname, "../components/docker/files/apply.sh");

/** A file to be written. */
interface OutputFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/**
 * Writes the files of every host, or Compose files. Keys and certificates that the stack lacks are made and kept in its state, as `up` does.
 * @throws BusError ERR_RUNTIME_FOLDER, ERR_SERVER_BINARY, and what making keys and certificates throws
 */
export async function renderHostFiles(bus: ResolvedBus, options: RenderOptions, terminal: Terminal): Promise<number> {
  const material = await makeMaterial(bus, options, terminal);
  if (material === undefined) return EXIT.error;
  const folder = resolve(options.cwd ?? ".", options.out);
  const files = bus.spec.target === "docker" ? composeFiles(bus, material) : await hostFiles(bus, material, folder);
  writeFiles(folder, files);
  const paths = files.map(({ path }) => join(options.out, path));
  terminal.out(options.json === true ? `${JSON.stringify({ files: paths }, null, 2)}\n` : `${paths.join("\n")}\n`);
  return EXIT.ok;
}

async function hostFiles(bus: ResolvedBus, material: Material, folder: string): Promise<readonly OutputFile[]> {
  const { spec } = bus;
  const program = await findProgram(spec);
  const files = renderHosts({ spec, ...material, program, scripts: readScripts(), probe: hostProbe(bus, material.credentials) });
  if (program.file !== undefined) {
    for (const host of new Set(files.map(({ path }) => path.split("/", 1)[0] ?? ""))) {
      const place = join(folder, host, "nats-server");
      mkdirSync(dirname(place), { recursive: true, mode: OWNER_ONLY });
      copyFileSync(program.file, place);
    }
  }
  return files;
}

function composeFiles(bus: ResolvedBus, material: Material): readonly OutputFile[] {
  const { spec } = bus;
  const plan = withBeside(planDocker({ spec, ...material }), spec, dockerMonitoring(bus));
  return renderCompose(plan, readFileSync(APPLY_SCRIPT, "utf8")).map((file) => ({
    ...file,
    mode: file.path === "apply.sh" ? 0o755 : READABLE,
  }));
}

/** What is mounted into containers is readable by their users; the folder around it lets nobody but its owner in. */
function writeFiles(folder: string, files: readonly OutputFile[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    removeOthers(join(folder, MOUNTED_FOLDER), new Set(files.map(({ path }) => join(folder, path))));
    for (const { path, content, mode } of files) {
      const file = join(folder, path);
      const top = join(folder, path.split("/", 1)[0] ?? "");
      if (top !== file) mkdirSync(top, { recursive: true, mode: OWNER_ONLY });
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      chmodSync(file, mode);
    }
  } catch (cause) {
    throw new BusError("ERR_RUNTIME_FOLDER", `the files cannot be written into ${folder}`, {
      cause,
      remedy: "choose a folder that this user may write with --out",
    });
  }
}

/** Removes files that are not wanted any more. The folders stay: containers hold them, and would not see new ones in their place. */
function removeOthers(folder: string, wanted: ReadonlySet<string>): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !wanted.has(file)) rmSync(file);
  }
}
