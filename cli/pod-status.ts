/** How servers that are pods are, for `natsbus status`: asked over the system account through the port-forward. */
import { inboxPrefix } from "../accounts/roles.ts";
import { judgeViews } from "../components/gate/judge.ts";
import type { Varz } from "../components/gate/server-pages.ts";
import { collectStreams } from "../components/gate/stream-status.ts";
import { describeServers, observeServers } from "../components/gate/system.ts";
import type { ClusterStatus, ServerStatus } from "../components/process/observe.ts";
import { BusError, isBusError } from "../core/errors.ts";
import { serverNames } from "../core/kubernetes-names.ts";
import { resolveConnection } from "./bus-access.ts";
import type { BusPlace, BusServer } from "./bus-state.ts";
import { loadDeclared } from "./declared.ts";

const SYSTEM_ROLE = "monitoring";

/** What pods say, and the servers that are declared. */
export interface PodStatus {
  readonly cluster: ClusterStatus;
  readonly wanted: readonly BusServer[];
}

/**
 * Asks every declared server. Never waits for anything to become ready; a bus that cannot be reached is one whose servers are down.
 * @throws BusError ERR_AUTH_MODE when no user may ask, ERR_CREDENTIALS, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_KUBECONFIG
 */
export async function observePods(place: BusPlace): Promise<PodStatus> {
  const { spec } = await loadDeclared({ cwd: place.root, stack: place.stack }, () => undefined);
  const names = serverNames(spec).slice(0, spec.cluster.servers);
  const user = place.bus.users.find(({ role }) => role === SYSTEM_ROLE);
  if (user === undefined) {
    throw new BusError(
      "ERR_AUTH_MODE",
      `stack ${place.stack} has no user of the role ${SYSTEM_ROLE}, and nobody else may ask servers how they are`,
      {
        remedy: `look at the pods with \`natsbus rollout --stack ${place.stack}\``,
      },
    );
  }
  const servers = names.map((name) => serverOf(name, spec.kubernetes.namespace));
  const clientUrl = place.bus.urls[0] ?? "";
  try {
    const connection = { ...(await resolveConnection(place, user.name)), inboxPrefix: inboxPrefix(user.name) };
    const [views, pages] = await Promise.all([observeServers(connection, names, true), describeServers(connection, names)]);
    const seen = servers.map((server, index) => statusOf({ ...server, clientUrl }, pages.get(server.name)?.data, views[index]?.jsz));
    return {
      wanted: servers,
      cluster: { cluster: spec.cluster.name, servers: seen, streams: collectStreams(views), ...judgeViews(views) },
    };
  } catch (error) {
    if (!isBusError(error) || (error.code !== "ERR_CONNECT_FORWARD" && error.code !== "ERR_CONNECT_REFUSED")) throw error;
    const seen = servers.map((server) => statusOf({ ...server, clientUrl }, undefined, undefined));
    return { wanted: servers, cluster: { cluster: spec.cluster.name, servers: seen, streams: [], blocked: error.message } };
  }
}

function serverOf(name: string, namespace: string): BusServer {
  return {
    name,
    directory: `pod ${namespace}/${name}`,
    clientUrl: "",
    monitorUrl: "",
    ports: { client: 4222, monitor: 8222, route: 6222 },
  };
}

function statusOf(
  { name, directory: folder, clientUrl, monitorUrl }: BusServer,
  varz: Varz | undefined,
  jsz: object | undefined,
): ServerStatus {
  const where = { name, folder, clientUrl, monitorUrl };
  if (varz === undefined) return { ...where, alive: false };
  const {
    streams = 0,
    consumers = 0,
    messages = 0,
    bytes = 0,
  } = (jsz ?? {}) as Partial<Record<"streams" | "consumers" | "messages" | "bytes", number>>;
  const { version, connections, start: startedAt } = varz;
  return { ...where, alive: true, startedAt, version, connections, streams, consumers, messages, bytes };
}
