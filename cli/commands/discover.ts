import { writeFile } from "node:fs/promises";
import { closeConnections } from "../../connection/pool.ts";
import { BusError } from "../../core/errors.ts";
import { renderCatalogCode, renderNote } from "../../operations/catalog-code.ts";
import type { DescribedBus } from "../../operations/describe.ts";
import { discoverBus } from "../../operations/discover.ts";
import { CLUSTER_ARGS, describeServers, resolveCluster } from "../cluster-access.ts";
import { EXIT } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch (cause) {
    const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    throw new BusError("ERR_USAGE", `${file} ${exists ? "exists already" : "cannot be written"}`, { cause, remedy: "name another file" });
  }
}

function tell(described: DescribedBus, terminal: Terminal): void {
  const { streams, keyValue, objectStores, notes } = described;
  const consumers = Object.values(streams).reduce(
    (sum, { consumers: own }) => sum + Object.keys((own as object | undefined) ?? {}).length,
    0,
  );
  const [s, k, o] = [streams, keyValue, objectStores].map((record) => Object.keys(record).length);
  for (const note of notes) terminal.err(`${terminal.errPalette.warning("note:")} ${renderNote(note)}\n`);
  terminal.err(`found: streams ${s}, consumers ${consumers}, key-value buckets ${k}, object stores ${o}\n`);
}

/** `natsbus discover`. */
export const verb = defineVerb({
  name: "discover",
  summary: "write what a cluster holds as code for the catalogue",
  synopsis: "",
  details:
    "Writes streams, durable consumers, key-value buckets and object stores as a module with the syntax of streams/catalog.ts, settings at their default left out. Used as the catalogue, the next up takes everything over without touching a message (docs/existing-streams.md). Changes nothing. Exit code 1 when something had to be left out.",
  args: {
    ...COMMON_ARGS,
    ...CLUSTER_ARGS,
    file: { type: "string", valueHint: "FILE", description: "write into FILE, which must not exist, instead of stdout" },
  },
  examples: [
    ["discover --url nats://nats.example.com:4222 --file streams/discovered.ts", "a cluster that natsbus does not run"],
    ["discover --json", "what the stack dev holds, as a document"],
  ],
  async run({ args, terminal }) {
    const connection = await resolveCluster(args);
    try {
      const described = await discoverBus(connection);
      const text =
        args.json === true ? `${JSON.stringify(described, null, 2)}\n` : renderCatalogCode(described, describeServers(connection));
      if (args.file === undefined) terminal.out(text);
      else await writeNew(args.file, text);
      tell(described, terminal);
      return described.notes.some(({ leftOut }) => leftOut) ? EXIT.error : EXIT.ok;
    } finally {
      await closeConnections();
    }
  },
});
