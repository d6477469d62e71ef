import { rmSync } from "node:fs";
import { BusError } from "../../core/errors.ts";
import { listStacks, removeStack } from "../../engine/file-state.ts";
import { acquireLock } from "../../engine/lock.ts";
import type { ResourceEntry } from "../../engine/model.ts";
import { loadState } from "../../engine/recorder.ts";
import { stackFiles } from "../../engine/stack-files.ts";
import { isDefaultProvider } from "../../engine/urn.ts";
import { HIDDEN_SECRETS } from "../bus-state.ts";
import { EXIT } from "../exit-codes.ts";
import { confirm } from "../prompt.ts";
import { renderTable } from "../reporters/table.ts";
import { assertStackExists, locateStack, type StackPlace } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** The resources a run's summary counts: all but the providers Pulumi adds itself. */
function countShown(resources: readonly ResourceEntry[]): number {
  return resources.filter((entry) => !isDefaultProvider(entry.urn)).length;
}

function list({ project, address }: StackPlace, json: boolean, terminal: Terminal): number {
  const stacks = listStacks(address.root, project.name).map(({ stack, updated }) => {
    return { stack, updated: updated.toISOString(), resources: countShown(loadState({ ...address, stack }, HIDDEN_SECRETS).resources) };
  });
  if (json) terminal.out(`${JSON.stringify(stacks, null, 2)}\n`);
  else if (stacks.length === 0) terminal.err("there is no stack yet; `natsbus up` makes the first\n");
  else
    terminal.out(
      renderTable(
        ["STACK", "LAST UPDATE", "RESOURCES"],
        stacks.map(({ stack, updated, resources }) => [stack, updated, String(resources)]),
        terminal.outPalette,
      ),
    );
  return EXIT.ok;
}

async function remove(
  place: StackPlace,
  options: { readonly yes: boolean; readonly force: boolean; readonly json: boolean },
  terminal: Terminal,
): Promise<number> {
  const { address } = place;
  assertStackExists(address, "`natsbus stacks` lists the stacks");
  const { resources } = loadState(address, HIDDEN_SECRETS);
  if (resources.length > 0 && !options.force) {
    throw new BusError("ERR_USAGE", `stack ${address.stack} still has ${countShown(resources)} resources`, {
      remedy: `delete them with \`natsbus destroy --stack ${address.stack}\`, or forget them with --force`,
    });
  }
  const details = (): string => resources.map((entry) => entry.urn).join("\n");
  if (!options.yes && !(await confirm(terminal, { action: `removal of stack ${address.stack} with its history`, details }))) return EXIT.ok;
  const { locks } = stackFiles(address);
  const lock = await acquireLock({ directory: locks, stack: address.stack, onNotice: (text) => terminal.err(`note: ${text}\n`) });
  try {
    removeStack(address);
  } finally {
    lock.release();
    rmSync(locks, { recursive: true, force: true });
  }
  if (options.json) terminal.out(`${JSON.stringify({ stack: address.stack, removed: true })}\n`);
  terminal.err(`stack ${address.stack} is removed; its settings file stays\n`);
  return EXIT.ok;
}

/** `natsbus stacks`. */
export const verb = defineVerb({
  name: "stacks",
  summary: "list or remove stacks",
  synopsis: "[ls | rm NAME]",
  args: {
    ...COMMON_ARGS,
    action: { type: "positional", required: false, description: "ls lists (so does no action); rm removes a stack with its history" },
    name: { type: "positional", required: false, description: "stack to remove" },
    yes: { type: "boolean", alias: "y", description: "do not ask" },
    force: { type: "boolean", description: "remove a stack that still has resources, and forget them" },
  },
  examples: [
    ["stacks", "every stack of the project"],
    ["stacks rm ci-17 --yes", "remove a destroyed stack"],
  ],
  async run({ args, terminal }) {
    if (args.action === undefined || args.action === "ls") return list(locateStack(args), args.json === true, terminal);
    if (args.action !== "rm") throw new BusError("ERR_USAGE", `stacks knows no ${JSON.stringify(args.action)}; allowed are ls and rm`);
    const name = args.name ?? args.stack;
    if (name === undefined)
      throw new BusError("ERR_USAGE", "stacks rm needs the name of a stack", { remedy: "`natsbus stacks` lists them" });
    return remove(
      locateStack({ ...args, stack: name }),
      { yes: args.yes === true, force: args.force === true, json: args.json === true },
      terminal,
    );
  },
});
