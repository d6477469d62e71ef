import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { FILE_MARK, type ManifestFile, renderKubernetes, type SecretsMode } from "../components/kubernetes/render.ts";
import type { Material } from "../components/kubernetes/server-files.ts";
import { planBus } from "../components/kubernetes/watching.ts";
import { PART_VARIABLE } from "../components/part.ts";
import type { ResolvedBus } from "../components/resolve.ts";
import { BusError } from "../core/errors.ts";
import type { DiagnosticEvent } from "../engine/events.ts";
import { acquireLock } from "../engine/lock.ts";
import { loadState } from "../engine/recorder.ts";
import { openStack } from "../engine/stack.ts";
import { stackFiles } from "../engine/stack-files.ts";
import { EXIT } from "./exit-codes.ts";
import { assertPodsTakeConfig } from "./host-check.ts";
import { NO_MATERIAL, readMaterial } from "./kubernetes-material.ts";
import { createPhaseClock } from "./phases.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** What is to be rendered, and where to. */
export interface RenderOptions extends PlaceOptions {
  /** Folder. */
  readonly out: string;
  /** What becomes of Secrets. */
  readonly secrets: SecretsMode;
  readonly json?: boolean | undefined;
}

/**
 * Writes every object of a bus on Kubernetes into a folder, and removes files of earlier runs that are not wanted any more. Keys and certificates that the stack
 * lacks are made and kept in its state, as `up` does; nothing else is touched.
 * @throws BusError ERR_RUNTIME_FOLDER, ERR_SERVER_CONFIG, and what making keys and certificates throws
 */
export async function renderKubernetesFiles(bus: ResolvedBus, options: RenderOptions, terminal: Terminal): Promise<number> {
  await assertPodsTakeConfig(bus.spec);
  const material = options.secrets === "none" ? NO_MATERIAL : await makeMaterial(bus, options, terminal);
  if (material === undefined) return EXIT.error;
  const files = renderKubernetes(bus, planBus(bus), { secrets: options.secrets, material });
  writeFiles(resolve(startFolder(options), options.out), files);
  const paths = files.map(({ name }) => join(options.out, name));
  terminal.out(options.json === true ? `${JSON.stringify({ files: paths }, null, 2)}\n` : `${paths.join("\n")}\n`);
  return EXIT.ok;
}

/** Runs the program for keys and certificates alone, and reads them from the state; undefined when that failed and has been told. */
export async function makeMaterial(bus: ResolvedBus, options: PlaceOptions, terminal: Terminal): Promise<Material | undefined> {
  const onNotice = (text: string): void => terminal.err(`note: ${text}\n`);
  const name = stackName(options);
  const [stack, { runEmbedded }] = await Promise.all([
    openStack({ directory: startFolder(options), stack: name, absent: "create", onNotice }),
    import("./embedded.ts"),
  ]);
  const lock = await acquireLock({ directory: stackFiles(stack.address).locks, stack: name, onNotice });
  try {
    const never = new AbortController().signal;
    const flags = { refresh: false, continueOnError: false, expectNoChanges: false, clearPendingCreates: false };
    const diagnostics: DiagnosticEvent[] = [];
    const { result } = await runEmbedded(stack, {
      request: { kind: "up", ...flags },
      preview: false,
      environment: { [PART_VARIABLE]: "keys" },
      keepUnregistered: true,
      clock: createPhaseClock(),
      cancellation: { graceful: never, now: never },
      onNotice,
      onEvent: (event) => {
        if ("diagnosticEvent" in event) diagnostics.push(event.diagnosticEvent);
      },
    });
    if (result === "succeeded") return readMaterial(loadState(stack.address, stack.secrets), bus);
    for (const { severity, message } of diagnostics) if (severity === "error") terminal.err(`error: ${message.trimEnd()}\n`);
    return undefined;
  } finally {
    lock.release();
  }
}

function writeFiles(folder: string, files: readonly ManifestFile[]): void {
  const wanted = new Set(files.map(({ name }) => name));
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) if (!wanted.has(name) && isOurs(join(folder, name))) rmSync(join(folder, name));
    // They may hold private keys.
    for (const { name, text } of files) writeFileSync(join(folder, name), text, { mode: 0o600 });
  } catch (cause) {
    throw new BusError("ERR_RUNTIME_FOLDER", `the files cannot be written into ${folder}`, {
      cause,
      remedy: "choose a folder that this user may write with --out",
    });
  }
}

function isOurs(path: string): boolean {
  return /\.(yaml|conf|txt)$/.test(path) && readFileSync(path, "utf8").startsWith(`${FILE_MARK}\n`);
}
