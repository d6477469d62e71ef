/** The `ContainerGate` resource: stands between two containers of a bus, and lets the second be replaced only when all servers are current. */
import { moveMetaLeader } from "../../../connection/system-account.ts";
import { progress } from "../../../core/progress.ts";
import { reporting } from "../../../core/reporting.ts";
import { observeServers } from "../../gate/system.ts";
import { waitGate } from "../../gate/wait.ts";
import type { ContainerGateInputs } from "./model.ts";

const DEFAULT_TIMEOUT_MS = 300_000;
const GATE_PAUSE_MS = 500;

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
  const present = await waitCurrent(inputs);
  if (leader === undefined || leader === present) return { outs: inputs };
  progress(`${leader}, which is replaced last, is to lead instead of ${present}`);
  const refusal = await moveMetaLeader(connection, leader);
  // Whoever leads, messages are safe; leadership only moves once more.
  if (refusal !== undefined) progress(`${present} goes on leading: ${refusal}`);
  await waitCurrent(inputs);
  return { outs: inputs };
}

/** Operations of the `ContainerGate` resource, as its provider calls them. */
export const containerGate = reporting({ create: createContainerGate, update: updateContainerGate });

function waitCurrent({ connection, servers, timeoutMs = DEFAULT_TIMEOUT_MS }: ContainerGateInputs): Promise<string> {
  progress("waiting until every server, stream and consumer is current");
  return waitGate({
    observe: (assets) => observeServers(connection, servers, assets),
    assets: true,
    timeoutMs,
    longestPauseMs: GATE_PAUSE_MS,
    onBlocked: (blocker) => progress(`waiting: ${blocker}`),
    remedy: "look at natsbus status and docker logs, then run up again; containers that were not replaced yet run as before",
  });
}
