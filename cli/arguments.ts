import type { ArgDef, ArgsDef } from "citty";
import { BusError } from "../core/errors.ts";
import { nearestWord } from "../core/nearest.ts";
import type { Verb } from "./verb.ts";

/** The arguments before `--` and the command behind it. */
export interface SplitArguments {
  readonly own: readonly string[];
  readonly command: readonly string[];
}

/** Splits at the first `--`. */
export function splitArguments(rawArgs: readonly string[]): SplitArguments {
  const cut = rawArgs.indexOf("--");
  return cut < 0 ? { own: rawArgs, command: [] } : { own: rawArgs.slice(0, cut), command: rawArgs.slice(cut + 1) };
}

interface Flag {
  readonly name: string;
  readonly definition: ArgDef;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function aliases(definition: ArgDef): readonly string[] {
  if (definition.type === "positional" || !("alias" in definition)) return [];
  return typeof definition.alias === "string" ? [definition.alias] : (definition.alias ?? []);
}

function flagsOf(args: ArgsDef): ReadonlyMap<string, Flag> {
  const named = Object.entries(args).filter(([, definition]) => definition.type !== "positional");
  return new Map(
    named.flatMap(([name, definition]) => [
      [`--${kebab(name)}`, { name, definition }] as const,
      ...aliases(definition).map((alias) => [`${alias.length === 1 ? "-" : "--"}${alias}`, { name, definition }] as const),
    ]),
  );
}

function usage(verb: Verb, message: string): BusError {
  return new BusError("ERR_USAGE", `natsbus ${verb.name}: ${message}`, { remedy: `see \`natsbus ${verb.name} --help\`` });
}

/**
 * Refuses what cannot be meant, in the words of this command line: unknown options, options without their value or with one that is not among the choices,
 * values for switches, too many words or too few.
 * @throws BusError ERR_USAGE
 */
export function assertArguments(verb: Verb, rawArgs: readonly string[]): void {
  const { own, command } = splitArguments(rawArgs);
  const flags = flagsOf(verb.args);
  const words: string[] = [];
  for (let index = 0; index < own.length; index++) {
    const word = own[index] ?? "";
    if (!word.startsWith("-") || word === "-") words.push(word);
    else if (takesNextWord({ verb, flags }, word, own[index + 1])) index++;
  }
  const places = Object.entries(verb.args).filter(([, definition]) => definition.type === "positional");
  const extra = words[places.length];
  if (extra !== undefined) throw usage(verb, `unexpected word ${JSON.stringify(extra)}`);
  const missing = places.slice(words.length).find(([, definition]) => definition.required !== false && definition.default === undefined);
  if (missing !== undefined) throw usage(verb, `${missing[0].toUpperCase()} is missing: ${missing[1].description ?? ""}`);
  if (command.length > 0 && verb.takesCommand !== true) throw usage(verb, "takes no command behind `--`");
}

/** Checks one option; whether the word behind it is its value. */
function takesNextWord(
  { verb, flags }: { readonly verb: Verb; readonly flags: ReadonlyMap<string, Flag> },
  word: string,
  next: string | undefined,
): boolean {
  const [option = "", value] = word.split(/=(.*)/s, 2);
  const flag = flags.get(option) ?? negated(flags, option);
  if (flag === undefined) {
    const near = nearestWord(
      option,
      [...flags.keys()].filter((name) => name.startsWith("--")),
    );
    throw usage(verb, `unknown option ${option}${near === undefined ? "" : `; did you mean ${near}?`}`);
  }
  const isSwitch = flag.definition.type === "boolean";
  if (isSwitch && value !== undefined && !["true", "false"].includes(value)) throw usage(verb, `${option} is a switch and takes no value`);
  if (isSwitch) return false;
  const given = value ?? next;
  if (given === undefined || (value === undefined && given.startsWith("-") && given !== "-")) throw usage(verb, `${option} needs a value`);
  assertChoice(verb, option, { definition: flag.definition, value: given });
  return value === undefined;
}

function assertChoice(verb: Verb, option: string, choice: { readonly definition: ArgDef; readonly value: string }): void {
  const { definition, value } = choice;
  if (definition.type !== "enum" || definition.options?.includes(value) !== false) return;
  throw usage(verb, `${option} is ${JSON.stringify(value)}; allowed is ${definition.options.join(", ")}`);
}

function negated(flags: ReadonlyMap<string, Flag>, option: string): Flag | undefined {
  const flag = option.startsWith("--no-") ? flags.get(`--${option.slice(5)}`) : undefined;
  return flag?.definition.type === "boolean" ? flag : undefined;
}

/**
 * Reads a whole number.
 * @throws BusError ERR_USAGE when it is none, or out of range
 */
export function parseCount(
  option: string,
  text: string | undefined,
  range: { readonly min: number; readonly max?: number },
): number | undefined {
  if (text === undefined) return undefined;
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  if (count >= min && count <= max) return count;
  const allowed = range.max === undefined ? `a whole number from ${min} up` : `a whole number from ${min} to ${max}`;
  throw new BusError("ERR_USAGE", `${option} is ${JSON.stringify(text)}; allowed is ${allowed}`);
}

/**
 * Reads names that are separated by commas.
 * @throws BusError ERR_USAGE when there is none among them
 */
export function namesOf(option: string, text: string | undefined): readonly string[] | undefined {
  const names = text?.split(",").filter((name) => name !== "");
  if (names?.length === 0) throw new BusError("ERR_USAGE", `${option} names nothing`, { remedy: "write names, separated by commas" });
  return names;
}
