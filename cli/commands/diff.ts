import { closeConnections } from "../../connection/pool.ts";
import { type Comparison, isDifferent } from "../../operations/compare.ts";
import { diffBus } from "../../operations/diff.ts";
import { CLUSTER_ARGS, describeServers, resolveCluster } from "../cluster-access.ts";
import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import { renderComparison } from "../reporters/bus-diff.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

function exitCodeOf(result: Comparison): number {
  if (isDifferent(result)) return EXIT.unexpectedChanges;
  return result.differences.length === 0 ? EXIT.ok : EXIT.error;
}

/** `natsbus diff`. */
export const verb = defineVerb({
  name: "diff",
  summary: "compare what is declared with what a cluster holds, without state",
  synopsis: "",
  details:
    "Shows streams, consumers, buckets and stores that are missing, extra or different, what each change is, and what it costs. Changes nothing. Exit code 0 when all is equal, 7 when something differs, 1 when something could not be seen.",
  args: { ...COMMON_ARGS, ...CLUSTER_ARGS },
  examples: [
    ["diff", "the catalogue and Pulumi.dev.yaml against the servers of the stack dev"],
    ["diff --stack prod --json", "the same of prod, as a document"],
    ["diff --url tls://nats.example.com:4222 --creds admin.creds --ca ca.pem", "against a cluster that natsbus does not run"],
  ],
  async run({ args, terminal }) {
    const bus = await loadDeclared(args, (text) => terminal.err(`note: ${text}\n`));
    const connection = await resolveCluster(args);
    try {
      const result = await diffBus({ bus, connection });
      const where = args.url === undefined ? `stack ${bus.spec.stack}` : describeServers(connection);
      if (args.json === true) terminal.out(`${JSON.stringify({ where, ...result }, null, 2)}\n`);
      else terminal.out(renderComparison(result, where, terminal.outPalette));
      return exitCodeOf(result);
    } finally {
      await closeConnections();
    }
  },
});
