/** Conditions under which rules and panels apply. */
import { type BusFacts, hasStream, isClustered } from "../facts.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";

/** Rules that need more than one server. */
export const clustered = (facts: BusFacts): boolean => isClustered(facts);

/** Rules over the probe's series. */
export const probed = (_facts: BusFacts, options: ResolvedMonitoringOptions): boolean => options.probe;

/** Rules over what the canary publishes. */
export const published = (_facts: BusFacts, options: ResolvedMonitoringOptions): boolean => options.canary;

/** Rules that pass a stream's team on. */
export const hasTeams = (facts: BusFacts): boolean => hasStream(facts, (stream) => stream.team !== undefined);
