/** The servers of a bus by place: names, addresses, routes. */
import type { BusSpec } from "./bus-spec.ts";

/** One server's place in the cluster. */
export interface NodeSpec {
  /** Server name, `n1` for the first; it never changes. */
  readonly name: string;
  /** Address the listeners bind to. */
  readonly host: string;
  /** Address the monitor listener binds to: loopback for plain HTTP, which has no authentication; `host` for HTTPS. */
  readonly monitorHost: string;
  /** Ports of the three listeners. */
  readonly ports: { readonly client: number; readonly monitor: number; readonly route: number };
  /** Where clients connect: `tls://127.0.0.1:4222`, or `nats://…` when clients are not encrypted. */
  readonly clientUrl: string;
  /** Where other servers connect. */
  readonly routeUrl: string;
  /** Monitoring pages. */
  readonly monitorUrl: string;
  /** Runtime folder, relative to the project unless the configured folder is absolute. */
  readonly directory: string;
}

const LOOPBACK = "127.0.0.1";
const EVERY_ADDRESS = new Set(["0.0.0.0", "::"]);

/** The nodes of a bus on this machine, first to last. */
export function planNodes(spec: BusSpec): readonly NodeSpec[] {
  const { host, ports, directory, monitorTls } = spec.process;
  const reachable = urlHost(reachableHost(host));
  const monitorHost = monitorTls ? host : LOOPBACK;
  return Array.from({ length: spec.cluster.servers }, (_, index) => {
    const name = `n${index + 1}`;
    const own = { client: portAt(ports.client, index), monitor: portAt(ports.monitor, index), route: portAt(ports.route, index) };
    return {
      name,
      host,
      monitorHost,
      ports: own,
      clientUrl: `${spec.tls.clients ? "tls" : "nats"}://${reachable}:${own.client}`,
      routeUrl: `nats-route://${reachable}:${own.route}`,
      monitorUrl: `${monitorTls ? "https" : "http"}://${urlHost(reachableHost(monitorHost))}:${own.monitor}`,
      directory: `${directory.replace(/\/+$/, "")}/${name}`,
    };
  });
}

/** Client URLs of all nodes. */
export function clientUrls(nodes: readonly NodeSpec[]): readonly string[] {
  return nodes.map((node) => node.clientUrl);
}

/** Route URLs that a node is given: those of all nodes, its own included (a server skips itself), so that every server has the same list. */
export function routeUrls(nodes: readonly NodeSpec[]): readonly string[] {
  return nodes.map((node) => node.routeUrl);
}

function reachableHost(host: string): string {
  return EVERY_ADDRESS.has(host) ? LOOPBACK : host;
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function portAt(ports: readonly number[], index: number): number {
  return ports[index] ?? 0;
}
