/** The streams of a running cluster, read out of what its servers' monitors say. Pure. */

import type { NodeView } from "./blockers.ts";
import type { StreamDetail } from "./server-pages.ts";

/** One stream as it is; what a KV bucket or an object store keeps lies in one too. */
export interface StreamStatus {
  /** Stream name. */
  readonly name: string;
  /** Account it belongs to, by name. */
  readonly account: string;
  /** Subjects it stores. */
  readonly subjects: readonly string[];
  /** Messages it holds. */
  readonly messages: number;
  /** Bytes it holds. */
  readonly bytes: number;
  /** Consumers of it. */
  readonly consumers: number;
  /** Server that leads it; absent: it has no leader. */
  readonly leader?: string;
  /** Replicas it is to have. */
  readonly replicas: number;
  /** Replicas that are current, the leader included. */
  readonly current: number;
}

/** Every stream that any server holds, by account and name. Its leader's word counts: followers lag behind, and do not know who is current. */
export function collectStreams(views: readonly NodeView[]): readonly StreamStatus[] {
  const found = new Map<string, StreamStatus>();
  for (const view of views) {
    for (const account of view.jsz?.account_details ?? []) {
      for (const stream of account.stream_detail ?? []) {
        const key = `${account.name} ${stream.name}`;
        const status = read(stream, account.name, view.name);
        if (!found.has(key) || status.leader === view.name) found.set(key, status);
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, status]) => status);
}

function read({ name, cluster, config, state }: StreamDetail, account: string, server: string): StreamStatus {
  // A lone server has no group and leads everything.
  const leader = cluster === undefined ? server : cluster.leader;
  const followers = (cluster?.replicas ?? []).filter((replica) => replica.current && replica.offline !== true).length;
  return {
    name,
    account,
    subjects: config?.subjects ?? [],
    messages: state?.messages ?? 0,
    bytes: state?.bytes ?? 0,
    consumers: state?.consumer_count ?? 0,
    ...(leader === undefined || leader === "" ? {} : { leader }),
    replicas: config?.num_replicas ?? 1,
    current: leader === server ? followers + 1 : 0,
  };
}
