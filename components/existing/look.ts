/** Looks at an existing cluster before anything is made in it: what it is, and whether natsbus may do there what it is asked for. Changes nothing. */
import { natsAccountPort } from "../../accounts/nats-port.ts";
import { openConnection } from "../../connection/pool.ts";
import { discoverServers } from "../../connection/system-account.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../../core/connection.ts";
import { BusError } from "../../core/errors.ts";
import { publicKeyOf } from "../../core/nats-keys.ts";
import { compareVersions } from "../../core/version.ts";
import { openStreamPort } from "../../streams/nats-port.ts";

/** What is seen of the cluster. */
export interface SeenCluster {
  /** Cluster name; empty for a lone server. */
  readonly clusterName: string;
  /** nats-server version, the oldest of those that answered. */
  readonly serverVersion: string;
  /** Names of all servers, sorted; empty without a system account user. */
  readonly servers: readonly string[];
}

/** The part of a server's description that says whose accounts it takes. */
interface Trust {
  readonly version?: string;
  readonly system_account?: string;
  readonly trusted_operators_claim?: readonly { readonly sub?: string; readonly nats?: { readonly signing_keys?: readonly string[] } }[];
}

// A name that no stream has; the answer "no such stream" is proof enough of JetStream and rights.
const NO_STREAM = "NATSBUS_LOOK";

/** Ways into the cluster, as far as they are at hand. */
export interface Ways {
  /** Connection of a user whose account has JetStream; absent: natsbus makes that account. */
  readonly connection?: ConnectionSpec;
  /** Connection of a system account user; absent: only the server that answers is seen. */
  readonly system?: ConnectionSpec;
  /** Seed of the operator's signing key; absent: accounts are left alone. Needs `system`. */
  readonly signingSeed?: string;
}

/**
 * @param expected number of servers that are waited for
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_TIMEOUT or ERR_CONNECT_TLS when the cluster cannot be reached, ERR_CONNECT_CREDENTIALS when it refuses the login or what natsbus needs,
 *   ERR_JETSTREAM_OFF, ERR_EXISTING_SYSTEM; ERR_EXISTING_SERVERS and ERR_EXISTING_OPERATOR where accounts are to be signed
 */
export async function lookAtCluster({ connection, system, signingSeed }: Ways, expected: number): Promise<SeenCluster> {
  if (connection !== undefined) await assertJetStream(connection);
  const servers = system === undefined ? [] : await describe(system, expected);
  if (signingSeed !== undefined && system !== undefined) {
    assertAccountsTaken(servers, signingSeed, expected);
    await assertResolver(system, servers);
  }
  const way = system ?? connection;
  return seenOf(way === undefined ? undefined : (await openConnection(way)).info, servers);
}

/** That the servers are all there, and take what the operator's key signs: they take anything, and anything else would be useless. */
function assertAccountsTaken(servers: readonly Described[], signingSeed: string, expected: number): void {
  assertServers(
    servers.map(({ name }) => name),
    expected,
  );
  for (const server of servers) assertTrusted(server, signingSeed);
}

type Described = Trust & { readonly name: string };

/** Every server's description, by name. */
async function describe(system: ConnectionSpec, expected: number): Promise<Described[]> {
  const question = { page: "VARZ", atLeast: Math.max(1, expected), timeoutMs: system.timeoutMs ?? DEFAULT_TIMEOUT_MS } as const;
  const answers = [...(await discoverServers<Trust>(system, question)).values()];
  if (answers.length === 0) {
    throw new BusError("ERR_EXISTING_SYSTEM", "the login under existing.system is not one of the system account: no server answers it", {
      path: "existing.system",
      remedy: "give credentials of a user of the account that the servers name as system_account",
    });
  }
  return answers.map(({ name, data }) => ({ ...data, name })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function seenOf(info: { readonly cluster?: string; readonly version?: string } | undefined, servers: readonly Described[]): SeenCluster {
  const versions = servers.flatMap(({ version }) => version ?? []).sort(compareVersions);
  return { clusterName: info?.cluster ?? "", serverVersion: versions[0] ?? info?.version ?? "", servers: servers.map(({ name }) => name) };
}

async function assertJetStream(connection: ConnectionSpec): Promise<void> {
  await (await openStreamPort(connection)).readStream(NO_STREAM);
}

/** That accounts can be brought to the servers over NATS: each of them then also tells which it has, its own system account among them. */
async function assertResolver(system: ConnectionSpec, servers: readonly Described[]): Promise<void> {
  const account = servers.flatMap(({ system_account: key }) => key ?? [])[0] ?? "";
  const { tokens } = await natsAccountPort(system).observe(account, servers.length);
  if (tokens.length >= servers.length) return;
  const who = tokens.length === 0 ? "no server" : `only ${tokens.length} of ${servers.length} servers`;
  throw new BusError("ERR_EXISTING_OPERATOR", `${who} takes accounts over NATS`, {
    path: "existing.operator",
    remedy: "give the servers `resolver { type: full }`, or remove existing.operator and give the login of a user that may make streams",
  });
}

function assertServers(servers: readonly string[], expected: number): void {
  if (servers.length >= expected) return;
  throw new BusError("ERR_EXISTING_SERVERS", `${servers.length} of ${expected} servers answer: ${servers.join(", ")}`, {
    path: "cluster.servers",
    remedy: "start the others, or set natsbus:cluster servers to the number there are",
  });
}

function assertTrusted({ name, trusted_operators_claim: operators = [] }: Described, signingSeed: string): void {
  const path = "existing.operator.signingSeed";
  if (operators.length === 0) {
    throw new BusError("ERR_EXISTING_OPERATOR", `${name} has no operator: its accounts stand in its configuration file`, {
      path: "existing.operator",
      remedy: "remove existing.operator and give the login of a user that may make streams",
    });
  }
  const key = publicKeyOf(signingSeed);
  if (operators.some(({ sub, nats }) => sub === key || nats?.signing_keys?.includes(key))) return;
  throw new BusError("ERR_EXISTING_OPERATOR", `${name} trusts another operator: what ${key} signs would be useless there`, {
    path,
    remedy: "give the seed of a signing key that the servers' operator lists",
  });
}
