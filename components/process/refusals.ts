/** Changes that are refused before anything is touched. Pure. */
import type { ErrorCode } from "../../core/errors.ts";
import type { ClusterInputs } from "./cluster-spec.ts";

/** A refused change, as a provider's `check` reports it. */
export interface Refusal {
  /** Input the refusal is about, or empty. */
  readonly property: string;
  /** Why, with the code and what to do. */
  readonly reason: string;
}

/** Everything about the change from `olds` to `news` that would lose data or tear the cluster apart.
 * @param left whether the servers that `news` does without have left the cluster already, as `natsbus scale` has them do */
export function refuseChange(olds: ClusterInputs, news: ClusterInputs, left = false): Refusal[] {
  return [...refuseIdentity(olds, news), ...refuseSize(olds, news, left), ...refuseFolders(olds, news), ...refuseRoutes(olds, news)];
}

/** A refusal with its code. It names no property, because that would be printed with everything in it. */
export function refusal(code: ErrorCode, text: string): Refusal {
  return { property: "", reason: `${text} [${code}]` };
}

function refuseIdentity(olds: ClusterInputs, news: ClusterInputs): Refusal[] {
  const [was, wanted] = [olds.settings.cluster.name, news.settings.cluster.name];
  if (was === wanted) return [];
  const text = `the cluster name cannot change from ${was} to ${wanted}: the servers' data belongs to the old name; set natsbus:cluster name back to ${was}, or destroy the bus first`;
  return [refusal("ERR_CLUSTER_IDENTITY", text)];
}

function refuseSize(olds: ClusterInputs, news: ClusterInputs, left: boolean): Refusal[] {
  const [was, wanted] = [olds.nodes.length, news.nodes.length];
  if (wanted < was && !left) {
    const text = `the number of servers cannot go from ${was} to ${wanted} by a changed setting: replicas on the leaving servers would be lost; set natsbus:cluster servers back to ${was}, and run \`natsbus scale ${wanted}\`, which moves their streams away first`;
    return [refusal("ERR_SCALE_DOWN", text)];
  }
  if (was === 1 && wanted > 1) {
    const text = `a lone server cannot become one of ${wanted}: its streams were made outside of a cluster and would be removed; back them up, destroy the bus, and bring it up with ${wanted} servers`;
    return [refusal("ERR_CLUSTER_IDENTITY", text)];
  }
  return [];
}

function refuseFolders(olds: ClusterInputs, news: ClusterInputs): Refusal[] {
  return olds.nodes.flatMap((old, index) => {
    const now = news.nodes[index];
    if (now === undefined) return [];
    if (now.name !== old.name) return [refusal("ERR_CLUSTER_IDENTITY", `server ${old.name} cannot be renamed to ${now.name}`)];
    if (now.directory === old.directory) return [];
    const text = `the folder of server ${old.name} cannot change from ${old.directory} to ${now.directory}: its data would stay behind; set natsbus:process directory back, or destroy the bus first`;
    return [refusal("ERR_CLUSTER_IDENTITY", text)];
  });
}

function refuseRoutes(olds: ClusterInputs, news: ClusterInputs): Refusal[] {
  // A lone server has no routes.
  if (olds.nodes.length < 2) return [];
  return olds.nodes.flatMap((old, index) => {
    const now = news.nodes[index];
    if (now === undefined || now.ports.route === old.ports.route) return [];
    const text = `the route port of server ${old.name} cannot change from ${old.ports.route} to ${now.ports.route}: in a rolling restart the first server on its new port could not reach the others; set natsbus:process ports.route back, or destroy the bus first`;
    return [refusal("ERR_CLUSTER_IDENTITY", text)];
  });
}
