import { randomUUID } from "node:crypto";
import { BusError } from "../core/errors.ts";
import { initBackend, listStacks, loadCheckpoint } from "./file-state.ts";
import { acquireLock } from "./lock.ts";
import { findPassphrase, type PassphraseOptions } from "./passphrase.ts";
import type { ProgramSettings } from "./program-settings.ts";
import { loadProject, type Project, resolveBackend } from "./project.ts";
import { replaceState } from "./recorder.ts";
import { createSecrets, openSecrets, type PassphraseSecrets } from "./secrets.ts";
import { resolveConfig, type StackConfig } from "./stack-config.ts";
import { type StackAddress, stackFiles } from "./stack-files.ts";
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
  const stateSalt = checkpoint?.document === undefined ? "" : saltOf(checkpoint.document);
  const secrets = await openStackSecrets({ settings, stateSalt, projectRoot: project.root, options });
  const config = resolveConfig(project, settingsConfig(settings), secrets);
  const open: OpenStack = { project, address, settings, secrets, config };
  if (absent === "pretend" || (checkpoint !== undefined && encryptionSalt(settings) !== undefined)) return open;
  return (await create(open, options)) ? open : openStack(options);
}

/** Writes what a stack lacks, under its lock; false when another run has just written it. */
async function create({ project, address, secrets }: OpenStack, options: OpenStackOptions): Promise<boolean> {
  const { stack } = address;
  initBackend(address.root);
  const lock = await acquireLock({ directory: stackFiles(address).locks, stack, onNotice: options.onNotice });
  try {
    const settings = loadSettings(project, stack);
    const salt = encryptionSalt(settings);
    if (salt !== undefined && salt !== secrets.salt) return false;
    if (salt === undefined) saveSalt(settings, secrets.salt);
    if (loadCheckpoint(address) === undefined) replaceState({ resources: [], pendingOperations: [] }, { address, secrets });
    return true;
  } finally {
    lock.release();
  }
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

interface SecretsRequest {
  readonly settings: StackSettings;
  readonly stateSalt: string;
  readonly projectRoot: string;
  readonly options: OpenStackOptions;
}

async function openStackSecrets({ settings, stateSalt, projectRoot, options }: SecretsRequest): Promise<PassphraseSecrets> {
  const salt = encryptionSalt(settings) ?? stateSalt;
  // Nothing will be kept that anyone could want to decrypt.
  if (salt === "" && options.absent === "pretend") return createSecrets(randomUUID());
  const request: PassphraseOptions = {
    projectRoot,
    isNew: salt === "",
    ...(options.askPassphrase === undefined ? {} : { ask: options.askPassphrase }),
  };
  const { passphrase, notice } = await findPassphrase(request);
  if (notice !== undefined) options.onNotice(notice);
  if (salt === "") return createSecrets(passphrase);
  if (stateSalt === "" || stateSalt === salt) return openSecrets(salt, passphrase);
  // The settings file was made anew: new secrets are written with its salt, those of the state are still read with the old one.
  const [current, former] = await Promise.all([openSecrets(salt, passphrase), openSecrets(stateSalt, passphrase)]);
  return {
    ...current,
    decrypt: (ciphertext) =>
      firstOf(
        () => current.decrypt(ciphertext),
        () => former.decrypt(ciphertext),
      ),
  };
}

function firstOf(first: () => string, second: () => string): string {
  try {
    return first();
  } catch {
    return second();
  }
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
