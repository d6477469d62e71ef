/** Whether an object is where it should be. Pure. */
import type { Peers } from "./port.ts";

/** Who is missing from `copies` current servers, in words; `undefined` when nobody. */
export function laggards(peers: Peers, copies: number): string | undefined {
  if (!peers.clustered) return undefined;
  if (peers.leader === undefined) return "it has no leader";
  const behind = peers.replicas.filter((replica) => !replica.current).map((replica) => replica.name);
  if (behind.length > 0) return `not current: ${behind.join(", ")}`;
  return peers.replicas.length + 1 < copies ? `${peers.replicas.length + 1} of ${copies} servers hold it` : undefined;
}
