import { stripVTControlCharacters } from "node:util";
import { BusError } from "../core/errors.ts";
import { nearestWord } from "../core/nearest.ts";
import { splitArguments } from "./arguments.ts";
import { EXIT } from "./exit-codes.ts";
import { describeFailure } from "./failure.ts";
import { renderHelp, renderOverview } from "./help.ts";
import type { ColorChoice } from "./reporters/palette.ts";
import { createTerminal, type Terminal } from "./terminal.ts";
import type { Verb } from "./verb.ts";
import { VERBS } from "./verbs.ts";

/** The colour choice has to be known before anything is parsed, so that usage errors honour it too. */
function colorChoice(rawArgs: readonly string[]): ColorChoice {
  const { own } = splitArguments(rawArgs);
  const index = own.findIndex((word) => word === "--color" || word.startsWith("--color="));
  const value = index < 0 ? "auto" : (own[index]?.split("=")[1] ?? own[index + 1]);
  return value === "always" || value === "never" ? value : "auto";
}

async function findVerb(name: string): Promise<Verb> {
  if (Object.hasOwn(VERBS, name)) {
    const lazy = VERBS[name];
    if (lazy !== undefined) return (await lazy.load()).verb;
  }
  const near = nearestWord(name, Object.keys(VERBS));
  throw new BusError("ERR_USAGE", `there is no verb ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`, {
    remedy: "see `natsbus --help`",
  });
}

async function runVerb(verb: Verb, rawArgs: readonly string[], terminal: Terminal): Promise<number> {
  const { own, command } = splitArguments(rawArgs);
  if (own.includes("--help") || own.includes("-h")) {
    terminal.out(renderHelp(verb, terminal.outPalette));
    return EXIT.ok;
  }
  const { assertArguments } = await import("./arguments.ts");
  assertArguments(verb, rawArgs);
  const { runCommand } = await import("citty");
  const { result } = await runCommand({ args: verb.args, run: ({ args }) => verb.run({ args, command, terminal }) }, { rawArgs: [...own] });
  return Number(result);
}

async function main(rawArgs: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = rawArgs;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const topic = name === "help" ? rest[0] : undefined;
    if (topic !== undefined) return runVerb(await findVerb(topic), ["--help"], terminal);
    const text = renderOverview(VERBS, terminal.outPalette);
    if (name !== undefined) terminal.out(text);
    else terminal.err(text);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === "--version" || name === "-v") {
    const { default: manifest } = await import("../package.json", { with: { type: "json" } });
    terminal.out(`${manifest.version}\n`);
    return EXIT.ok;
  }
  if (name.startsWith("-")) throw new BusError("ERR_USAGE", `the verb comes first, not ${name}`, { remedy: "see `natsbus --help`" });
  return runVerb(await findVerb(name), rest, terminal);
}

/** What the argument parser itself still refuses is a usage error as well; it colours its words whatever the terminal. */
function asUsage(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "CLIError") return error;
  return new BusError("ERR_USAGE", stripVTControlCharacters(error.message), { cause: error, remedy: "see `natsbus --help`" });
}

// A reader that went away (`natsbus status | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.error));

const rawArgs = process.argv.slice(2);
const terminal = createTerminal(colorChoice(rawArgs));
try {
  process.exit(await main(rawArgs, terminal));
} catch (thrown) {
  const failure = describeFailure(asUsage(thrown), terminal.errPalette);
  if (splitArguments(rawArgs).own.includes("--json")) terminal.out(`${JSON.stringify(failure.document)}\n`);
  terminal.err(failure.text);
  process.exit(failure.exitCode);
}
