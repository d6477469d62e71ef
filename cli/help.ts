import type { ArgDef } from "citty";
import type { Palette } from "./reporters/palette.ts";
import type { Verb } from "./verb.ts";

const WIDTH = 28;

/** What the overview shows of a verb. */
export interface VerbSummary {
  readonly summary: string;
}

/** Help of the program: every verb in a line. */
export function renderOverview(verbs: Readonly<Record<string, VerbSummary>>, palette: Palette): string {
  const rows = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  return [
    "natsbus - one command brings up a NATS JetStream bus",
    "",
    `${palette.bold("Usage:")} natsbus VERB [options]`,
    "",
    palette.bold("Verbs:"),
    ...rows,
    "",
    `${palette.bold("Every verb takes")} --stack NAME, --json, --cwd DIR, --color auto|always|never and --help (with examples).`,
    "",
  ].join("\n");
}

/** Help of one verb: usage, options, examples. */
export function renderHelp(verb: Verb, palette: Palette): string {
  const options = Object.entries(verb.args).filter(([, definition]) => definition.type !== "positional");
  const words = Object.entries(verb.args).filter(([, definition]) => definition.type === "positional");
  const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : [palette.bold(title), ...lines, ""]);
  return [
    `natsbus ${verb.name} - ${verb.summary}`,
    "",
    `${palette.bold("Usage:")} natsbus ${[verb.name, verb.synopsis, "[options]"].filter((part) => part !== "").join(" ")}${verb.takesCommand === true ? " -- COMMAND [ARGUMENT …]" : ""}`,
    "",
    ...(verb.details === undefined ? [] : [verb.details, ""]),
    ...section(
      "Arguments:",
      words.map(([name, definition]) => row(name.toUpperCase(), definition.description ?? "")),
    ),
    ...section("Options:", [
      ...options.map(([name, definition]) => row(optionLabel(name, definition), optionText(definition))),
      row("-h, --help", "this text"),
    ]),
    ...section(
      "Examples:",
      verb.examples.map(([command, meaning]) => `  natsbus ${command}\n      ${meaning}`),
    ),
  ].join("\n");
}

function row(label: string, text: string): string {
  return label.length < WIDTH ? `  ${label.padEnd(WIDTH)} ${text}` : `  ${label}\n  ${" ".repeat(WIDTH)} ${text}`;
}

function optionLabel(name: string, definition: ArgDef): string {
  const long = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const short = "alias" in definition && typeof definition.alias === "string" ? `-${definition.alias}, ` : "    ";
  if (definition.type === "enum") return `${short}${long} ${(definition.options ?? []).join("|")}`;
  const hint = "valueHint" in definition && definition.valueHint !== undefined ? ` ${definition.valueHint}` : "";
  return `${short}${long}${hint}`;
}

function optionText(definition: ArgDef): string {
  const fallback = definition.default === undefined || definition.default === false ? "" : ` (default: ${definition.default})`;
  return `${definition.description ?? ""}${fallback}`;
}
