/** Reads how an existing cluster is reached and looks at it, before anything is made there, in previews too. */
import { readKeptSeed } from "../../accounts/kept-seed.ts";
import { closeConnections } from "../../connection/pool.ts";
import type { ExistingSpec } from "../../core/existing-spec.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { type ExistingAccess, keptKeyFile, readExistingAccess } from "./access.ts";
import type { ExistingPlace } from "./bus.ts";
import { lookAtCluster } from "./look.ts";
import { lookAtWatched } from "./watched.ts";

/**
 * @throws what {@link readExistingAccess}, {@link lookAtCluster} and, with monitoring enabled, {@link lookAtWatched} throw
 */
export async function openExisting({ spec, accounts }: ResolvedBus): Promise<ExistingPlace> {
  const { directory } = spec.process;
  const access = await readExistingAccess({ existing: spec.existing as ExistingSpec, domain: spec.jetstream.domain });
  const kept =
    access.signingSeed === undefined
      ? {}
      : await keptSeeds(
          accounts.map(({ name }) => name),
          directory,
        );
  try {
    const { connection, system, signingSeed } = access;
    const ways = { ...(signingSeed === undefined ? { connection } : { signingSeed }), ...(system === undefined ? {} : { system }) };
    const seen = await lookAtCluster(ways, spec.cluster.servers);
    const { monitorUrls } = spec.existing as ExistingSpec;
    const watched = spec.monitoring.enabled ? await lookAtWatched({ access, monitorUrls, expected: spec.cluster.servers }) : undefined;
    return { access: withSeeds(access, kept), seen, ...(watched === undefined ? {} : { watched }) };
  } finally {
    // An open connection would keep the program from ending.
    await closeConnections();
  }
}

function withSeeds(access: ExistingAccess, kept: Readonly<Record<string, string>>): ExistingAccess {
  return { ...access, seeds: { ...kept, ...access.seeds } };
}

/** Keys of accounts that an earlier destroy left on the servers. */
async function keptSeeds(accounts: readonly string[], directory: string): Promise<Record<string, string>> {
  const found = accounts.map(async (name) => [name, await readKeptSeed(keptKeyFile(directory, name))] as const);
  return Object.fromEntries((await Promise.all(found)).flatMap(([name, seed]) => (seed === undefined ? [] : [[name, seed]])));
}
