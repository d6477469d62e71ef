import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { BusError } from "../core/errors.ts";
import { initBackend, listStacks, loadCheckpoint } from "./file-state.ts";
import { acquireLock } from "./lock.ts";
import type { ProgramSettings } from "./program-settings.ts";
import { loadProject, type Project, resolveBackend } from "./project.ts";
import { replaceState } from "./recorder.ts";
import type { PassphraseSecrets } from "./secrets.ts";
import { namespaceSlips, resolveConfig, type StackConfig } from "./stack-config.ts";
import { type StackAddress, stackFiles } from "./stack-files.ts";
import { isSaltUnused, openStackSecrets } from "./stack-secrets.ts";
import { encryptionSalt, loadSettings, type StackSettings, saveSalt, settingsConfig } from "./stack-settings.ts";
import { saltOf } from "./state.ts";

/** How a stack is opened. */
export interface OpenStackOptions {
  /** Folder inside the project. */
  readonly directory: string;
  readonly stack: string;
  /** What to do with a stack that does not exist: make it (state folder, empty state, passphrase, salt in its settings file), treat it as an empty one
   * without writing anything (for a preview), or refuse.
   * @default "refuse" */
  readonly absent?: "create" | "pretend" | "refuse";
  /** Asks the user for the passphrase.
   * @default - nobody is asked */
  readonly askPassphrase?: () => Promise<string>;
  /** Hears what the user should know, for instance that a passphrase was generated. */
  readonly onNotice: (text: string) => void;
}

/** A stack whose secrets are open. */
export interface OpenStack {
  readonly project: Project;
  readonly address: StackAddress;
  readonly settings: StackSettings;
  readonly secrets: PassphraseSecrets;
  readonly config: StackConfig;
}

/**
 * Opens a stack: project, settings, secrets and configuration. The passphrase is proven before anything else happens.
 * @throws BusError ERR_PROJECT, ERR_STACK_MISSING, ERR_STATE_BACKEND, ERR_STATE_CORRUPT, ERR_PASSPHRASE_MISSING, ERR_PASSPHRASE_WRONG, ERR_SECRETS_PROVIDER,
 * ERR_STATE_LOCKED when another run is making the stack
 */
export async function openStack(options: OpenStackOptions): Promise<OpenStack> {
  const { stack, absent = "refuse" } = options;
  assertStackName(stack);
  const project = loadProject(options.directory);
  const address: StackAddress = { root: resolveBackend(project), project: project.name, stack };
  const settings = loadSettings(project, stack);
  const checkpoint = loadCheckpoint(address);
  if (checkpoint === undefined && absent === "refuse") throw missing(address);
  for (const space of namespaceSlips(project, settingsConfig(settings)))
    options.onNotice(`settings of the namespace ${space} in ${basename(settings.path)} are not read; did you mean ${project.name}?`);
  if (checkpoint === undefined) tellMissingSettings(settings.path, options);
  const stateSalt = checkpoint?.document === undefined ? "" : saltOf(checkpoint.document);
  const { secrets, replaces } = await openStackSecrets({
    settings,
    address,
    stateSalt,
    projectRoot: project.root,
    isPretence: absent === "pretend",
    ...(options.askPassphrase === undefined ? {} : { ask: options.askPassphrase }),
    onNotice: options.onNotice,
  });
  const config = resolveConfig(project, settingsConfig(settings), secrets);
  const open: OpenStack = { project, address, settings, secrets, config };
  if (absent === "pretend" || (checkpoint !== undefined && encryptionSalt(settings) !== undefined)) return open;
  return (await create(open, { ...options, replaces })) ?? openStack(options);
}

type CreateOptions = Pick<OpenStackOptions, "onNotice"> & { readonly replaces: string | undefined };

/** Writes what a stack lacks, under its lock; undefined when another run has just written it. */
async function create(open: OpenStack, { onNotice, replaces }: CreateOptions): Promise<OpenStack | undefined> {
  const { project, address, secrets } = open;
  const { stack } = address;
  initBackend(address.root);
  const lock = await acquireLock({ directory: stackFiles(address).locks, stack, onNotice });
  try {
    const settings = loadSettings(project, stack);
    const salt = encryptionSalt(settings);
    const isReplaced = salt !== undefined && salt === replaces && isSaltUnused(settings, address);
    if (salt !== undefined && salt !== secrets.salt && !isReplaced) return undefined;
    if (salt !== secrets.salt) saveSalt(settings, secrets.salt);
    if (isReplaced) onNotice(replacedText(basename(settings.path), stack));
    if (loadCheckpoint(address) === undefined) replaceState({ resources: [], pendingOperations: [] }, { address, secrets });
    return { ...open, settings };
  } finally {
    lock.release();
  }
}

function replacedText(file: string, stack: string): string {
  return `encryptionsalt in ${file} belonged to a passphrase that is not here, and nothing here was encrypted with it: it was replaced. Keep the old line in version control as long as someone else runs their own stack ${stack}`;
}

/** What the program and the provider host of a stack are started with. */
export function programSettingsOf(open: Pick<OpenStack, "project" | "address" | "config">, compileCache?: string): ProgramSettings {
  const { project, address, config } = open;
  return {
    project: project.name,
    stack: address.stack,
    projectRoot: project.root,
    programDirectory: project.programDirectory,
    entry: project.entry,
    runtimeOptions: project.runtimeOptions,
    config: config.config,
    secretKeys: config.secretKeys,
    ...(compileCache === undefined ? {} : { compileCache }),
  };
}

/** The name of the stack may be mistyped, or its file forgotten: a whole stack of defaults must not come as a surprise. */
function tellMissingSettings(path: string, { stack, onNotice }: OpenStackOptions): void {
  const folder = dirname(path);
  if (existsSync(path) || !existsSync(folder)) return;
  const others = readdirSync(folder).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
  if (others.length === 0) return;
  onNotice(
    `there is no ${basename(path)}, so every setting of stack ${stack} has its default; make the file (there are ${others.sort().join(", ")} to copy), or set a value with \`natsbus config set KEY VALUE --stack ${stack}\``,
  );
}

function assertStackName(stack: string): void {
  if (/^[\w.-]{1,100}$/.test(stack) && !/^\.+$/.test(stack)) return;
  throw new BusError("ERR_PROJECT", `${JSON.stringify(stack)} is no stack name; up to 100 letters, digits, "-", "_" and "." are allowed`, {
    remedy: "choose another name",
  });
}

function missing({ root, project, stack }: StackAddress): BusError {
  const others = listStacks(root, project).map((found) => found.stack);
  const known = others.length === 0 ? "there is none yet" : `there are ${others.join(", ")}`;
  return new BusError("ERR_STACK_MISSING", `stack ${stack} does not exist in ${root}: ${known}`, {
    remedy: `make it with \`natsbus up --stack ${stack}\``,
  });
}
