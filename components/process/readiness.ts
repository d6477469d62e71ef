/** When a cluster may be used, and when the next server may be restarted. Deciding is pure; only {@link waitReady} asks the servers. */
import { setTimeout as delay } from "node:timers/promises";
import { BusError } from "../../core/errors.ts";
import { askMonitor, type GroupState, type Jsz, type MonitorAddress } from "./monitor.ts";

const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 25;
const ASSETS_PAGE = "/jsz?accounts=true&streams=true&consumers=true&config=true";
const META_PAGE = "/jsz";

/** One server's answers at one moment. */
export interface NodeView {
  /** Server name. */
  readonly name: string;
  /** Its `/jsz`; absent when the server does not answer. */
  readonly jsz?: Jsz;
  /** Its `/healthz`; absent when the server does not answer. */
  readonly health?: { readonly status?: string; readonly error?: string };
}

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
export async function waitReady(options: ReadinessOptions): Promise<string> {
  const until = performance.now() + options.timeoutMs;
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause + 1, LONGEST_POLL_MS)) {
    await options.check?.();
    const views = await observeNodes(options.nodes, options.assets === true);
    const blocker = metaBlocker(views) ?? (options.assets === true ? assetBlocker(views) : undefined);
    if (blocker === undefined) return leaderOf(views);
    if (performance.now() >= until) throw notReady(blocker, options.timeoutMs);
    await delay(pause);
  }
}

/** Asks every server at once. */
export async function observeNodes(nodes: ReadinessOptions["nodes"], assets: boolean): Promise<NodeView[]> {
  return Promise.all(
    nodes.map(async ({ name, monitor }) => {
      const [jsz, health] = await Promise.all([
        askMonitor<Jsz>(monitor, assets ? ASSETS_PAGE : META_PAGE),
        assets || nodes.length === 1 ? askMonitor<NonNullable<NodeView["health"]>>(monitor, "/healthz") : undefined,
      ]);
      return { name, ...(jsz === undefined ? {} : { jsz }), ...(health === undefined ? {} : { health }) };
    }),
  );
}

/** Why the cluster as a whole is not ready; `undefined` when it is. */
export function metaBlocker(views: readonly NodeView[]): string | undefined {
  const silent = views.filter((view) => view.jsz === undefined);
  if (silent.length > 0) return `${namesOf(silent)} does not answer`;
  if (views.length === 1) return views[0]?.health?.status === "ok" ? undefined : `${namesOf(views)} is not healthy`;
  const leaders = new Set(views.map((view) => view.jsz?.meta_cluster?.leader ?? ""));
  if (leaders.has("")) return "no meta leader is elected yet";
  if (leaders.size > 1) return `the servers do not agree on the meta leader: ${[...leaders].join(", ")}`;
  return currentBlocker("the meta group", views, (view) => view.jsz?.meta_cluster, views.length);
}

/** Why the next server may not be restarted: an unhealthy server, or a stream or consumer whose replicas are not all current. */
export function assetBlocker(views: readonly NodeView[]): string | undefined {
  const ill = views.find((view) => view.health?.status !== "ok");
  if (ill !== undefined) return `${ill.name} is not healthy${ill.health?.error === undefined ? "" : `: ${ill.health.error}`}`;
  if (views.length === 1) return undefined;
  for (const [title, group] of collectGroups(views)) {
    const blocker = currentBlocker(title, views, (view) => group.states.get(view.name), group.size);
    if (blocker !== undefined) return blocker;
  }
  return undefined;
}

/** The meta leader's name; a lone server leads itself, and an unready cluster has none. */
export function leaderOf(views: readonly NodeView[]): string {
  const leader = views.find((view) => view.jsz?.meta_cluster?.leader)?.jsz?.meta_cluster?.leader;
  return leader ?? (views.length === 1 ? (views[0]?.name ?? "") : "");
}

interface Group {
  /** Members the group must have. */
  readonly size: number;
  /** What each server says of the group, by server name. */
  readonly states: Map<string, GroupState>;
}

/** Every stream and consumer group any server knows, by a title for people. */
function collectGroups(views: readonly NodeView[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  const add = (title: string, view: NodeView, state: GroupState | undefined, size: number) => {
    const group = groups.get(title) ?? { size, states: new Map<string, GroupState>() };
    groups.set(title, group);
    if (state !== undefined) group.states.set(view.name, state);
  };
  for (const view of views) {
    for (const account of view.jsz?.account_details ?? []) {
      for (const stream of account.stream_detail ?? []) {
        const title = `stream ${stream.name} of account ${account.name}`;
        add(title, view, stream.cluster, stream.config?.num_replicas ?? 1);
        // A consumer may have fewer replicas than its stream, and the page does not say how many: those that exist are judged.
        for (const consumer of stream.consumer_detail ?? []) add(`consumer ${consumer.name} of ${title}`, view, consumer.cluster, 1);
      }
    }
  }
  return groups;
}

/** Why a Raft group is not current, judged by its leader: followers report one another as behind for ever. */
function currentBlocker(
  title: string,
  views: readonly NodeView[],
  stateOf: (view: NodeView) => GroupState | undefined,
  size: number,
): string | undefined {
  const judge = views.find((view) => stateOf(view)?.leader === view.name);
  if (judge === undefined) return `${title} has no leader`;
  const replicas = stateOf(judge)?.replicas ?? [];
  if (replicas.length + 1 < size) return `${title} has ${replicas.length + 1} of ${size} replicas`;
  const behind = replicas.filter((replica) => !replica.current || replica.offline === true);
  return behind.length === 0 ? undefined : `${title} is not current on ${namesOf(behind)}`;
}

function namesOf(items: readonly { readonly name: string }[]): string {
  return items.map((item) => item.name).join(", ");
}

function notReady(blocker: string, timeoutMs: number): BusError {
  return new BusError("ERR_CLUSTER_NOT_READY", `the cluster is not ready after ${timeoutMs} ms: ${blocker}`, {
    remedy: "look at the servers' logs (nats.log in each node's folder) and run the command again; what already runs is kept",
  });
}
