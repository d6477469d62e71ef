import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAccountKeys, createOperator } from "../../accounts/identity.ts";
import type { AccountKeysState, OperatorState } from "../../accounts/model.ts";
import { serverHosts } from "../../components/tls/hosts.ts";
import type { AuthorityState, ServerCertificatesState } from "../../components/tls/model.ts";
import { authority as authorityOperations, servers as serverOperations } from "../../components/tls/operations.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { startCluster, type TestCluster, type TestNode } from "./cluster.ts";

const DAY_MS = 86_400_000;

/** A running cluster in operator mode with TLS on clients and routes. */
export interface OperatorCluster extends AsyncDisposable {
  /** The servers. */
  readonly cluster: TestCluster;
  /** Its operator and system account. */
  readonly operator: OperatorState;
  /** Keys of the application account. Nothing is pushed yet. */
  readonly keys: AccountKeysState;
  /** Its authority. */
  readonly authority: AuthorityState;
  /** Its server certificates. */
  readonly certificates: ServerCertificatesState;
  /** How the provisioner connects to the system account. */
  readonly system: ConnectionSpec;
  /** Names of all servers. */
  readonly servers: readonly string[];
  /** Gives a node other certificates from its next start or reload on. */
  setCertificates(node: string, tls: ClusterTls): void;
}

/** What a server proves itself with, and whom it trusts. */
export interface ClusterTls {
  readonly authority: AuthorityState;
  readonly certificates: ServerCertificatesState;
}

/** Options of {@link startOperatorCluster}. */
export interface OperatorClusterOptions {
  /** Number of servers.
   * @default 3 */
  readonly servers?: number;
  /** Roles of the application account.
   * @default [] */
  readonly roles?: readonly string[];
  /** Roles of the system account.
   * @default [] */
  readonly systemRoles?: readonly string[];
  /** How often a server compares its accounts with the others'; long for tests of servers that lag.
   * @default "15s" */
  readonly resolverInterval?: string;
}

/** Starts real servers with an operator, a system account and certificates of their own; removed on dispose. */
export async function startOperatorCluster(options: OperatorClusterOptions = {}): Promise<OperatorCluster> {
  const operator = createOperator({ name: "test", systemAccount: "SYS", systemRoles: options.systemRoles ?? [] }, new Date());
  const keys = createAccountKeys({ account: "BUS", roles: options.roles ?? [] });
  const authority = authorityOperations.create({ name: "natsbus test", validityMs: 10 * DAY_MS, renewBeforeMs: DAY_MS }).outs;
  const names = Array.from({ length: options.servers ?? 3 }, (_, index) => `n${index + 1}`);
  const nodes = Object.fromEntries(names.map((node) => [node, serverHosts({ node, address: "127.0.0.1", extra: [] })]));
  const certificates = serverOperations.create({ authority, nodes, validityMs: 5 * DAY_MS, renewBeforeMs: DAY_MS }).outs;
  const tls = new Map<string, ClusterTls>();
  const tlsOf = (node: TestNode) => tlsBlock(node, tls.get(node.name) ?? { authority, certificates });
  const configText = (node: TestNode) => `${tlsOf(node)}\n${operatorText(node, operator, options.resolverInterval ?? "15s")}`;
  const cluster = await startCluster({ servers: names.length, configText, clusterText: tlsOf });
  const system = {
    servers: cluster.nodes.map((node) => `tls://127.0.0.1:${node.port}`),
    ca: authority.bundle,
    creds: operator.systemCredentials,
  };
  const setCertificates = (node: string, next: ClusterTls) => void tls.set(node, next);
  const dispose = () => cluster[Symbol.asyncDispose]();
  return { cluster, operator, keys, authority, certificates, system, servers: names, setCertificates, [Symbol.asyncDispose]: dispose };
}

/** A `tls {}` block for one node, with its files written to the node's folder. */
export function tlsBlock(node: TestNode, tls: ClusterTls): string {
  const files = {
    ca_file: tls.authority.bundle,
    cert_file: tls.certificates.certificates[node.name] ?? "",
    key_file: tls.certificates.keys[node.name] ?? "",
  };
  mkdirSync(node.folder, { recursive: true });
  const lines = Object.entries(files).map(([name, text]) => {
    const path = join(node.folder, `${name}.pem`);
    writeFileSync(path, text, { mode: 0o600 });
    return `${name}: "${path}"`;
  });
  return `tls { ${lines.join(", ")} }`;
}

function operatorText(node: TestNode, operator: OperatorState, interval: string): string {
  return `operator: ${operator.token}
system_account: ${operator.systemPublicKey}
resolver { type: full, dir: "${join(node.folder, "resolver")}", allow_delete: true, interval: "${interval}", timeout: "1.9s" }
resolver_preload { ${operator.systemPublicKey}: ${operator.systemToken} }`;
}
