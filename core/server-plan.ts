/** From a bus and one of its nodes to that server's configuration. */
import type { BusSpec, ClusterSpec, ProcessSpec } from "./bus-spec.ts";
import type { TlsSpec } from "./security-spec.ts";
import type { ServerConfigSpec } from "./server-config-spec.ts";
import type { TlsFiles } from "./server-listener-spec.ts";
import { type NodeSpec, routeUrls } from "./topology.ts";

/** The part of a bus that its servers' configuration says. */
export type ServerSettings = Pick<BusSpec, "jetstream" | "logging" | "limits" | "lameDuck" | "serverConfig"> & {
  readonly cluster: Pick<ClusterSpec, "name">;
  readonly process: Pick<ProcessSpec, "monitorTls">;
  readonly tls: Pick<TlsSpec, "clients" | "handshakeFirst">;
};

/** Files and folders of one server, as the server process sees them. */
export interface ServerFiles {
  /** Certificates of the client listener; left out when the stack file turns client TLS off. */
  readonly clientTls: TlsFiles;
  /** Certificates of the route listener, with the authorities that other servers are checked against. */
  readonly routeTls: TlsFiles;
  /** Folder of the JetStream store. */
  readonly storeDirectory: string;
  /** Log file. */
  readonly logFile: string;
  /** File the server writes its process id to; absent: none. */
  readonly pidFile?: string;
}

/** Configuration of the server at `node`.
 * @param nodes all nodes of the bus, `node` included; a bus of one server gets no cluster */
export function planServerConfig(want: {
  readonly spec: ServerSettings;
  readonly node: NodeSpec;
  readonly nodes: readonly NodeSpec[];
  readonly files: ServerFiles;
  readonly identity: ServerConfigSpec["identity"];
}): ServerConfigSpec {
  const { spec, node, nodes, files, identity } = want;
  const { host, ports } = node;
  return {
    serverName: node.name,
    client: { host, port: ports.client },
    ...(spec.tls.clients ? { clientTls: { ...files.clientTls, handshakeFirst: spec.tls.handshakeFirst } } : {}),
    monitor: { host: node.monitorHost, port: ports.monitor, tls: spec.process.monitorTls },
    ...(nodes.length > 1
      ? { cluster: { name: spec.cluster.name, host, port: ports.route, routes: routeUrls(nodes), tls: files.routeTls } }
      : {}),
    jetstream: { storeDirectory: files.storeDirectory, ...spec.jetstream },
    identity,
    logging: { file: files.logFile, ...spec.logging },
    ...(files.pidFile === undefined ? {} : { pidFile: files.pidFile }),
    limits: spec.limits,
    lameDuck: spec.lameDuck,
    extra: spec.serverConfig,
  };
}
