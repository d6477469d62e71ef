import { resolve } from "node:path";
import { closeConnections } from "../../connection/pool.ts";
import { BusError } from "../../core/errors.ts";
import { backUp } from "../../operations/backup/backup.ts";
import { checkBackup } from "../../operations/backup/check.ts";
import { type Manifest, shortcomings } from "../../operations/backup/manifest.ts";
import { namesOf } from "../arguments.ts";
import { CLUSTER_ARGS, type ClusterOptions, resolveCluster } from "../cluster-access.ts";
import { EXIT } from "../exit-codes.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { renderBackup, renderStream } from "../reporters/backup.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

interface Options extends ClusterOptions {
  readonly out?: string | undefined;
  readonly check?: string | undefined;
  readonly stream?: string | undefined;
}

async function take(options: Options, directory: string, terminal: Terminal): Promise<Manifest> {
  const connection = await resolveCluster(options);
  const streams = namesOf("--stream", options.stream);
  using interrupts = listenForInterrupts(() => undefined);
  try {
    return await backUp({
      connection,
      directory,
      signal: interrupts.cancellation.graceful,
      onStream: (stream) => terminal.err(`${renderStream(stream)}\n`),
      ...(streams === undefined ? {} : { streams }),
    });
  } finally {
    await closeConnections();
  }
}

function needsFolder(): BusError {
  return new BusError("ERR_USAGE", "backup needs --out DIR to write to, or --check DIR to look at", {
    remedy: "see `natsbus backup --help`",
  });
}

/** `natsbus backup`. */
export const verb = defineVerb({
  name: "backup",
  summary: "save streams with their messages and consumers in a folder",
  synopsis: "",
  details:
    "Writes the servers' own snapshot of every stream, buckets and stores included, in the format of `nats stream backup`, and a manifest with counts, positions of consumers and a SHA-256 of each file. The folder appears when it is whole and is never written over. Streams that do not answer, and consumers the servers leave out, are named and make exit code 1; the rest is saved all the same (docs/backup.md).",
  args: {
    ...COMMON_ARGS,
    ...CLUSTER_ARGS,
    out: { type: "string", alias: "o", valueHint: "DIR", description: "folder to make; it must not exist" },
    stream: { type: "string", valueHint: "NAMES", description: "only these streams, separated by commas (default: all)" },
    check: { type: "string", valueHint: "DIR", description: "look at the backup in DIR, without any server: every file, every consumer" },
  },
  examples: [
    ["backup --stack prod --out /var/backups/bus/monday", "every stream of prod"],
    [
      "backup --url nats://nats.example.com:4222 --creds admin.creds --out monday --stream ORDERS,KV_settings",
      "two streams of any cluster",
    ],
    ["backup --check monday", "whether it is whole, and what it lacks"],
  ],
  async run({ args, terminal }) {
    const named = args.check ?? args.out;
    if (named === undefined || (args.check !== undefined && args.out !== undefined)) throw needsFolder();
    const directory = resolve(args.cwd ?? ".", named);
    const manifest = args.check === undefined ? await take(args, directory, terminal) : await checkBackup(directory);
    const lacks = shortcomings(manifest);
    if (args.json === true) terminal.out(`${JSON.stringify({ directory, ...manifest, shortcomings: lacks }, null, 2)}\n`);
    else terminal.out(renderBackup(named, manifest, terminal.outPalette));
    return lacks.length === 0 ? EXIT.ok : EXIT.error;
  },
});
