/** One node of a cluster: its server's configuration and the files in its folder. Pure. */
import { createHash } from "node:crypto";
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import type { TlsFiles } from "../../core/server-listener-spec.ts";
import { type NodeSpec, routeUrls } from "../../core/topology.ts";
import type { ClusterIdentity, ClusterInputs } from "./cluster-spec.ts";
import type { NodeFile } from "./node-folder.ts";

/** Sub-folder of the certificates. */
export const TLS_FOLDER = "tls";
const LOG_FILE = "nats.log";
const STORE_FOLDER = "jetstream";
const ACCOUNTS_FOLDER = "accounts";
const HASH_LENGTH = 12;

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
    const spec = planServerConfig(inputs, node, tls);
    return { node, spec, text: renderServerConfig(spec), tlsFiles: [certificate, key, authority], authorityFile: authority.path };
  });
}

function planServerConfig(inputs: ClusterInputs, node: NodeSpec, tls: TlsFiles): ServerConfigSpec {
  const { settings, nodes } = inputs;
  const { host, ports } = node;
  const clientTls = { ...tls, handshakeFirst: settings.tls.handshakeFirst };
  // Without its own URL: a server that dials itself costs every start several handshakes for nothing.
  const routes = routeUrls(nodes.filter((other) => other.name !== node.name));
  const cluster = { name: settings.cluster.name, host, port: ports.route, routes, tls };
  return {
    serverName: node.name,
    client: { host, port: ports.client },
    ...(settings.tls.clients ? { clientTls } : {}),
    monitor: { host: node.monitorHost, port: ports.monitor, tls: settings.process.monitorTls },
    ...(nodes.length > 1 ? { cluster } : {}),
    jetstream: { storeDirectory: STORE_FOLDER, ...settings.jetstream },
    identity: resolveIdentity(inputs.identity),
    logging: { file: LOG_FILE, ...settings.logging },
    limits: settings.limits,
    lameDuck: settings.lameDuck,
    ...(Object.keys(settings.serverConfig).length === 0 ? {} : { extra: settings.serverConfig }),
  };
}

function resolveIdentity(identity: ClusterIdentity): ServerConfigSpec["identity"] {
  if (identity.kind !== "operator") return identity;
  const { operatorJwt, systemAccount, systemAccountJwt, resolverIntervalMs } = identity;
  const preload = { [systemAccount]: systemAccountJwt };
  const resolver = { directory: ACCOUNTS_FOLDER, intervalMs: resolverIntervalMs, allowDelete: true, preload };
  return { kind: "operator", operatorJwt, systemAccount, resolver };
}

/** A file named after its content: a renewed certificate changes the configuration, so that its reload can be seen in the server's digest. */
function tlsFile(content: string, ending: string): NodeFile {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, HASH_LENGTH);
  return { path: `${TLS_FOLDER}/${hash}${ending}`, content };
}
