/** Servers leave a cluster that goes on without them: their streams move away first, then they are taken out of the meta group. They still run afterwards. */
import { setTimeout as delay } from "node:timers/promises";
import { assetBlocker, metaBlocker, metaMembers, type NodeView } from "../../components/gate/blockers.ts";
import { observeServers } from "../../components/gate/system.ts";
import { waitGate } from "../../components/gate/wait.ts";
import { moveMetaLeader } from "../../connection/system-account.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { BusError } from "../../core/errors.ts";
import { collectHoldings, type Holding } from "./plan.ts";
import { moveStream, removePeer } from "./system-calls.ts";

const DEFAULT_TIMEOUT_MS = 600_000;
const POLL_MS = 250;
/** Streams that move at the same time. */
const BATCH = 8;

/** How operations on a cluster's servers are done. */
export interface ClusterWork {
  /** How to reach a user of the system account. */
  readonly connection: ConnectionSpec;
  /** Told what is done and what blocks. */
  readonly say: (text: string) => void;
  /** Longest wait for one step, in milliseconds.
   * @default 600000 */
  readonly timeoutMs?: number;
}

/**
 * Takes servers out, one after the other. What was moved stays moved when it stops halfway; run again, it goes on.
 * @param staying servers that stay
 * @param leaving servers that leave, in that order
 * @throws ERR_SCALE_DOWN when a stream cannot move or a server is not let go, ERR_CLUSTER_NOT_READY with what blocks
 */
export async function leaveCluster(work: ClusterWork, staying: readonly string[], leaving: readonly string[]): Promise<void> {
  for (const [index, server] of leaving.entries()) {
    const members = metaMembers(await observeServers(work.connection, staying, false));
    if (members.length > 0 && !members.includes(server)) continue;
    const present = [...staying, ...leaving.slice(index)];
    await emptyServer(work, present, server);
    await handLeadershipOver(work, present, { server, staying });
    work.say(`${server}: leaves the meta group`);
    const refusal = await removePeer(work.connection, server);
    if (refusal !== undefined) throw stuck(`${server} was not taken out of the meta group: ${refusal}`);
    await waitGone(
      work,
      present.filter((name) => name !== server),
      server,
    );
  }
}

/** Waits until a cluster of these servers is ready, and every stream and consumer current. @returns the meta leader's name */
export function waitCurrent({ connection, say, timeoutMs = DEFAULT_TIMEOUT_MS }: ClusterWork, servers: readonly string[]): Promise<string> {
  return waitGate({
    observe: (assets) => observeServers(connection, servers, assets),
    assets: true,
    timeoutMs,
    longestPauseMs: POLL_MS,
    onBlocked: (blocker) => say(`blocked: ${blocker}`),
    remedy: "mend that and run the command again; no server was ended",
  });
}

/**
 * Has streams leave a server and waits until other servers hold them.
 * @throws ERR_SCALE_DOWN with the servers' words when a stream may not move, or does not in time
 */
export async function moveStreams(
  work: ClusterWork,
  servers: readonly string[],
  { streams, from }: { readonly streams: readonly Holding[]; readonly from: string },
): Promise<void> {
  const asked = new Set<string>();
  const moving = new Set(streams.map(keyOf));
  await untilTrue(work, async () => {
    for (const holding of streams.filter((one) => !asked.has(keyOf(one))))
      if (await askToMove(work, holding, from)) asked.add(keyOf(holding));
    const views = await observeServers(work.connection, servers, true);
    const blocker = metaBlocker(views) ?? assetBlocker(views);
    if (blocker !== undefined) return blocker;
    const left = heldBy(views, from).filter((holding) => moving.has(keyOf(holding)));
    return left.length === 0 ? undefined : `${left.map(({ stream }) => stream).join(", ")} still lie on ${from}`;
  });
}

/** @returns whether it was accepted; a stream that still moves is asked again later */
async function askToMove({ connection, say }: ClusterWork, holding: Holding, from: string): Promise<boolean> {
  const { stream, accountName } = holding;
  const verdict = await moveStream(connection, holding, from);
  if (verdict.accepted) say(`${stream} of account ${accountName}: moves away from ${from}`);
  else if (!verdict.busy) throw stuck(`stream ${stream} of account ${accountName} cannot leave ${from}: ${verdict.reason}`);
  return verdict.accepted;
}

/** Moves streams away until a look at the whole cluster finds none: a stream may have been made meanwhile. */
async function emptyServer(work: ClusterWork, servers: readonly string[], server: string): Promise<void> {
  for (;;) {
    await waitCurrent(work, servers);
    const held = heldBy(await observeServers(work.connection, servers, true), server);
    if (held.length === 0) return;
    await moveStreams(work, servers, { streams: held.slice(0, BATCH), from: server });
  }
}

async function handLeadershipOver(
  work: ClusterWork,
  servers: readonly string[],
  { server, staying }: { readonly server: string; readonly staying: readonly string[] },
): Promise<void> {
  await untilTrue(work, async () => {
    const leader = await waitCurrent(work, servers);
    if (leader !== server) return undefined;
    const refusal = await moveMetaLeader(work.connection, staying[0] ?? "");
    return refusal ?? `${server} still leads the meta group`;
  });
}

/** Waits until the others have agreed that a server is no member any more. */
async function waitGone(work: ClusterWork, servers: readonly string[], server: string): Promise<void> {
  await untilTrue(work, async () => {
    const members = metaMembers(await observeServers(work.connection, servers, false));
    return members.length > 0 && !members.includes(server) ? undefined : `${server} is still a member of the meta group`;
  });
  await waitCurrent(work, servers);
}

function heldBy(views: readonly NodeView[], server: string): Holding[] {
  return collectHoldings(views).filter(({ servers }) => servers.includes(server));
}

function keyOf({ account, stream }: Holding): string {
  return `${account} ${stream}`;
}

async function untilTrue(
  { say, timeoutMs = DEFAULT_TIMEOUT_MS }: ClusterWork,
  blockerOf: () => Promise<string | undefined>,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (let told: string | undefined; ; ) {
    const blocker = await blockerOf();
    if (blocker === undefined) return;
    if (performance.now() >= until) throw stuck(`${blocker}, after ${timeoutMs} ms`);
    if (blocker !== told) say(`waiting: ${blocker}`);
    told = blocker;
    await delay(POLL_MS);
  }
}

function stuck(message: string): BusError {
  return new BusError("ERR_SCALE_DOWN", message, {
    remedy:
      "no server was ended and nothing is lost; mend that (free storage, placement tags that only the leaving servers have) and run the command again",
  });
}
