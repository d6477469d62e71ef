/** Names of everything the `kubernetes` target declares: objects, servers, and every name a certificate must cover. */
import type { BusSpec } from "./bus-spec.ts";

/** Names of the fixed objects. */
export interface ObjectNames {
  /** StatefulSet, client Service, ServiceAccount and PodDisruptionBudget. */
  readonly set: string;
  /** Service that gives every server its own name. */
  readonly headless: string;
  /** Secret with the servers' configuration. */
  readonly config: string;
  /** Secret with the servers' certificates. */
  readonly tls: string;
  /** Secret with the certificates that servers show each other. */
  readonly routes: string;
  /** Deployment of the toolbox. */
  readonly toolbox: string;
  /** Deployment, Service, ConfigMap and Secret of the probe. */
  readonly probe: string;
  /** Claim template; the claims are `<claim>-<server>`. */
  readonly claim: string;
}

type Named = Pick<BusSpec, "cluster" | "kubernetes" | "tls">;

/** Names of the objects of a bus. */
export function objectNames({ kubernetes }: Pick<BusSpec, "kubernetes">): ObjectNames {
  const { name, certificates } = kubernetes;
  return {
    set: name,
    headless: `${name}-headless`,
    config: `${name}-config`,
    tls: certificates.secret ?? `${name}-tls`,
    routes: `${name}-routes`,
    toolbox: `${name}-box`,
    probe: `${name}-probe`,
    claim: `${name}-js`,
  };
}

/** Servers that may run: the wanted ones, and with a HorizontalPodAutoscaler those it may add. */
export function serverNames({ cluster, kubernetes }: Pick<BusSpec, "cluster" | "kubernetes">): readonly string[] {
  const most = Math.max(cluster.servers, kubernetes.autoscaling.maxServers ?? 0);
  return Array.from({ length: most }, (_, index) => `${kubernetes.name}-${index}`);
}

/** The name other servers reach a server by. */
export function routeHost(spec: Pick<BusSpec, "kubernetes">, server: string): string {
  const { namespace, clusterDomain, fullRouteNames } = spec.kubernetes;
  const short = `${server}.${objectNames(spec).headless}`;
  return fullRouteNames ? `${short}.${namespace}.svc.${clusterDomain}` : short;
}

/** The name by which a server is reached inside the cluster, also while it is not ready. */
export function serverHost(spec: Pick<BusSpec, "kubernetes">, server: string): string {
  return `${server}.${objectNames(spec).headless}.${spec.kubernetes.namespace}.svc`;
}

/** Every name and address that somebody may connect to a server by, without repeats. */
export function certificateHosts(spec: Named, server: string): readonly string[] {
  const { listeners } = spec.kubernetes;
  const { set, headless } = objectNames(spec);
  const outside = [...listeners.websocket.hosts, ...listeners.monitor.hosts, ...advertisedHost(listeners.gateway.advertise)];
  const names = [
    server,
    ...withinCluster(spec, `${server}.${headless}`),
    ...withinCluster(spec, headless),
    ...withinCluster(spec, set),
    "localhost",
    "127.0.0.1",
    "::1",
    ...spec.tls.hosts,
    ...outside,
  ];
  return [...new Set(names)];
}

/** Every name that other servers may reach a server by, without repeats. */
export function routeHosts(spec: Named, server: string): readonly string[] {
  return [server, ...withinCluster(spec, `${server}.${objectNames(spec).headless}`)];
}

/** Whether servers have routes to each other. */
export function hasRoutes(spec: Pick<BusSpec, "cluster" | "kubernetes">): boolean {
  return serverNames(spec).length > 1;
}

/** Whether a certificate for `hosts` is good for `host`; `*` stands for one label. */
export function coversHost(hosts: readonly string[], host: string): boolean {
  const parent = host.slice(host.indexOf("."));
  return hosts.some((name) => name === host || (name.startsWith("*.") && host.includes(".") && name.slice(1) === parent));
}

/** A name in the forms that resolve inside the cluster. */
function withinCluster({ kubernetes }: Pick<BusSpec, "kubernetes">, name: string): string[] {
  const { namespace, clusterDomain } = kubernetes;
  return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.${clusterDomain}`];
}

function advertisedHost(advertise: string | undefined): string[] {
  return advertise === undefined ? [] : [advertise.replace(/:\d+$/, "")];
}
