/** Streams spread over servers that joined: one replica after the other moves, and every stream keeps all its replicas meanwhile. */
import { observeServers } from "../../components/gate/system.ts";
import { type ClusterWork, moveStreams, waitCurrent } from "./leave.ts";
import { collectHoldings, nextSpread, unevenness } from "./plan.ts";

/**
 * Moves replicas until servers hold about as many as one another.
 * @returns how many were moved
 * @throws ERR_SCALE_DOWN when a stream may not move, ERR_CLUSTER_NOT_READY with what blocks
 */
export async function spreadStreams(work: ClusterWork, servers: readonly string[]): Promise<number> {
  for (let moved = 0, before = Number.POSITIVE_INFINITY; ; moved += 1) {
    await waitCurrent(work, servers);
    const holdings = collectHoldings(await observeServers(work.connection, servers, true));
    const now = unevenness(holdings, servers);
    const next = nextSpread(holdings, servers);
    // The meta leader chooses who takes a replica; when that did not help, nothing will.
    if (next === undefined || now >= before) return moved;
    before = now;
    await moveStreams(work, servers, { streams: [next.holding], from: next.from });
  }
}
