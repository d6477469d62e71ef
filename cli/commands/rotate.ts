import type { ResolvedBus } from "../../components/resolve.ts";
import { BusError } from "../../core/errors.ts";
import { nearestWord } from "../../core/nearest.ts";
import type { Json } from "../../engine/events.ts";
import { loadProject } from "../../engine/project.ts";
import { loadSettings, saveSetting, settingsConfig } from "../../engine/stack-settings.ts";
import type { JsonMap } from "../../engine/state-values.ts";
import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import { stackName, startFolder } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

type Kind = "user" | "account" | "operator";

const KINDS: readonly Kind[] = ["user", "account", "operator"];
const SETTING: Readonly<Record<"user" | "account", string>> = { user: "users", account: "accounts" };

/** `natsbus rotate`. */
export const verb = defineVerb({
  name: "rotate",
  summary: "mark credentials or signing keys for rotation by the next up",
  synopsis: "user NAME | account NAME | operator",
  details:
    "Nothing happens to the bus at once: a number in Pulumi.STACK.yaml (natsbus:auth, rotations) is counted up. The next up issues a second credential or key beside the first and hands it out; the up after that ends the first. In between both are good.",
  args: {
    ...COMMON_ARGS,
    kind: { type: "positional", required: false, description: "user, account (its signing keys) or operator (its signing key)" },
    name: { type: "positional", required: false, description: "name of the user or account" },
  },
  examples: [
    ["rotate user gitlab", "new credentials for one user"],
    ["rotate account BUS", "new signing keys for an account; all its users get new credentials"],
    ["rotate operator", "a new signing key for the operator; servers restart one at a time"],
  ],
  async run({ args, terminal }) {
    const kind = KINDS.find((one) => one === args.kind);
    if (kind === undefined)
      throw new BusError("ERR_USAGE", "rotate needs user, account or operator", { remedy: "see `natsbus rotate --help`" });
    const bus = await loadDeclared(args, (notice) => terminal.err(`note: ${notice}\n`));
    assertRotatable(bus, kind, args.name);
    const project = loadProject(startFolder(args));
    const settings = loadSettings(project, stackName(args));
    const key = `${project.name}:auth`;
    const { block, generation } = countUp(mapOf(settingsConfig(settings)[key]), kind, args.name ?? "");
    saveSetting(settings, key, { block });
    if (args.json === true)
      terminal.out(
        `${JSON.stringify({ kind, ...(args.name === undefined ? {} : { name: args.name }), generation, file: settings.path })}\n`,
      );
    const what = kind === "operator" ? "the operator" : `${kind} ${args.name}`;
    terminal.err(`${what} is marked in ${settings.path}; the next \`natsbus up\` issues the second one, the one after ends the first\n`);
    return EXIT.ok;
  },
});

/** @throws ERR_USAGE, ERR_USER_UNKNOWN or ERR_AUTH_MODE when there is nothing to rotate */
function assertRotatable(bus: ResolvedBus, kind: Kind, name: string | undefined): void {
  assertMode(bus.spec.auth.mode, kind);
  if (kind !== "operator") assertKnown(bus, kind, name);
  else if (name !== undefined) throw new BusError("ERR_USAGE", "rotate operator takes no name", { remedy: "there is only one" });
}

function assertMode(mode: ResolvedBus["spec"]["auth"]["mode"], kind: Kind): void {
  if (mode === "jwt" || (mode === "config" && kind === "user")) return;
  const remedy = mode === "none" ? "with auth.mode none there are no credentials" : "rotate its users one by one";
  throw new BusError("ERR_AUTH_MODE", `with auth.mode ${mode} there is no ${kind} to rotate`, { remedy });
}

function assertKnown({ accounts }: ResolvedBus, kind: "user" | "account", name: string | undefined): void {
  const own = accounts.filter(({ system }) => !system);
  const names = kind === "user" ? accounts.flatMap(({ users }) => Object.keys(users)) : own.map((account) => account.name);
  if (name !== undefined && names.includes(name)) return;
  const remedy = `there are ${names.join(", ")}`;
  if (name === undefined) throw new BusError("ERR_USAGE", `rotate ${kind} needs a name`, { remedy });
  const near = nearestWord(name, names);
  throw new BusError(kind === "user" ? "ERR_USER_UNKNOWN" : "ERR_USAGE", `there is no ${kind} ${JSON.stringify(name)}`, {
    remedy: near === undefined ? remedy : `did you mean ${near}?`,
  });
}

function countUp(auth: JsonMap, kind: Kind, name: string): { block: JsonMap; generation: number } {
  const rotations = mapOf(auth["rotations"]);
  if (kind === "operator") {
    const generation = numberOf(rotations["operator"]) + 1;
    return { block: { ...auth, rotations: { ...rotations, operator: generation } }, generation };
  }
  const group = SETTING[kind];
  const counts = mapOf(rotations[group]);
  const generation = numberOf(counts[name]) + 1;
  return { block: { ...auth, rotations: { ...rotations, [group]: { ...counts, [name]: generation } } }, generation };
}

function mapOf(value: Json | undefined): JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonMap) : {};
}

function numberOf(value: Json | undefined): number {
  return typeof value === "number" ? value : 0;
}
