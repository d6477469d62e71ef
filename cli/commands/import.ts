import { existsSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { closeConnections } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { BusError } from "../../core/errors.ts";
import { loadProject } from "../../engine/project.ts";
import { renderAccountNote, renderCatalogCode, renderNote } from "../../operations/catalog-code.ts";
import type { DescribedBus } from "../../operations/describe.ts";
import type { DescribedAccounts } from "../../operations/describe-accounts.ts";
import { discoverBus } from "../../operations/discover.ts";
import { discoverAccounts } from "../../operations/discover-accounts.ts";
import { countDescribed, undeclared } from "../../operations/undeclared.ts";
import { imported } from "../../streams/imported.ts";
import { CLUSTER_ARGS, describeServers, readCredentials, resolveCluster } from "../cluster-access.ts";
import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import { type PlaceOptions, startFolder } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

const PART = "streams/imported.ts";
const OWN = resolve(import.meta.dirname, "../..", PART);
const STDOUT = "-";

interface Request {
  readonly options: PlaceOptions & {
    readonly file?: string | undefined;
    readonly json?: boolean | undefined;
    readonly "system-creds"?: string | undefined;
  };
  readonly connection: ConnectionSpec;
  readonly terminal: Terminal;
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw new BusError("ERR_USAGE", `${file} ${exists ? "exists already" : "cannot be written"}`, { cause, remedy: "name another file" });
  }
}

/** The part of this project's catalogue that may be written.
 * @throws BusError ERR_USAGE when there is none, or when it holds something already */
function ownPart(options: PlaceOptions): string {
  const file = join(loadProject(startFolder(options)).root, PART);
  if (!existsSync(file) || realpathSync(file) !== realpathSync(OWN)) {
    throw new BusError("ERR_USAGE", `the catalogue of this project has no ${PART}`, { remedy: "name a file to write with --file" });
  }
  if (Object.values(imported).every((part) => Object.keys(part).length === 0)) return file;
  throw new BusError("ERR_USAGE", `${PART} holds what was imported before`, {
    remedy: "move that into streams/catalog.ts and leave the three records empty, or name another file with --file",
  });
}

/** The accounts, when credentials to read them are given. */
async function accountsOf({ options, connection }: Request): Promise<DescribedAccounts | undefined> {
  const file = options["system-creds"];
  return file === undefined ? undefined : await discoverAccounts({ ...connection, creds: await readCredentials(file) });
}

/** Everything there is, into a file of its own or onto stdout. */
async function writeApart(request: Request): Promise<readonly { readonly leftOut: boolean }[]> {
  const { options, connection, terminal } = request;
  const described = await discoverBus(connection);
  const found = await accountsOf(request);
  const document = { ...described, ...(found === undefined ? {} : { accounts: found }) };
  const text =
    options.json === true ? `${JSON.stringify(document, null, 2)}\n` : renderCatalogCode(described, describeServers(connection), found);
  if (options.file === undefined || options.file === STDOUT) terminal.out(text);
  else await writeNew(options.file, text);
  tell(described, terminal);
  if (found === undefined) return described.notes;
  for (const note of found.notes) terminal.err(`${terminal.errPalette.warning("note:")} ${renderAccountNote(note)}\n`);
  terminal.err(`found: accounts ${Object.keys(found.accounts).length}\n`);
  return [...described.notes, ...found.notes];
}

/** What is not declared yet, into the catalogue. */
async function writeIntoCatalogue({ options, connection, terminal }: Request): Promise<DescribedBus["notes"]> {
  const file = ownPart(options);
  const bus = await loadDeclared(options, (text) => terminal.err(`note: ${text}\n`));
  const described = undeclared(await discoverBus(connection), bus.streams);
  tell(described, terminal);
  if (Object.values(countDescribed(described)).every((count) => count === 0)) {
    terminal.err("nothing to import: everything that can be declared is declared\n");
    return described.notes;
  }
  await writeFile(file, renderCatalogCode(described, describeServers(connection)));
  terminal.err(
    `written: ${PART}, a part of the catalogue; the next \`natsbus up\` takes it over, \`natsbus diff\` shows what that means\n`,
  );
  return described.notes;
}

function systemAlone(): BusError {
  return new BusError("ERR_USAGE", "--system-creds goes with --url, and with --file or --json", {
    remedy: "the accounts of a stack's own servers stand in accounts/catalog.ts already",
  });
}

function tell(described: DescribedBus, terminal: Terminal): void {
  const { streams, consumers, keyValue, objectStores } = countDescribed(described);
  for (const note of described.notes) terminal.err(`${terminal.errPalette.warning("note:")} ${renderNote(note)}\n`);
  terminal.err(`found: streams ${streams}, consumers ${consumers}, key-value buckets ${keyValue}, object stores ${objectStores}\n`);
}

/** `natsbus import`. */
export const verb = defineVerb({
  name: "import",
  summary: "write what a cluster holds into the catalogue, for the next up to take over",
  synopsis: "",
  details:
    "Writes streams, durable consumers, key-value buckets and object stores that are not declared yet into streams/imported.ts, which is a part of the catalogue, settings at their default left out. The next up takes everything over without touching a message (docs/existing-streams.md). With --file or --json: everything there is, declared or not, for any program. Changes nothing on the servers. Exit code 1 when something had to be left out.",
  args: {
    ...COMMON_ARGS,
    ...CLUSTER_ARGS,
    file: { type: "string", valueHint: "FILE", description: "write into FILE, which must not exist, or onto stdout with -" },
    "system-creds": {
      type: "string",
      valueHint: "FILE",
      description:
        "credentials of a user of the system account: write the servers' accounts as well; goes with --url, and --file or --json",
    },
  },
  examples: [
    ["import", "what the servers of the stack dev hold beside the catalogue becomes a part of it"],
    ["import --url nats://nats.example.com:4222 --file streams.ts", "a cluster that natsbus does not run, for a program of your own"],
    ["import --json", "what the stack dev holds, as a document"],
  ],
  async run({ args, terminal }) {
    const isApart = args.file !== undefined || args.json === true;
    if (args["system-creds"] !== undefined && (args.url === undefined || !isApart)) throw systemAlone();
    const connection = await resolveCluster(args);
    const request = { options: args, connection, terminal };
    try {
      const notes = await (isApart ? writeApart(request) : writeIntoCatalogue(request));
      return notes.some(({ leftOut }) => leftOut) ? EXIT.error : EXIT.ok;
    } finally {
      await closeConnections();
    }
  },
});
