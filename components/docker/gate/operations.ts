/** The `ContainerGate` resource: stands between two containers of a bus, and lets the second be replaced only when all servers are current. */
import { moveMetaLeader } from "../../../connection/system-account.ts";
import { progress } from "../../../core/progress.ts";
import { reporting } from "../../../core/reporting.ts";
import { observeServers } from "../../gate/system.ts";
import { waitCurrent } from "../../gate/wait.ts";
import type { ContainerGateInputs } from "./model.ts";

const REMEDY = "look at natsbus status and docker logs, then run up again; containers that were not replaced yet run as before";

/** Lets everything pass: the servers of a new cluster come one after the other, and none is current before the last. */
export async function createContainerGate(
  inputs: ContainerGateInputs,
): Promise<{ readonly id: string; readonly outs: ContainerGateInputs }> {
  return { id: inputs.servers.join(","), outs: inputs };
}

/**
 * Waits until every server, stream and consumer is current, and has the wanted server lead.
 * @throws ERR_CLUSTER_NOT_READY with what blocks, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS; the containers after it are not touched then
 */
export async function updateContainerGate(inputs: ContainerGateInputs): Promise<{ readonly outs: ContainerGateInputs }> {
  const { connection, leader } = inputs;
  const present = await waitForAll(inputs);
  if (leader === undefined || leader === present) return { outs: inputs };
  progress(`${leader}, which is replaced last, is to lead instead of ${present}`);
  const refusal = await moveMetaLeader(connection, leader);
  // Whoever leads, messages are safe; leadership only moves once more.
  if (refusal !== undefined) progress(`${present} goes on leading: ${refusal}`);
  await waitForAll(inputs);
  return { outs: inputs };
}

/** Operations of the `ContainerGate` resource, as its provider calls them. */
export const containerGate = reporting({ create: createContainerGate, update: updateContainerGate });

function waitForAll({ connection, servers, timeoutMs }: ContainerGateInputs): Promise<string> {
  const observe = (assets: boolean) => observeServers(connection, servers, assets);
  return waitCurrent({ observe, remedy: REMEDY, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}
