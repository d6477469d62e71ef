/** When a cluster of this machine may be used, and when its next server may be restarted: the gate, asked over the monitor ports. */
import type { NodeView } from "../gate/blockers.ts";
import type { Healthz, Jsz } from "../gate/server-pages.ts";
import { waitGate } from "../gate/wait.ts";
import { askMonitor, type MonitorAddress } from "./monitor.ts";

const ASSETS_PAGE = "/jsz?accounts=true&streams=true&consumers=true&config=true";
const META_PAGE = "/jsz";

/** What to wait for. */
export interface ReadinessOptions {
  /** Every server of the cluster with its monitor. */
  readonly nodes: readonly { readonly name: string; readonly monitor: MonitorAddress }[];
  /** Also wait until every server is healthy and every stream and consumer group is current, as a rolling restart needs it.
   * @default false */
  readonly assets?: boolean;
  /** Longest wait in milliseconds. */
  readonly timeoutMs: number;
  /** Called at each round; throws when waiting has become pointless, for instance because a server ended.
   * @default - nothing */
  readonly check?: () => Promise<void>;
}

/**
 * Waits until a meta leader is elected and it sees every server current.
 * @returns the meta leader's name; a lone server is its own leader
 * @throws ERR_CLUSTER_NOT_READY naming what blocks
 */
export async function waitReady({ nodes, ...options }: ReadinessOptions): Promise<string> {
  const remedy = "look at the servers' logs (nats.log in each node's folder) and run the command again; what already runs is kept";
  return waitGate({ ...options, observe: (assets) => observeNodes(nodes, assets), remedy });
}

/** Asks every server at once. */
export async function observeNodes(nodes: ReadinessOptions["nodes"], assets: boolean): Promise<NodeView[]> {
  return Promise.all(
    nodes.map(async ({ name, monitor }) => {
      const [jsz, health] = await Promise.all([
        askMonitor<Jsz>(monitor, assets ? ASSETS_PAGE : META_PAGE),
        assets || nodes.length === 1 ? askMonitor<Healthz>(monitor, "/healthz") : undefined,
      ]);
      return { name, ...(jsz === undefined ? {} : { jsz }), ...(health === undefined ? {} : { health }) };
    }),
  );
}
