/** Label lists that expressions group by, and the conditions under which rules apply. */
import { type BusFacts, hasStream, isClustered } from "../facts.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";
import { quoted, quoteRegex } from "../promql.ts";

/** Labels that name a server. */
export const SERVER = "nats_cluster, server_id";

/** Labels that name a stream. */
export const STREAM = "nats_cluster, account_name, stream_name";

/** Labels that name a consumer. */
export const CONSUMER = `${STREAM}, consumer_name`;

/** Rules that need more than one server. */
export const clustered = (facts: BusFacts): boolean => isClustered(facts);

/** Rules over the probe's series. */
export const probed = (_facts: BusFacts, options: ResolvedMonitoringOptions): boolean => options.probe;

/** Rules that pass a stream's team on. */
export const hasTeams = (facts: BusFacts): boolean => hasStream(facts, (stream) => stream.team !== undefined);

/** Matcher of the streams that capture advisories. */
export function advisoryStreams(facts: BusFacts): string {
  const names = facts.streams.filter((stream) => stream.advisories === true).map((stream) => quoteRegex(stream.name));
  return `stream_name=~${quoted(names.join("|"))}`;
}
