/** One node of a cluster: its server's configuration and the files in its folder. Pure. */
import { createHash } from "node:crypto";
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import { planServerConfig } from "../../core/server-plan.ts";
import type { NodeSpec } from "../../core/topology.ts";
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
    const own = inputs.certificates[node.name] ?? { certificate: "", key: "" };
    const certificate = tlsFile(own.certificate, ".pem");
    const key = tlsFile(own.key, ".key");
    const authority = tlsFile(inputs.authority, "-ca.pem");
    const tls = { certFile: certificate.path, keyFile: key.path, caFile: authority.path };
    const files = { clientTls: tls, routeTls: tls, storeDirectory: STORE_FOLDER, logFile: LOG_FILE };
    const spec = planServerConfig({ spec: inputs.settings, node, nodes: inputs.nodes, files, identity: resolveIdentity(inputs.identity) });
    return { node, spec, text: renderServerConfig(spec), tlsFiles: [certificate, key, authority], authorityFile: authority.path };
  });
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
