import { resolve } from "node:path";
import type { ArgsDef } from "citty";
import { BusError } from "../core/errors.ts";
import type { DiagnosticEvent } from "../engine/events.ts";
import { loadProject } from "../engine/project.ts";
import { loadState } from "../engine/recorder.ts";
import type { Cancellation, RunResult } from "../engine/run-options.ts";
import { stackUrn } from "../engine/urn.ts";
import { findUser } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import { HIDDEN_SECRETS, readBusState } from "./bus-state.ts";
import { createEphemeral, type EphemeralStack, ephemeralName, planEphemeral, removeEphemeral, reopenEphemeral } from "./ephemeral-stack.ts";
import { EXIT } from "./exit-codes.ts";
import { runCommandOfUser } from "./foreign-command.ts";
import { listenForInterrupts } from "./interrupts.ts";
import { createPhaseClock } from "./phases.ts";
import { findPortBlock } from "./port-block.ts";
import { renderDiagnostics } from "./reporters/closing.ts";
import { renderPhases } from "./reporters/connect.ts";
import { renderSpan } from "./reporters/operations.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { COMMON_ARGS } from "./verb.ts";

/** Options of `ephemeral`. */
export const EPHEMERAL_ARGS = {
  ...COMMON_ARGS,
  keep: { type: "boolean", description: "leave the cluster running and say how to remove it" },
  remove: { type: "string", valueHint: "FOLDER", description: "remove a cluster that was kept or left behind" },
} as const satisfies ArgsDef;

type Options = PlaceOptions & { readonly keep?: boolean | undefined };

const INTERRUPTED = 130;

/**
 * Brings up a throw-away cluster, runs the command against it and removes it, whatever happens; answers the command's exit code.
 * @throws BusError ERR_USAGE without a command, and what setting up throws
 */
export async function runEphemeral(options: Options, command: readonly string[], terminal: Terminal): Promise<number> {
  if (command.length === 0)
    throw new BusError("ERR_USAGE", "ephemeral needs a command behind `--`", { remedy: "natsbus ephemeral -- npm test" });
  return withEphemeral(options, terminal, (place, stop) => runAgainst(place, command, stop));
}

/**
 * Brings up a throw-away cluster, does something with it and removes it, whatever happens; answers the exit code of what was done.
 * @param work is given the bus and a signal that aborts at Ctrl-C
 */
export async function withEphemeral(
  options: Options,
  terminal: Terminal,
  work: (place: BusPlace, stop: AbortSignal) => Promise<number>,
): Promise<number> {
  const plan = await planEphemeral(startFolder(options), stackName(options));
  using interrupts = listenForInterrupts(() => terminal.err("natsbus: stopping; the cluster will be removed\n"));
  const { cancellation } = interrupts;
  const stack = await createEphemeral(plan, ephemeralName(), await findPortBlock(plan.servers));
  let exitCode: number = EXIT.error;
  try {
    const result = await deployQuietly(stack, "up", { terminal, cancellation });
    if (result.cancelled) exitCode = INTERRUPTED;
    else if (result.result === "succeeded") exitCode = await work(placeOf(stack), cancellation.graceful);
  } finally {
    if (options.keep === true && exitCode !== INTERRUPTED)
      terminal.err(`natsbus: kept; remove it with: npx natsbus ephemeral --remove ${stack.folder}\n`);
    else if (!(await removeAll(stack, terminal)) && exitCode === EXIT.ok) exitCode = EXIT.error;
  }
  return exitCode;
}

/**
 * Removes a cluster that was kept, or that a killed natsbus left behind.
 * @throws BusError ERR_USAGE when the folder holds none
 */
export async function removeKept(folder: string, options: PlaceOptions, terminal: Terminal): Promise<number> {
  const stack = await reopenEphemeral(loadProject(startFolder(options)), resolve(startFolder(options), folder));
  return (await removeAll(stack, terminal)) ? EXIT.ok : EXIT.error;
}

/** Up or destroy with one line when it went well, and the reasons when it did not. */
async function deployQuietly(
  stack: EphemeralStack,
  kind: "up" | "destroy",
  about: { readonly terminal: Terminal; readonly cancellation: Cancellation },
): Promise<RunResult> {
  const { runEmbedded } = await import("./embedded.ts");
  const { terminal } = about;
  const name = stack.address.stack;
  const clock = createPhaseClock();
  const diagnostics: DiagnosticEvent[] = [];
  const flags = { refresh: false, continueOnError: kind === "destroy", expectNoChanges: false, clearPendingCreates: false };
  const result = await runEmbedded(stack, {
    request: { kind, ...flags },
    preview: false,
    clock,
    cancellation: about.cancellation,
    onNotice: (text) => terminal.err(`natsbus: ${text}\n`),
    onEvent(event) {
      clock.onEvent(event);
      if ("diagnosticEvent" in event) diagnostics.push(event.diagnosticEvent);
    },
  });
  const facts = {
    kind,
    stack: name,
    stackUrn: stackUrn(stack.project.name, name),
    diagnostics,
    stackStep: undefined,
    summary: undefined,
    errored: 0,
  };
  const isFine = result.result === "succeeded";
  if (!isFine) terminal.err(renderDiagnostics(facts, terminal.errPalette));
  const phases = kind === "up" && isFine ? `; ${renderPhases(clock.phases(), terminal.errPalette).trim()}` : "";
  terminal.err(
    `natsbus: ${name} ${isFine ? (kind === "up" ? "is up" : "is removed") : `${kind} failed`} after ${renderSpan(result.durationMs)}${phases}\n`,
  );
  return result;
}

function placeOf({ project, address }: EphemeralStack): BusPlace {
  return { root: project.root, stack: address.stack, bus: readBusState(loadState(address, HIDDEN_SECRETS)) };
}

async function runAgainst(place: BusPlace, command: readonly string[], stop: AbortSignal): Promise<number> {
  const { root, stack, bus } = place;
  const user = findUser(place, undefined);
  const env = {
    ...process.env,
    NATSBUS_STACK: stack,
    NATS_URL: bus.urls.join(","),
    ...(user === undefined || user.file === "" ? {} : { NATS_CREDS: resolve(root, user.file) }),
    ...(bus.caFile === "" ? {} : { NATS_CA: resolve(root, bus.caFile) }),
  };
  return runCommandOfUser({ words: command, env, stop, hearsTerminal: process.stdin.isTTY === true });
}

/** Destroys the stack and removes its folder; false when something is left, which is then named. */
async function removeAll(stack: EphemeralStack, terminal: Terminal): Promise<boolean> {
  const never = new AbortController().signal;
  const again = `npx natsbus ephemeral --remove ${stack.folder}`;
  try {
    const { result } = await deployQuietly(stack, "destroy", { terminal, cancellation: { graceful: never, now: never } });
    if (result === "succeeded") {
      removeEphemeral(stack);
      return true;
    }
  } catch (error) {
    terminal.err(`natsbus: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  terminal.err(`natsbus: something was left in ${stack.folder}; try again with: ${again}\n`);
  return false;
}
