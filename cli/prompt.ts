import { BusError } from "../core/errors.ts";
import type { Terminal } from "./terminal.ts";

/** What is asked before a change. */
export interface Question {
  /** `update`, `refresh`, `destroy`. */
  readonly action: string;
  /** Command that only shows what would be done.
   * @default - there is none */
  readonly look?: string;
  /** Shown when the answer is `details`. */
  readonly details: () => string;
}

/**
 * Asks `Do you want to perform this update?` until the answer is yes or no; `details` shows the differences and asks again.
 * @throws BusError ERR_NO_TERMINAL when nobody can be asked
 */
export async function confirm(terminal: Terminal, question: Question): Promise<boolean> {
  assertCanAsk(terminal, question);
  const { bold } = terminal.errPalette;
  for (;;) {
    terminal.err("\n");
    const answer = (await terminal.ask(`${bold(`Do you want to perform this ${question.action}?`)} yes / no / details: `))
      .trim()
      .toLowerCase();
    if (answer === "yes" || answer === "y") return true;
    if (answer === "no" || answer === "n" || answer === "") return false;
    if (answer === "details" || answer === "d") terminal.err(`${question.details() || "nothing changes"}\n`);
    else terminal.err(`please answer yes, no or details, not ${JSON.stringify(answer)}\n`);
  }
}

/**
 * Fails early when a question will have to be asked and cannot be.
 * @throws BusError ERR_NO_TERMINAL
 */
export function assertCanAsk(terminal: Terminal, { action, look }: Pick<Question, "action" | "look">): void {
  if (terminal.canAsk) return;
  throw new BusError("ERR_NO_TERMINAL", `this ${action} has to be confirmed and there is no terminal to ask on`, {
    remedy: `pass --yes to go ahead without a question${look === undefined ? "" : `, or use \`${look}\` to look only`}`,
  });
}
