import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { initBackend } from "../../../engine/file-state.ts";
import { replaceState } from "../../../engine/recorder.ts";
import { createSecrets } from "../../../engine/secrets.ts";
import type { EngineRunRequest } from "./engine-run.ts";
import { PROJECT, STACK } from "./engine-run.ts";
import type { GoldenStep } from "./scenario.ts";
import { GOLDENS } from "./scenario.ts";

/** Passphrase of every stage. */
export const PASSPHRASE = "correct-horse";

const NODE_MODULES = realpathSync(join(import.meta.dirname, "../../../node_modules"));

/** Plain data. */
export type Json = Record<string, unknown>;

/** Turns what a step left behind into comparable data. */
export interface Normaliser {
  secrets: unknown;
  step(from: number, to: number): void;
  state(document: unknown): { readonly state: Json; readonly stateOrder: readonly string[] };
  events(lines: readonly unknown[]): Json;
  preview(document: unknown): { readonly preview: Json & { steps: readonly unknown[] }; readonly previewOrder: readonly string[] };
  calls(lines: readonly unknown[]): readonly { readonly call: string }[];
  files(paths: readonly string[]): Json;
  history(record: unknown): unknown;
  value(value: unknown): unknown;
}

interface NormaliseModule {
  readonly Normaliser: new (paths: [string, string][]) => Normaliser;
  readonly Secrets: new (salt: string | undefined, passphrase: string) => unknown;
  readonly differences: (golden: GoldenStep, measured: GoldenStep, fields?: string[]) => string[];
}

/** The recorder's own comparison, as it is. */
const { Normaliser, Secrets, differences } = (await import(join(GOLDENS, "replay/normalise.ts"))) as NormaliseModule;

export { differences };

/** A folder with the program, an empty state and its secrets. */
export interface Stage {
  readonly directory: string;
  readonly backend: string;
  readonly salt: string;
  readonly normaliser: Normaliser;
  readonly config: Record<string, string>;
  readonly secretKeys: Set<string>;
  /** Removes everything. */
  [Symbol.dispose](): void;
}

/** Sets up the program with an empty stack. Disposing it removes the folder. */
export async function createStage(name: string): Promise<Stage> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), `goldens-${name}-`)));
  const directory = join(root, name);
  const backend = join(root, `${name}.state`);
  cpSync(join(GOLDENS, "program"), directory, { recursive: true });
  mkdirSync(backend);
  symlinkSync(NODE_MODULES, join(root, "node_modules"));
  writeFileSync(join(directory, "program.json"), "{}");
  const secrets = await createSecrets(PASSPHRASE);
  initBackend(backend);
  replaceState({ resources: [], pendingOperations: [] }, { address: { root: backend, project: PROJECT, stack: STACK }, secrets });
  const normaliser = new Normaliser([
    [`project:///${relative(directory, NODE_MODULES)}`, "project:///<node_modules>"],
    [backend, "<state>"],
    [directory, "<program>"],
    [NODE_MODULES, "<node_modules>"],
    // The engine starts the program without mapping compiled JavaScript back, which costs the SDK 40 % of its time.
    ["<node_modules>/@pulumi/pulumi/runtime/stack.js", "<node_modules>/@pulumi/runtime/stack.ts"],
  ]);
  normaliser.secrets = new Secrets(secrets.salt, PASSPHRASE);
  const dispose = (): void => rmSync(root, { recursive: true, force: true });
  return { directory, backend, salt: secrets.salt, normaliser, config: {}, secretKeys: new Set(), [Symbol.dispose]: dispose };
}

/** A run in `stage`. */
export function runRequest(stage: Stage, command: string, more: Partial<EngineRunRequest> = {}): EngineRunRequest {
  return {
    directory: stage.directory,
    backend: stage.backend,
    salt: stage.salt,
    passphrase: PASSPHRASE,
    command,
    args: [],
    config: stage.config,
    secretKeys: [...stage.secretKeys],
    ...more,
  };
}

/** Writes the program description and what the provider is to do. */
export function writeProgram({ directory }: Stage, program: object | undefined, behaviour: object = {}): void {
  if (program !== undefined) writeFileSync(join(directory, "program.json"), JSON.stringify(program));
  writeFileSync(join(directory, "behaviour.json"), JSON.stringify(behaviour));
}
