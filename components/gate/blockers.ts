/** What keeps a cluster from being used, or its next server from being restarted. Pure; whoever asks the servers hands their answers in. */
import type { GroupState, Healthz, Jsz } from "./server-pages.ts";

/** One server's answers at one moment. */
export interface NodeView {
  /** Server name. */
  readonly name: string;
  /** Its JetStream page; absent when the server does not answer. */
  readonly jsz?: Jsz;
  /** Its health page; absent when the server does not answer. */
  readonly health?: Healthz;
}

/** Why the cluster as a whole is not ready; `undefined` when it is. */
export function metaBlocker(views: readonly NodeView[]): string | undefined {
  const silent = views.filter((view) => view.jsz === undefined);
  if (silent.length > 0) return `${namesOf(silent)} does not answer`;
  if (views.length === 1) return views[0]?.health?.status === "ok" ? undefined : `${namesOf(views)} is not healthy`;
  const leaders = new Set(views.map((view) => view.jsz?.meta_cluster?.leader ?? ""));
  if (leaders.has("")) return "no meta leader is elected yet";
  if (leaders.size > 1) return `the servers do not agree on the meta leader: ${[...leaders].join(", ")}`;
  const members = metaMembers(views);
  const outside = views.filter(({ name }) => members.length > 0 && !members.includes(name));
  // nats-server bars a removed peer for that long, and says so to nobody.
  if (outside.length > 0)
    return `the meta group has not let ${namesOf(outside)} in yet; a server that left is let in again five minutes later`;
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

/** Members of the meta group by name, as its leader sees them; empty when there is no leader. */
export function metaMembers(views: readonly NodeView[]): string[] {
  const leader = leaderOf(views);
  const group = views.find((view) => view.name === leader)?.jsz?.meta_cluster;
  return group === undefined ? [] : [leader, ...(group.replicas ?? []).map(({ name }) => name)];
}

/** The order of a rolling restart: as given, the meta leader last, so that leadership moves once and not with every step. */
export function restartOrder(names: readonly string[], leader: string): string[] {
  return [...names.filter((name) => name !== leader), ...names.filter((name) => name === leader)];
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
