import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { BusError } from "../../core/errors.ts";
import { parseStackConfig } from "../../core/stack-config.ts";
import type { Json } from "../../engine/events.ts";
import { SECRET_TEXT } from "../../engine/masking.ts";
import { loadProject, type Project } from "../../engine/project.ts";
import { CLEAR_TEXT } from "../../engine/secrets.ts";
import { openStack } from "../../engine/stack.ts";
import { needsSecrets, resolveConfig } from "../../engine/stack-config.ts";
import { isSecure, loadSettings, type SettingValue, type StackSettings, saveSetting, settingsConfig } from "../../engine/stack-settings.ts";
import type { JsonMap } from "../../engine/state-values.ts";
import { EXIT } from "../exit-codes.ts";
import { renderTable } from "../reporters/table.ts";
import { type PlaceOptions, stackName, startFolder } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

interface Options extends PlaceOptions {
  readonly json?: boolean | undefined;
  readonly secret?: boolean | undefined;
  readonly show?: boolean | undefined;
}

interface Place {
  readonly project: Project;
  readonly stack: string;
  readonly settings: StackSettings;
}

function locate(options: Options): Place {
  const project = loadProject(startFolder(options));
  const stack = stackName(options);
  return { project, stack, settings: loadSettings(project, stack) };
}

/** A key with the project's name in front unless it has a namespace. */
function qualify(project: Project, key: string): string {
  return key.includes(":") ? key : `${project.name}:${key}`;
}

/** Secrets inside hidden, also deep inside. */
function mask(value: Json): Json {
  if (isSecure(value)) return SECRET_TEXT;
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mask(part)]));
  return value;
}

function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function list(options: Options, terminal: Terminal): number {
  const values = mask(settingsConfig(locate(options).settings)) as JsonMap;
  if (options.json === true) terminal.out(`${JSON.stringify(values, null, 2)}\n`);
  else
    terminal.out(
      renderTable(
        ["KEY", "VALUE"],
        Object.entries(values).map(([key, value]) => [key, shown(value)]),
        terminal.outPalette,
      ),
    );
  return EXIT.ok;
}

async function get(options: Options, key: string, terminal: Terminal): Promise<number> {
  const { project, stack, settings } = locate(options);
  const name = qualify(project, key);
  const stored = settingsConfig(settings)[name];
  if (stored === undefined)
    throw new BusError("ERR_USAGE", `stack ${stack} has no setting ${name}`, { remedy: `\`natsbus config --stack ${stack}\` lists them` });
  const open =
    options.show === true
      ? await openStack({ directory: startFolder(options), stack, absent: "pretend", onNotice: terminal.err })
      : undefined;
  const value = open === undefined ? mask(stored) : (open.config.config[name] ?? "");
  terminal.out(`${options.json === true ? JSON.stringify(value) : shown(value)}\n`);
  return EXIT.ok;
}

/** Project whose program reads its settings as a bus; another program may use any key. */
const BUS_PROJECT = "natsbus";

/** Refuses a setting that the program would refuse. */
function assertAllowed({ project, stack, settings }: Place, name: string, text: string): void {
  if (project.name !== BUS_PROJECT || !name.startsWith(`${BUS_PROJECT}:`)) return;
  const others = Object.entries(settingsConfig(settings)).filter(
    ([key, value]) => key !== name && !JSON.stringify(value).includes('"secure"'),
  );
  const { config } = resolveConfig({ ...project, config: {} }, { ...Object.fromEntries(others), [name]: text }, CLEAR_TEXT);
  parseStackConfig(config, { stack, project: project.name });
}

async function set(options: Options, { key, text }: { readonly key: string; readonly text: string }, terminal: Terminal): Promise<number> {
  const place = locate(options);
  const name = qualify(place.project, key);
  if (options.secret === true) {
    const { secrets, settings } = await openStack({
      directory: startFolder(options),
      stack: place.stack,
      absent: "create",
      onNotice: (notice) => terminal.err(`note: ${notice}\n`),
    });
    saveSetting(settings, name, { ciphertext: secrets.encrypt(text) });
  } else {
    assertAllowed(place, name, asText(text));
    saveSetting(place.settings, name, settingOf(text));
  }
  if (options.json === true) terminal.out(`${JSON.stringify({ key: name, file: place.settings.path })}\n`);
  terminal.err(`${name} is set in ${place.settings.path}; \`natsbus up\` applies it\n`);
  return EXIT.ok;
}

/** A block goes into the file as one, unless it looks like an encrypted value. */
function settingOf(text: string): SettingValue {
  const block = asBlock(text);
  return block === undefined || needsSecrets({ block }) ? { text: asText(text) } : { block };
}

function asText(text: string): string {
  const block = asBlock(text);
  return block === undefined ? text : JSON.stringify(block);
}

/** A map or list, written as JSON or YAML; undefined for other text. */
function asBlock(text: string): Json | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return parse(text) as Json;
  } catch (cause) {
    throw new BusError("ERR_USAGE", `${JSON.stringify(text)} begins like a block and is neither JSON nor YAML`, {
      cause,
      remedy: "quote it for your shell",
    });
  }
}

function remove(options: Options, key: string, terminal: Terminal): number {
  const { project, stack, settings } = locate(options);
  const name = qualify(project, key);
  if (settingsConfig(settings)[name] === undefined) throw new BusError("ERR_USAGE", `stack ${stack} has no setting ${name}`);
  saveSetting(settings, name, undefined);
  if (options.json === true) terminal.out(`${JSON.stringify({ key: name, file: settings.path })}\n`);
  terminal.err(`${name} is removed from ${settings.path}; \`natsbus up\` applies it\n`);
  return EXIT.ok;
}

/** `natsbus config`. */
export const verb = defineVerb({
  name: "config",
  summary: "list, read and change the stack's settings",
  synopsis: "[get KEY | set KEY VALUE | rm KEY]",
  details: "The settings are the file Pulumi.STACK.yaml, which you may edit as well. A key without namespace is one of the project.",
  args: {
    ...COMMON_ARGS,
    action: { type: "positional", required: false, description: "get, set or rm; without it everything is listed" },
    key: { type: "positional", required: false, description: "for instance logging" },
    value: { type: "positional", required: false, description: "text, or a block as JSON or YAML; - reads it from stdin" },
    secret: { type: "boolean", description: "encrypt the value" },
    show: { type: "boolean", description: "print a secret in clear" },
  },
  examples: [
    ["config", "every setting of the stack dev; secrets as [secret]"],
    ["config get logging", "one of them"],
    ["config set logging '{level: debug}'", "change one"],
    ["config set other:token - --secret < token.txt", "an encrypted one of another namespace, from stdin"],
  ],
  async run({ args, terminal }) {
    const { action, key } = args;
    if (action === undefined) return list(args, terminal);
    if (!["get", "set", "rm"].includes(action))
      throw new BusError("ERR_USAGE", `config knows no ${JSON.stringify(action)}; allowed are get, set and rm`);
    if (key === undefined) throw new BusError("ERR_USAGE", `config ${action} needs a key`, { remedy: "see `natsbus config --help`" });
    if (action === "get") return get(args, key, terminal);
    if (action === "rm") return remove(args, key, terminal);
    if (args.value === undefined) throw new BusError("ERR_USAGE", "config set needs a value", { remedy: "see `natsbus config --help`" });
    const text = args.value === "-" ? readFileSync(0, "utf8").trimEnd() : args.value;
    return set(args, { key, text }, terminal);
  },
});
