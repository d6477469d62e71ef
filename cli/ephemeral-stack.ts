import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BusError } from "../core/errors.ts";
import type { Json } from "../engine/events.ts";
import { initBackend, listStacks, loadCheckpoint } from "../engine/file-state.ts";
import { findPassphrase } from "../engine/passphrase.ts";
import { loadProject, type Project } from "../engine/project.ts";
import { replaceState } from "../engine/recorder.ts";
import { CLEAR_TEXT, createSecrets, openSecrets, type SecretsCodec } from "../engine/secrets.ts";
import { needsSecrets, resolveConfig } from "../engine/stack-config.ts";
import { encryptionSalt, loadSettings, type StackSettings, settingsConfig } from "../engine/stack-settings.ts";
import { saltOf } from "../engine/state.ts";
import { isJsonMap, type JsonMap } from "../engine/state-values.ts";
import type { EngineStack } from "./embedded.ts";
import type { PortBlock } from "./port-block.ts";

/** Number of servers when the stack's settings do not say. */
const DEFAULT_SERVERS = 3;

const PREFIX = "ephemeral-";
const PASSPHRASE_FILE = "passphrase";

/** A throw-away stack: everything it keeps lies in one temporary folder. */
export interface EphemeralStack extends EngineStack {
  /** Folder with state, passphrase, runtime folder and credentials. */
  readonly folder: string;
}

/** What a throw-away stack is made from. */
interface EphemeralPlan {
  readonly project: Project;
  /** Settings of the stack that is copied. */
  readonly settings: JsonMap;
  /** Opens secrets in those settings. */
  readonly codec: SecretsCodec;
  readonly servers: number;
}

/** `ephemeral-` and six hexadecimal digits. */
export function ephemeralName(): string {
  return `${PREFIX}${randomBytes(3).toString("hex")}`;
}

/**
 * Reads the settings that a throw-away stack takes over from `base`.
 * @throws BusError ERR_PROJECT, ERR_PASSPHRASE_MISSING, ERR_PASSPHRASE_WRONG
 */
export async function planEphemeral(directory: string, base: string): Promise<EphemeralPlan> {
  const project = loadProject(directory);
  const file = loadSettings(project, base);
  const settings = settingsConfig(file);
  const codec = needsSecrets(settings) ? await openSettings(project, file) : CLEAR_TEXT;
  const cluster = readBlock(settings, `${project.name}:cluster`)["servers"];
  return { project, settings, codec, servers: typeof cluster === "number" ? cluster : DEFAULT_SERVERS };
}

async function openSettings(project: Project, file: StackSettings): Promise<SecretsCodec> {
  const { passphrase } = await findPassphrase({ projectRoot: project.root, isNew: false });
  return openSecrets(encryptionSalt(file) ?? "", passphrase);
}

function readBlock(settings: JsonMap, key: string): JsonMap {
  const value = settings[key];
  if (isJsonMap(value)) return value;
  try {
    const parsed = JSON.parse(typeof value === "string" ? value : "{}") as Json;
    return isJsonMap(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** Settings for a runtime folder and ports of its own; everything else is taken over. */
export function overrideSettings(
  settings: JsonMap,
  project: string,
  own: { readonly directory: string; readonly ports: PortBlock },
): JsonMap {
  const key = `${project}:process`;
  const { client, monitor, route } = own.ports;
  return {
    ...settings,
    [key]: { ...readBlock(settings, key), directory: own.directory, host: "127.0.0.1", ports: { client, monitor, route } },
  };
}

/**
 * Makes a throw-away stack with a state, a passphrase and a runtime folder of its own; nothing is started.
 * @throws BusError ERR_STATE_WRITE
 */
export async function createEphemeral(plan: EphemeralPlan, stack: string, ports: PortBlock): Promise<EphemeralStack> {
  const { project } = plan;
  const folder = makeFolder(stack);
  const passphrase = randomBytes(24).toString("base64url");
  writeFileSync(join(folder, PASSPHRASE_FILE), passphrase, { mode: 0o600 });
  const secrets = await createSecrets(passphrase);
  const settings = overrideSettings(plan.settings, project.name, { directory: join(folder, "run"), ports });
  const config = resolveConfig(project, settings, plan.codec);
  const address = { root: join(folder, "state"), project: project.name, stack };
  initBackend(address.root);
  replaceState({ resources: [], pendingOperations: [] }, { address, secrets });
  return { project, address, secrets, config: { ...config, recorded: {} }, folder };
}

function makeFolder(stack: string): string {
  try {
    return mkdtempSync(join(tmpdir(), `natsbus-${stack}-`));
  } catch (cause) {
    throw new BusError("ERR_STATE_WRITE", `no folder can be made in ${tmpdir()}`, {
      cause,
      remedy: "set TMPDIR to a folder that this user may write",
    });
  }
}

/**
 * Opens a throw-away stack that was kept, or whose run was killed.
 * @throws BusError ERR_USAGE when the folder holds none
 */
export async function reopenEphemeral(project: Project, folder: string): Promise<EphemeralStack> {
  const root = join(folder, "state");
  const [found] = listStacks(root, project.name);
  if (found === undefined || !found.stack.startsWith(PREFIX)) {
    throw new BusError("ERR_USAGE", `${folder} holds no throw-away stack of project ${project.name}`, {
      remedy: "pass the folder that was named when it was made",
    });
  }
  const address = { root, project: project.name, stack: found.stack };
  const document = loadCheckpoint(address)?.document;
  const passphrase = readFileSync(join(folder, PASSPHRASE_FILE), "utf8");
  const secrets = await openSecrets(document === undefined ? "" : saltOf(document), passphrase);
  return { project, address, secrets, config: { config: {}, secretKeys: [], recorded: {} }, folder };
}

/** Removes everything the stack kept. Its servers must have ended. */
export function removeEphemeral(stack: EphemeralStack): void {
  rmSync(stack.folder, { recursive: true, force: true });
}
