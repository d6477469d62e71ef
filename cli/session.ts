import { resolve } from "node:path";
import { BusError } from "../core/errors.ts";
import { listStacks } from "../engine/file-state.ts";
import { loadProject, type Project, resolveBackend } from "../engine/project.ts";
import { loadState } from "../engine/recorder.ts";
import type { StackAddress } from "../engine/stack-files.ts";
import { type BusPlace, HIDDEN_SECRETS, readBusState } from "./bus-state.ts";

/** The options of every verb that say where it works. */
export interface PlaceOptions {
  readonly cwd?: string | undefined;
  readonly stack?: string | undefined;
}

/** Stack that is meant when nobody names one. */
const DEFAULT_STACK = "dev";

/** `--stack`, else `PULUMI_STACK`, else dev. */
export function stackName(options: PlaceOptions, env: NodeJS.ProcessEnv = process.env): string {
  const fromEnv = env["PULUMI_STACK"];
  return options.stack ?? (fromEnv === undefined || fromEnv === "" ? DEFAULT_STACK : fromEnv);
}

/** The folder that `--cwd` names, else the working directory. */
export function startFolder(options: PlaceOptions): string {
  return resolve(options.cwd ?? ".");
}

/** A stack by its place, secrets closed. */
export interface StackPlace {
  readonly project: Project;
  readonly address: StackAddress;
}

/**
 * Finds the project and where the stack's state lies.
 * @throws BusError ERR_PROJECT, ERR_STATE_BACKEND
 */
export function locateStack(options: PlaceOptions): StackPlace {
  const project = loadProject(startFolder(options));
  return { project, address: { root: resolveBackend(project), project: project.name, stack: stackName(options) } };
}

/**
 * What the state tells about a stack's bus; empty when the stack does not exist. Needs no passphrase.
 * @throws BusError ERR_PROJECT, ERR_STATE_BACKEND, ERR_STATE_CORRUPT, ERR_STATE_VERSION
 */
export async function openBus(options: PlaceOptions): Promise<BusPlace> {
  const { project, address } = locateStack(options);
  return { root: project.root, stack: address.stack, bus: readBusState(loadState(address, HIDDEN_SECRETS)) };
}

/**
 * Refuses to go on with a stack that was never made.
 * @param remedy default: make it
 * @throws BusError ERR_STACK_MISSING
 */
export function assertStackExists(address: StackAddress, remedy = `make it with \`natsbus up --stack ${address.stack}\``): void {
  const names = listStacks(address.root, address.project).map((found) => found.stack);
  if (names.includes(address.stack)) return;
  throw new BusError(
    "ERR_STACK_MISSING",
    `stack ${address.stack} does not exist; there ${names.length === 0 ? "is none yet" : `are ${names.join(", ")}`}`,
    { remedy },
  );
}
