import { dirname, resolve } from "node:path";
import { observeMonitoring } from "../../components/process/monitoring/observe.ts";
import { observeCluster } from "../../components/process/observe.ts";
import { closeConnections } from "../../connection/pool.ts";
import { readAlerts } from "../../probe/alerts.ts";
import { accountProblems, lookAtStackAccounts } from "../account-look.ts";
import { EXIT } from "../exit-codes.ts";
import { observePods } from "../pod-status.ts";
import { monitoringOf, renderMonitoring } from "../reporters/monitoring.ts";
import { findProblems, renderStatus } from "../reporters/status.ts";
import { openBus } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus status`. */
export const verb = defineVerb({
  name: "status",
  summary: "show servers, meta leader, streams and what is wrong",
  synopsis: "",
  details:
    "Exit code 1 when something is wrong. Needs no passphrase and, but for pods, which are asked through the port-forward as the user monitoring, no credentials. A cluster that natsbus did not make is asked as the stack file says.",
  args: COMMON_ARGS,
  examples: [
    ["status", "a table of the servers and one of the streams, and what to do when something is wrong"],
    ["status --json", "the same as a document"],
  ],
  async run({ args, terminal }) {
    const place = await openBus(args);
    if (place.bus.existing !== undefined)
      return (await import("../existing-status.ts")).showExisting(place, { json: args.json === true }, terminal);
    const { root, stack } = place;
    const pods = place.bus.onKubernetes ? await observePods(place) : undefined;
    const bus = pods === undefined ? place.bus : { ...place.bus, servers: pods.wanted };
    const [first] = bus.servers;
    const directory =
      first === undefined || pods !== undefined ? resolve(root, ".natsbus", stack) : dirname(resolve(root, first.directory));
    const cluster = pods?.cluster ?? (await observeCluster(directory));
    const watched = await observeMonitoring(directory);
    const alerts =
      watched?.running.includes("prometheus") === true ? await readAlerts(watched.urls.prometheus, watched.cluster) : undefined;
    const accounts = await lookAtStackAccounts(place).finally(closeConnections);
    const status = { stack, cluster, problems: [...findProblems(stack, bus, cluster), ...accountProblems(stack, accounts)] };
    if (args.json === true) {
      const servers = cluster.servers.map((server) => ({ ...server, ports: bus.servers.find((one) => one.name === server.name)?.ports }));
      const seen = new Set(cluster.streams.map((stream) => stream.name));
      const streams = [...cluster.streams, ...bus.streams.filter((stream) => !seen.has(stream.name))];
      terminal.out(
        `${JSON.stringify({ stack, ...cluster, servers, streams, accounts, ...monitoringOf(watched, alerts), problems: status.problems }, null, 2)}\n`,
      );
    } else terminal.out(renderStatus(status, bus.servers, terminal.outPalette) + renderMonitoring(watched, alerts, terminal.outPalette));
    return status.problems.length === 0 ? EXIT.ok : EXIT.error;
  },
});
