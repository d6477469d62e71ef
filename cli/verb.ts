import type { ArgsDef, ParsedArgs } from "citty";
import type { Terminal } from "./terminal.ts";

/** A verb of the command line, as data. */
export interface Verb<T extends ArgsDef = ArgsDef> {
  readonly name: string;
  /** One line, lower case, without full stop. */
  readonly summary: string;
  /** What follows the name in the usage line, for instance `[USER]`. */
  readonly synopsis: string;
  /** A paragraph of help.
   * @default - none */
  readonly details?: string;
  readonly args: T;
  /** Command lines (without `natsbus`) and what they do. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  /** Whether a command of the user's may follow behind `--`.
   * @default false */
  readonly takesCommand?: boolean;
  /** Does it; answers the exit code. */
  run(call: Call<T>): Promise<number>;
}

/** One call of a verb. */
interface Call<T extends ArgsDef = ArgsDef> {
  readonly args: ParsedArgs<T>;
  /** What stands behind `--`. */
  readonly command: readonly string[];
  readonly terminal: Terminal;
}

/** Checks a verb's types and forgets them, so that verbs of all shapes fit one table. */
export function defineVerb<const T extends ArgsDef>(verb: Verb<T>): Verb {
  return verb as unknown as Verb;
}

/** Options that every verb has. */
export const COMMON_ARGS = {
  stack: { type: "string", alias: "s", valueHint: "NAME", description: "stack to work on (default: PULUMI_STACK, else dev)" },
  json: { type: "boolean", alias: "j", description: "print one JSON document (or one JSON event a line) on stdout" },
  cwd: { type: "string", alias: "C", valueHint: "DIR", description: "run as if started in DIR" },
  color: { type: "enum", options: ["auto", "always", "never"], default: "auto", description: "colours; NO_COLOR is honoured" },
} as const satisfies ArgsDef;
