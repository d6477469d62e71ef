/** Which server runs on which host, and where its files are. Pure. */
import { isIP } from "node:net";
import type { BusSpec } from "../../core/bus-spec.ts";
import type { SystemdHost } from "../../core/systemd-spec.ts";

/** One server as a service of a host. */
export interface HostNode {
  /** Server name, `n1` for the first of the bus; it never changes. */
  readonly name: string;
  /** Host it runs on. */
  readonly host: SystemdHost;
  /** Ports. */
  readonly ports: { readonly client: number; readonly monitor: number; readonly route: number; readonly exporter: number };
  /** Where clients connect. */
  readonly clientUrl: string;
  /** Where other servers connect. */
  readonly routeUrl: string;
  /** Monitoring pages, on the host's loopback. */
  readonly monitorUrl: string;
}

/** Places of a bus on each of its hosts. */
export interface HostPaths {
  /** Configuration and certificates. */
  readonly config: string;
  /** Streams and accounts; what must never be lost. */
  readonly data: string;
  /** Programs and scripts. */
  readonly programs: string;
  /** Name that units and site files begin with. */
  readonly unit: string;
}

const LOOPBACK = "127.0.0.1";

/** Journal namespace of everything natsbus runs on a host. */
export const JOURNAL = "natsbus";

/** All servers, first to last: dealt to the hosts in turn, with consecutive ports on each. */
export function planHostNodes(spec: BusSpec): readonly HostNode[] {
  const { hosts, ports } = spec.systemd;
  return Array.from({ length: spec.cluster.servers }, (_, index) => {
    const host = hosts[index % hosts.length] as SystemdHost;
    const place = Math.floor(index / hosts.length);
    const own = {
      client: ports.client + place,
      monitor: ports.monitor + place,
      route: ports.route + place,
      exporter: ports.exporter + place,
    };
    return {
      name: `n${index + 1}`,
      host,
      ports: own,
      clientUrl: `${spec.tls.clients ? "tls" : "nats"}://${urlHost(host.address)}:${own.client}`,
      routeUrl: `nats-route://${urlHost(host.routeAddress)}:${own.route}`,
      monitorUrl: `http://${LOOPBACK}:${own.monitor}`,
    };
  });
}

/** The hosts that get a server, each with its servers, in the order of the configuration. */
export function nodesByHost(spec: BusSpec): readonly { readonly host: SystemdHost; readonly nodes: readonly HostNode[] }[] {
  const groups = Map.groupBy(planHostNodes(spec), (node) => node.host);
  return [...groups].map(([host, nodes]) => ({ host, nodes }));
}

/** Places of a bus; they hold the cluster's name, so that several buses fit on one host. */
export function hostPaths(cluster: string): HostPaths {
  return {
    config: `/etc/natsbus/${cluster}`,
    data: `/var/lib/natsbus/${cluster}`,
    programs: `/usr/local/lib/natsbus/${cluster}`,
    unit: `nats-${cluster}`,
  };
}

/** Addresses of the bus's hosts that are addresses and not names. */
export function hostAddresses(spec: BusSpec): readonly string[] {
  const all = spec.systemd.hosts.flatMap((host) => [host.address, host.routeAddress]);
  return [...new Set(all)].filter((address) => isIP(address) !== 0);
}

/** Hosts of the bus that are given by name, which neither a unit's address list nor a firewall rule can hold safely. */
export function namedHosts(spec: BusSpec): readonly string[] {
  const all = spec.systemd.hosts.flatMap((host) => [host.address, host.routeAddress]);
  return [...new Set(all)].filter((address) => isIP(address) === 0);
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
