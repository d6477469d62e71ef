/** The `HostRollout` resource: restarts the servers of all hosts one at a time, behind the same gate as every other target. */
import { BusError } from "../../../core/errors.ts";
import { progress } from "../../../core/progress.ts";
import { reporting } from "../../../core/reporting.ts";
import type { NodeView } from "../../gate/blockers.ts";
import { restartOneByOne } from "../../gate/rolling.ts";
import { waitCurrent } from "../../gate/wait.ts";
import { listCommand, pagesCommand, restartCommand } from "../commands.ts";
import { explainReach } from "../reach-answer.ts";
import { type HostRolloutInputs, lastRefusal, parseNeeds, parsePages, type RolledHost } from "./model.ts";
import { runOnHost } from "./on-host.ts";

const REMEDY =
  "look at natsbus status and at journalctl --namespace=natsbus on the host, then run up again; servers that were not restarted yet run as before";

/**
 * Restarts every server that does not run as installed, one at a time: the next one only when every server, stream and consumer is current, the meta leader last.
 * What hosts could take over without a restart was done when they were installed.
 * @throws ERR_HOST_ACCESS, ERR_SERVER_START, ERR_CLUSTER_NOT_READY with what blocks; servers that were not restarted yet go on as they are, and the next run goes on from there
 */
export async function createHostRollout(inputs: HostRolloutInputs): Promise<{ readonly id: string; readonly outs: HostRolloutInputs }> {
  const names = await serversToRestart(inputs);
  await restartOneByOne({
    names,
    waitCurrent: () => waitCurrent({ observe: () => observeHosts(inputs), remedy: REMEDY, ...timeoutOf(inputs) }),
    restart: (name, left) => restartServer(inputs, name, left),
  });
  return { id: inputs.cluster, outs: inputs };
}

/** As {@link createHostRollout}. */
export async function updateHostRollout(inputs: HostRolloutInputs): Promise<{ readonly outs: HostRolloutInputs }> {
  return { outs: (await createHostRollout(inputs)).outs };
}

/** Operations of the `HostRollout` resource, as its provider calls them. */
export const hostRollout = reporting({ create: createHostRollout, update: updateHostRollout });

/** A reload that is still wanted after the installation was refused by the server. One that does not run was started, or the gate tells of it. */
async function serversToRestart({ hosts, cluster }: HostRolloutInputs): Promise<string[]> {
  const found = await Promise.all(
    hosts.map(async ({ host, servers }) => {
      const needs = parseNeeds(await answerOf(host, listCommand(host, cluster)));
      return servers.filter((name) => needs.get(name) === "restart" || needs.get(name) === "reload");
    }),
  );
  return found.flat();
}

function timeoutOf({ timeoutMs }: HostRolloutInputs): Pick<HostRolloutInputs, "timeoutMs"> {
  return timeoutMs === undefined ? {} : { timeoutMs };
}

/** What all servers say of themselves; a host that does not answer now is one whose servers are silent. */
async function observeHosts({ hosts, cluster }: HostRolloutInputs): Promise<NodeView[]> {
  const views = hosts.map(async ({ host, servers }) => parsePages((await runOnHost(host, pagesCommand(host, cluster))).stdout, servers));
  return (await Promise.all(views)).flat();
}

async function restartServer({ hosts, cluster }: HostRolloutInputs, name: string, left: number): Promise<void> {
  const { host } = hosts.find(({ servers }) => servers.includes(name)) as RolledHost;
  progress(`${name}: restart on ${host.address} (${left} to go)`);
  await answerOf(host, restartCommand(host, cluster, name));
}

/** @throws ERR_HOST_ACCESS, ERR_SERVER_START */
async function answerOf(host: RolledHost["host"], command: string): Promise<string> {
  const { code, stdout, stderr } = await runOnHost(host, command);
  if (code === 255 && host.via === "ssh") explainReach(host, "systemd.hosts", { code, said: stderr });
  if (code !== 0)
    throw new BusError("ERR_SERVER_START", `${host.address}: ${lastRefusal(stderr)}`, { path: "systemd.hosts", remedy: REMEDY });
  return stdout;
}
