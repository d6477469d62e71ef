/** Parts of expressions that several tables share. */
import type { BusFacts } from "../facts.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";
import { quoted, quoteRegex } from "../promql.ts";

/** Labels that name a server. */
export const SERVER = "nats_cluster, server_id";

/** Labels that name a stream. */
export const STREAM = "nats_cluster, account_name, stream_name";

/** Labels that name a consumer. */
export const CONSUMER = `${STREAM}, consumer_name`;

/** Matcher of the streams that capture advisories. */
export function advisoryStreams(facts: BusFacts): string {
  const names = facts.streams.filter((stream) => stream.advisories === true).map((stream) => quoteRegex(stream.name));
  return `stream_name=~${quoted(names.join("|"))}`;
}

/** Share of the JetStream disks that is free; an expression without samples when nobody watches disks. */
export function diskFreeRatio(volumes: ResolvedMonitoringOptions["volumes"]): string {
  if (volumes?.kind === "kubelet") {
    const matchers = `namespace=${quoted(volumes.namespace)}, persistentvolumeclaim=~${quoted(volumes.claims)}`;
    return `kubelet_volume_stats_available_bytes{${matchers}} / kubelet_volume_stats_capacity_bytes{${matchers}}`;
  }
  const matcher = `mountpoint=${quoted(volumes?.mountpoint ?? "")}`;
  return `node_filesystem_avail_bytes{${matcher}} / node_filesystem_size_bytes{${matcher}}`;
}
