import { readFileSync } from "node:fs";
import { BusError } from "../../core/errors.ts";
import type { Json } from "../../engine/events.ts";
import { assertIntegrity } from "../../engine/integrity.ts";
import { acquireLock } from "../../engine/lock.ts";
import type { Snapshot } from "../../engine/model.ts";
import { loadState, replaceState } from "../../engine/recorder.ts";
import { openStack } from "../../engine/stack.ts";
import { stackFiles } from "../../engine/stack-files.ts";
import { decodeState, parseDocument } from "../../engine/state.ts";
import { parseUrn } from "../../engine/urn.ts";
import { EXIT } from "../exit-codes.ts";
import { confirm } from "../prompt.ts";
import { stackName, startFolder } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

function readText(file: string | undefined): string {
  try {
    return readFileSync(file ?? 0, "utf8");
  } catch (cause) {
    throw new BusError("ERR_USAGE", `${file ?? "stdin"} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      remedy: "pass a file that `natsbus export` or `pulumi stack export` wrote",
    });
  }
}

function readDocument(file: string | undefined): Json {
  const text = readText(file);
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new BusError("ERR_STATE_CORRUPT", `${file ?? "stdin"} holds no JSON document`, {
      cause,
      remedy: "pass a file that `natsbus export` or `pulumi stack export` wrote",
    });
  }
}

/** A state of another stack would name resources that this stack does not have. */
function assertOwn(snapshot: Snapshot, stack: string): void {
  const foreign = snapshot.resources.find((entry) => parseUrn(entry.urn).stack !== stack);
  if (foreign === undefined) return;
  throw new BusError("ERR_STATE_CORRUPT", `the document is of stack ${parseUrn(foreign.urn).stack}, not of ${stack}`, {
    remedy: "pass the name of its stack with --stack",
  });
}

/** `natsbus import-state`. */
export const verb = defineVerb({
  name: "import-state",
  summary: "replace the stack's state by a document",
  synopsis: "",
  details: "Reads what `natsbus export` or `pulumi stack export` wrote, from --file or stdin. Touches the state only, no server.",
  args: {
    ...COMMON_ARGS,
    file: { type: "string", valueHint: "FILE", description: "read FILE instead of stdin" },
    yes: { type: "boolean", alias: "y", description: "do not ask" },
  },
  examples: [["import-state --file dev.json --yes", "put an exported state back"]],
  async run({ args, terminal }) {
    const stack = stackName(args);
    const onNotice = (text: string): void => terminal.err(`note: ${text}\n`);
    const open = await openStack({ directory: startFolder(args), stack, absent: "create", onNotice });
    const snapshot = decodeState(parseDocument(readDocument(args.file)), open.secrets);
    assertOwn(snapshot, stack);
    assertIntegrity(snapshot.resources);
    const before = loadState(open.address, open.secrets).resources.length;
    const details = (): string => `${before} resources are replaced by ${snapshot.resources.length}`;
    if (args.yes !== true && before > 0 && !(await confirm(terminal, { action: "import", details }))) return EXIT.ok;
    const lock = await acquireLock({ directory: stackFiles(open.address).locks, stack, onNotice });
    try {
      replaceState({ ...snapshot, pendingOperations: [] }, open);
    } finally {
      lock.release();
    }
    for (const { type, resource } of snapshot.pendingOperations)
      terminal.err(`warning: removing pending operation '${type}' on '${resource.urn}' from snapshot\n`);
    if (args.json === true) terminal.out(`${JSON.stringify({ stack, resources: snapshot.resources.length })}\n`);
    terminal.err("Import complete.\n");
    return EXIT.ok;
  },
});
