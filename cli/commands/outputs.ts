import { BusError } from "../../core/errors.ts";
import { loadState } from "../../engine/recorder.ts";
import { openStack } from "../../engine/stack.ts";
import { unwrapSecrets } from "../../engine/traversal.ts";
import { STACK_TYPE } from "../../engine/urn.ts";
import type { PropertyMap } from "../../engine/values.ts";
import { HIDDEN_SECRETS } from "../bus-state.ts";
import { EXIT } from "../exit-codes.ts";
import { maskBag } from "../reporters/masked.ts";
import { renderTable } from "../reporters/table.ts";
import { assertStackExists, locateStack, startFolder } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `natsbus outputs`. */
export const verb = defineVerb({
  name: "outputs",
  summary: "print the stack's outputs",
  synopsis: "[NAME]",
  args: {
    ...COMMON_ARGS,
    name: { type: "positional", required: false, description: "print this output only" },
    showSecrets: { type: "boolean", description: "print secret outputs in clear; needs the passphrase" },
  },
  examples: [
    ["outputs", "all of them, secrets as [secret]"],
    ["outputs servers --json", "one, as JSON"],
  ],
  async run({ args, terminal }) {
    const { address } = locateStack(args);
    assertStackExists(address);
    const codec =
      args.showSecrets === true
        ? (await openStack({ directory: startFolder(args), stack: address.stack, onNotice: terminal.err })).secrets
        : HIDDEN_SECRETS;
    const stored: PropertyMap = loadState(address, codec).resources.find((entry) => entry.type === STACK_TYPE)?.outputs ?? {};
    const outputs = maskBag(args.showSecrets === true ? unwrapSecrets(stored) : stored);
    if (args.name === undefined) {
      if (args.json === true) terminal.out(`${JSON.stringify(outputs, null, 2)}\n`);
      else
        terminal.out(
          renderTable(
            ["OUTPUT", "VALUE"],
            Object.entries(outputs).map(([name, value]) => [name, shown(value)]),
            terminal.outPalette,
          ),
        );
      return EXIT.ok;
    }
    const value = outputs[args.name];
    if (value === undefined) {
      throw new BusError("ERR_USAGE", `stack ${address.stack} has no output ${JSON.stringify(args.name)}`, {
        remedy: `it has ${Object.keys(outputs).join(", ") || "none"}`,
      });
    }
    terminal.out(`${args.json === true ? JSON.stringify(value) : shown(value)}\n`);
    return EXIT.ok;
  },
});
