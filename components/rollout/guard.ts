/** The `Guard` resource: refuses, before any object is touched, changes that the servers' data would not survive. What the cluster lacks is told by the target itself. */
import type { ConnectionSpec } from "../../core/connection.ts";
import { BusError, isBusError, type Problem } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { reporting } from "../../core/reporting.ts";
import { isUnknown } from "../../core/unknown.ts";
import { versionProblem } from "../../core/version-guard.ts";
import type { Jsz } from "../gate/server-pages.ts";
import { observeServers } from "../gate/system.ts";
import { kubernetesSet } from "./cluster-api.ts";
import type { SetPlace, SetView } from "./model.ts";

/** What is going to be declared. */
export interface GuardInputs extends SetPlace {
  /** Number of servers. */
  readonly servers: number;
  /** nats-server version. */
  readonly version: string;
  /** Cluster name. */
  readonly cluster: string;
  /** Storage class of the volumes; empty: the cluster's default. */
  readonly storageClass: string;
  /** How to reach a user of the system account, to ask what streams need. A secret.
   * @default - not asked */
  readonly connection?: ConnectionSpec;
}

/** What the cluster says; absent parts are not known. */
export interface GuardFacts {
  /** Number of servers that run; 0 when there is no such set. */
  readonly running?: number;
  /** Highest JetStream API level that something in use needs. */
  readonly usedLevel?: number;
}

/** A refusal as Pulumi takes it: it names no property, because that would be printed with everything in it. */
interface Failure {
  readonly property: string;
  readonly reason: string;
}

/**
 * Everything that speaks against a change. Pure.
 * @param olds what was declared before; absent at the first time
 */
export function guardProblems(olds: GuardInputs | undefined, news: GuardInputs, facts: GuardFacts): Problem[] {
  const version = olds === undefined ? undefined : versionProblem(olds.version, news.version, facts.usedLevel);
  return [
    ...(olds === undefined ? [] : identityProblems(olds, news)),
    ...scaleProblems(facts.running ?? olds?.servers ?? 0, news.servers),
    ...(version === undefined ? [] : [version]),
  ];
}

/** Checks a change against what was declared and, when the cluster answers, against what is there. */
export async function checkGuard(
  olds: Partial<GuardInputs>,
  news: GuardInputs,
): Promise<{ readonly inputs: GuardInputs; readonly failures: Failure[] }> {
  if (isUnknown([news.access, news.namespace, news.set, news.servers, news.version])) return { inputs: news, failures: [] };
  const before = olds.set === undefined ? undefined : (olds as GuardInputs);
  const problems = guardProblems(before, news, await readFacts(before, news));
  return { inputs: news, failures: problems.map(describeFailure) };
}

/**
 * Checks once more, now that nothing is unknown.
 * @throws the first problem's code
 */
export async function createGuard(inputs: GuardInputs): Promise<{ readonly id: string; readonly outs: GuardInputs }> {
  const [problem] = guardProblems(undefined, inputs, await readFacts(undefined, inputs));
  if (problem !== undefined) throw new BusError(problem.code, problem.message, { path: problem.path, remedy: problem.remedy });
  return { id: `${inputs.namespace}/${inputs.set}`, outs: inputs };
}

/** Operations of the `Guard` resource, as its provider calls them. */
export const guard = reporting({
  check: checkGuard,
  create: createGuard,
  update: async (inputs: GuardInputs) => ({ outs: (await createGuard(inputs)).outs }),
});

/** Highest API level that streams and consumers ask for; servers write it into the metadata of each. */
export function highestLevel(pages: readonly Jsz[]): number {
  const streams = pages.flatMap((page) => page.account_details ?? []).flatMap((account) => account.stream_detail ?? []);
  const assets = streams.flatMap((stream) => [stream, ...(stream.consumer_detail ?? [])]);
  return Math.max(0, ...assets.map(({ config }) => Number(config?.metadata?.["_nats.req.level"] ?? 0)));
}

function identityProblems(olds: GuardInputs, news: GuardInputs): Problem[] {
  const kept = (path: string, was: string, is: string): Problem[] => {
    if (was === is) return [];
    const message = `it cannot change from "${was}" to "${is}": the servers' data belongs to the old one`;
    return [{ code: "ERR_CLUSTER_IDENTITY", path, message, remedy: `set it back to "${was}", or destroy the bus first` }];
  };
  return [
    ...kept("cluster.name", olds.cluster, news.cluster),
    ...kept("kubernetes.name", olds.set, news.set),
    ...kept("kubernetes.namespace", olds.namespace, news.namespace),
    ...kept("kubernetes.storage.className", olds.storageClass, news.storageClass),
  ];
}

/** What runs decides, when it is known: after servers left by hand the setting only follows. */
function scaleProblems(running: number, wanted: number): Problem[] {
  const path = "cluster.servers";
  if (running === 1 && wanted > 1) {
    const message = `a lone server cannot become one of ${wanted}: its streams were made outside of a cluster and would be removed`;
    const remedy = "back the streams up, destroy the bus, and bring it up with that many";
    return [{ code: "ERR_CLUSTER_IDENTITY", path, message, remedy }];
  }
  if (wanted >= running) return [];
  const message = `${running} servers run, and ${wanted} are declared: replicas on those that leave would be lost`;
  return [
    {
      code: "ERR_SCALE_DOWN",
      path,
      message,
      remedy: `set it back to ${running}, and run \`natsbus scale ${wanted}\`, which moves their streams away and takes them out of the cluster first`,
    },
  ];
}

function describeFailure({ code, path, message, remedy }: Problem): Failure {
  return { property: "", reason: `${path}: ${message}; ${remedy} [${code}]` };
}

/** What can be learned; a cluster that does not answer is no reason to refuse a preview. */
async function readFacts(olds: GuardInputs | undefined, news: GuardInputs): Promise<GuardFacts> {
  try {
    const set = await (await kubernetesSet(news)).observe();
    return { running: set?.replicas ?? 0, ...(await readLevel(olds, news, set)) };
  } catch (error) {
    if (!isBusError(error)) throw error;
    progress(`not checked against the cluster: ${error.message}`);
    return {};
  }
}

/** Asked only when the version changes. */
async function readLevel(
  olds: GuardInputs | undefined,
  { connection, version }: GuardInputs,
  set: SetView | undefined,
): Promise<GuardFacts> {
  if (olds === undefined || connection === undefined || set === undefined || isUnknown(connection) || olds.version === version) return {};
  const names = set.pods.map(({ name }) => name);
  const views = await observeServers(connection, names, true);
  return views.some(({ jsz }) => jsz === undefined) ? {} : { usedLevel: highestLevel(views.flatMap(({ jsz }) => jsz ?? [])) };
}
