import { resolve } from "node:path";
import { closeConnections } from "../../connection/pool.ts";
import { BusError } from "../../core/errors.ts";
import { nameProblem, subjectProblem } from "../../core/names.ts";
import { type Renamed, type RestoredStream, restoreStreams } from "../../operations/backup/restore.ts";
import { namesOf } from "../arguments.ts";
import { CLUSTER_ARGS, resolveCluster } from "../cluster-access.ts";
import { EXIT } from "../exit-codes.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { renderPlan, renderRestored } from "../reporters/backup.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

interface Names {
  readonly as?: string | undefined;
  readonly subjects?: string | undefined;
  readonly streams: readonly string[] | undefined;
}

/** What the one stream is to be called. @throws BusError ERR_USAGE */
function renamedBy({ as, subjects, streams }: Names): Renamed | undefined {
  const own = namesOf("--subjects", subjects);
  if (as === undefined && own === undefined) return undefined;
  if (as === undefined || streams?.length !== 1)
    throw new BusError("ERR_USAGE", "--as and --subjects go with one stream", { remedy: "write --stream NAME --as NEW_NAME" });
  const problem = nameProblem("stream", as) ?? own?.map((one) => subjectProblem(one)).find((one) => one !== undefined);
  if (problem !== undefined) throw new BusError("ERR_USAGE", problem, { remedy: "see `natsbus restore --help`" });
  return { name: as, ...(own === undefined ? {} : { subjects: own }) };
}

function exitCodeOf(streams: readonly RestoredStream[]): number {
  return streams.every(({ failure, differences }) => failure === undefined && differences.length === 0) ? EXIT.ok : EXIT.error;
}

/** `natsbus restore`. */
export const verb = defineVerb({
  name: "restore",
  summary: "bring streams back from a backup, and prove what they hold",
  synopsis: "DIR",
  details:
    "Compares every file with the backup's manifest first, and touches nothing when one is damaged or when a stream exists; nothing is ever written over. Then every stream is restored with its messages and consumers and compared with the manifest. One that fails is removed as far as it was made, and the others go on. Exit code 1 when a stream was not restored or does not hold what was saved (docs/backup.md).",
  args: {
    ...COMMON_ARGS,
    ...CLUSTER_ARGS,
    dir: { type: "positional", required: true, description: "folder of the backup" },
    stream: { type: "string", valueHint: "NAMES", description: "only these streams, separated by commas (default: all)" },
    as: { type: "string", valueHint: "NAME", description: "another name for the one stream that --stream names" },
    subjects: { type: "string", valueHint: "SUBJECTS", description: "subjects for --as, separated by commas (default: those it had)" },
    "dry-run": { type: "boolean", description: "check the backup and say what would be done" },
  },
  examples: [
    ["restore monday --stack prod --dry-run", "whether the backup is whole and nothing is in its way"],
    ["restore monday --stack prod --stream ORDERS", "one stream that was lost"],
    ["restore monday --stream ORDERS --as ORDERS_monday --subjects orders-monday.>", "beside the one that exists, to look at"],
  ],
  async run({ args, terminal }) {
    const streams = namesOf("--stream", args.stream);
    const as = renamedBy({ as: args.as, subjects: args.subjects, streams });
    const dryRun = args["dry-run"] === true;
    const connection = await resolveCluster(args);
    using interrupts = listenForInterrupts(() => undefined);
    try {
      const restored = await restoreStreams({
        connection,
        directory: resolve(args.cwd ?? ".", args.dir),
        dryRun,
        signal: interrupts.cancellation.graceful,
        onStream: (one) => terminal.err(renderRestored(one, terminal.errPalette)),
        ...(streams === undefined ? {} : { streams }),
        ...(as === undefined ? {} : { as }),
      });
      if (args.json === true) terminal.out(`${JSON.stringify({ dryRun, streams: restored }, null, 2)}\n`);
      else if (dryRun) terminal.out(renderPlan(restored));
      return exitCodeOf(restored);
    } finally {
      await closeConnections();
    }
  },
});
