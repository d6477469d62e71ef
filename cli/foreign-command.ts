import { spawn } from "node:child_process";
import { constants } from "node:os";
import { BusError } from "../core/errors.ts";

/** How long a command may take to end after it was asked to. */
const GRACE_MS = 10_000;

/** A command of the user's. */
export interface ForeignCommand {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Asks the command to end, and makes it after a while. */
  readonly stop: AbortSignal;
  /** Whether the terminal itself tells the command of Ctrl-C. */
  readonly hearsTerminal: boolean;
}

/**
 * Runs a command on this terminal.
 * @returns its exit code; 128 plus the number of the signal that ended it
 * @throws BusError ERR_USAGE when it cannot be started
 */
export function runCommandOfUser(command: ForeignCommand): Promise<number> {
  const [name = "", ...args] = command.words;
  return new Promise((done, fail) => {
    const child = spawn(name, args, { env: command.env, stdio: "inherit" });
    const timers: NodeJS.Timeout[] = [];
    const stop = (): void => {
      if (!command.hearsTerminal) child.kill("SIGTERM");
      timers.push(setTimeout(() => child.kill("SIGTERM"), GRACE_MS / 2).unref(), setTimeout(() => child.kill("SIGKILL"), GRACE_MS).unref());
    };
    if (command.stop.aborted) stop();
    else command.stop.addEventListener("abort", stop, { once: true });
    child.once("error", (cause) => {
      const what = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such command" : cause.message;
      fail(
        new BusError("ERR_USAGE", `${JSON.stringify(name)} cannot be started: ${what}`, { cause, remedy: "check the command behind `--`" }),
      );
    });
    child.once("exit", (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      command.stop.removeEventListener("abort", stop);
      done(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
