/** From configuration text to a whole bus: what it is, who may use it, what lives in it. Pure; every problem at once. */
import type { AccountArgs } from "../accounts/args.ts";
import { BUS_ACCOUNT } from "../accounts/catalog.ts";
import { findConfigModeProblems, findSignedModeProblems } from "../accounts/config-rules.ts";
import type { Overrides } from "../accounts/merge.ts";
import { type AccountSpec, resolveAccounts } from "../accounts/spec.ts";
import type { BusSpec } from "../core/bus-spec.ts";
import { assertNoProblems, type Problem } from "../core/errors.ts";
import { checkBus, type StreamFacts } from "../core/rules.ts";
import { readStackConfig, type StackContext } from "../core/stack-config.ts";
import type { Catalog } from "../streams/catalog.ts";
import type { StreamSpec } from "../streams/fields.ts";
import { type Declared, type ResolvedCatalog, resolveStreams } from "../streams/resolve.ts";
import { isCanaryWanted, monitoringProblems, withCanary } from "./monitoring-catalogue.ts";
import type { ResolvedBus } from "./resolved-bus.ts";

export type { ResolvedBus } from "./resolved-bus.ts";

/** What the project ships, before a stack changes it. */
export interface Catalogues {
  /** Streams, consumers, buckets and stores. */
  readonly streams: Catalog;
  /** Map keyed by account name. */
  readonly accounts: Readonly<Record<string, AccountArgs>>;
}

/**
 * Reads a stack's configuration over the catalogues.
 * @param raw configuration as Pulumi hands it over, `natsbus:KEY` to text
 * @throws ERR_CONFIG with every problem of configuration and catalogues, or the problem's own code when there is one
 */
export function resolveBus(raw: Readonly<Record<string, string>>, context: StackContext, catalogues: Catalogues): ResolvedBus {
  const reading = readStackConfig(raw, context);
  // Without a readable stack file nothing is known about its overrides; the catalogues alone are still worth checking.
  const overrides = reading.spec?.overrides ?? { streams: {}, keyValue: {}, objectStores: {}, accounts: {} };
  const watched = reading.spec?.monitoring;
  const { streams: catalogue, accounts: shipped } =
    reading.spec !== undefined && isCanaryWanted(reading.spec) ? withCanary(catalogues, reading.spec.cluster.servers) : catalogues;
  const streams = resolveStreams(catalogue, overrides, {
    servers: reading.spec?.cluster.servers ?? 3,
    deletionPolicy: reading.spec?.deletionPolicy ?? "retain",
  });
  const accounts = resolveAccounts(shipped, overrides.accounts as Overrides);
  const watching = watched === undefined ? [] : monitoringProblems(watched, streams.specs);
  const own = [...reading.problems, ...streams.problems, ...accounts.problems, ...watching];
  // Rules between parts are worth telling only about parts that can be read.
  const seen = new Set(own.map((problem) => problem.path));
  const between = reading.spec === undefined ? { problems: [], warnings: [] } : checkBus(reading.spec, streamFacts(streams.specs));
  const ofMode = reading.spec === undefined ? [] : modeProblems(reading.spec, accounts.specs);
  assertNoProblems([...own, ...ofMode, ...between.problems.filter((problem) => !seen.has(problem.path))]);
  const spec = reading.spec as BusSpec;
  return { spec, accounts: spec.auth.mode === "none" ? [] : accounts.specs, streams: streams.specs, warnings: between.warnings };
}

/** What the rules between cluster and catalogue need to know; buckets and stores are streams too. */
function streamFacts(catalog: ResolvedCatalog): StreamFacts[] {
  const declared: readonly Declared<object, StreamSpec>[] = [...catalog.streams, ...catalog.keyValue, ...catalog.objectStores];
  return declared.map(({ path, spec, needs }) => ({
    path,
    name: spec.name,
    account: BUS_ACCOUNT,
    subjects: spec.subjects,
    replicas: spec.replicas,
    storage: spec.storage,
    maxBytes: spec.maxBytes,
    maxAgeMs: spec.maxAge,
    duplicateWindowMs: spec.duplicateWindow,
    needs,
  }));
}

/** What the accounts have that the mode of authentication cannot. */
function modeProblems({ auth }: BusSpec, accounts: readonly AccountSpec[]): Problem[] {
  if (auth.mode === "none") return [];
  return auth.mode === "config" ? findConfigModeProblems(accounts) : findSignedModeProblems(accounts);
}
