import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { BusError } from "../../core/errors.ts";
import { exportState } from "../../engine/recorder.ts";
import { openStack } from "../../engine/stack.ts";
import { EXIT } from "../exit-codes.ts";
import { stackName, startFolder } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus export`. */
export const verb = defineVerb({
  name: "export",
  summary: "write the stack's state as a document",
  synopsis: "",
  details: "The document is the Pulumi CLI's own: `pulumi stack import` reads it.",
  args: {
    ...COMMON_ARGS,
    file: { type: "string", valueHint: "FILE", description: "write into FILE (mode 0600) instead of stdout" },
    showSecrets: { type: "boolean", description: "write secrets in clear" },
  },
  examples: [
    ["export --file dev.json", "with encrypted secrets"],
    ["export --show-secrets", "everything in clear, on stdout"],
  ],
  async run({ args, terminal }) {
    const { address, secrets } = await openStack({
      directory: startFolder(args),
      stack: stackName(args),
      onNotice: (text) => terminal.err(`note: ${text}\n`),
    });
    const text = `${JSON.stringify(exportState(address, { secrets, showSecrets: args.showSecrets === true }), null, 4)}\n`;
    if (args.file === undefined) terminal.out(text);
    else writeDocument(args.file, text);
    return EXIT.ok;
  },
});

function writeDocument(file: string, text: string): void {
  try {
    // The mode counts for a new file only; an older one may be readable to others.
    if (existsSync(file)) chmodSync(file, 0o600);
    writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    throw new BusError("ERR_STATE_WRITE", `${file} cannot be written`, { cause, remedy: "choose a file that this user may write" });
  }
}
