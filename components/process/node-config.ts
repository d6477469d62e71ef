/** One node of a cluster: its server's configuration and the files in its folder. Pure. */
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import { type NodeSpec, routeUrls } from "../../core/topology.ts";
import { contentName, planServer, type ServerPlace } from "../server-plan.ts";
import type { ClusterInputs } from "./cluster-spec.ts";
import type { NodeFile } from "./node-folder.ts";

/** Sub-folder of the certificates. */
export const TLS_FOLDER = "tls";
const LOG_FILE = "nats.log";
const STORE_FOLDER = "jetstream";
const ACCOUNTS_FOLDER = "accounts";

/** A node as it should be. */
export interface NodeConfig {
  /** Its place. */
  readonly node: NodeSpec;
  /** What its server is told. Paths are relative to the node's folder, where the server works. */
  readonly spec: ServerConfigSpec;
  /** The same as text. */
  readonly text: string;
  /** Certificates and keys. */
  readonly tlsFiles: readonly NodeFile[];
  /** Path of the authority bundle among them. */
  readonly authorityFile: string;
}

/**
 * Every node as it should be.
 * @throws ERR_SERVER_CONFIG when a value cannot be written
 */
export function planNodeConfigs(inputs: ClusterInputs): NodeConfig[] {
  return inputs.nodes.map((node) => {
    const certificate = tlsFile(inputs.certificates[node.name] ?? "", ".pem");
    const key = tlsFile(inputs.keys[node.name] ?? "", ".key");
    const authority = tlsFile(inputs.authority, "-ca.pem");
    const tls = { certFile: certificate.path, keyFile: key.path, caFile: authority.path };
    const files = { store: STORE_FOLDER, accounts: ACCOUNTS_FOLDER, log: LOG_FILE, tls };
    const spec = planServer(inputs.settings, { place: placeOf(node, inputs), files, identity: inputs.identity });
    return { node, spec, text: renderServerConfig(spec), tlsFiles: [certificate, key, authority], authorityFile: authority.path };
  });
}

function placeOf(node: NodeSpec, { settings, nodes }: ClusterInputs): ServerPlace {
  const { host, ports } = node;
  // Without its own URL: a server that dials itself costs every start several handshakes for nothing.
  const routes = routeUrls(nodes.filter((other) => other.name !== node.name));
  return {
    name: node.name,
    client: { host, port: ports.client },
    monitor: { host: node.monitorHost, port: ports.monitor, tls: settings.process.monitorTls },
    ...(nodes.length > 1 ? { cluster: { host, port: ports.route, routes } } : {}),
  };
}

function tlsFile(content: string, ending: string): NodeFile {
  return { path: `${TLS_FOLDER}/${contentName(content, ending)}`, content };
}
