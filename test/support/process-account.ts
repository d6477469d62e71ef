import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { accountClaims, userClaims } from "../../accounts/claims.ts";
import { renderCredentials } from "../../accounts/credentials.ts";
import { createAccountKeys } from "../../accounts/identity.ts";
import { UNLIMITED, UNLIMITED_JETSTREAM } from "../../accounts/limits.ts";
import { resolvePermissions } from "../../accounts/roles.ts";
import { renderToken } from "../../accounts/token.ts";
import { createKey } from "../../core/nats-keys.ts";

/** A cluster as far as accounts and connections need to know it. */
export interface AccountCluster {
  /** Credentials of the system account. */
  readonly systemCredentials: string;
  /** Seed that signs accounts. */
  readonly operatorSeed: string;
  /** Where its servers are, and whom to trust. */
  readonly inputs: { readonly nodes: readonly { readonly clientUrl: string }[]; readonly authority: string };
}

/** An account with JetStream and one user who may do everything in it. */
export interface TestAccount {
  /** Credentials of the user. */
  readonly credentials: string;
  /** Account JWT, to be pushed. */
  readonly token: string;
}

/** Makes an account of the cluster's operator; {@link pushAccount} brings it to the servers. */
export function createTestAccount(cluster: AccountCluster): TestAccount {
  const issuedAt = Math.floor(Date.now() / 1000);
  const keys = createAccountKeys({ account: "TEST", roles: ["all"] });
  const role = { role: "all", publicKey: keys.roleKeys["all"] ?? "", permissions: resolvePermissions({ everything: true }) };
  const limits = { ...UNLIMITED, jetstream: UNLIMITED_JETSTREAM };
  const body = { name: "TEST", publicKey: keys.publicKey, limits, roles: [role], revocations: {} };
  const user = createKey("user");
  const claims = userClaims({ name: "tester", publicKey: user.publicKey, account: keys.publicKey, iat: issuedAt });
  return {
    credentials: renderCredentials(renderToken(claims, keys.roleSeeds["all"] ?? ""), user.seed),
    token: renderToken(accountClaims(body, issuedAt), cluster.operatorSeed),
  };
}

/** Brings an account to every server. */
export async function pushAccount(cluster: AccountCluster, account: TestAccount): Promise<void> {
  const system = await connectAs(cluster, cluster.systemCredentials);
  const options = { strategy: "count", maxMessages: cluster.inputs.nodes.length, maxWait: 5_000 } as const;
  for await (const answer of await system.requestMany("$SYS.REQ.CLAIMS.UPDATE", account.token, options)) {
    const { error } = answer.json<{ error?: { description: string } }>();
    if (error !== undefined) throw new Error(error.description);
  }
  await system.close();
}

/** Connects to any server of the cluster with these credentials. */
export function connectAs(cluster: AccountCluster, credentials: string): Promise<NatsConnection> {
  return connect({
    servers: cluster.inputs.nodes.map((node) => node.clientUrl.replace("tls://", "nats://")),
    tls: { ca: cluster.inputs.authority },
    authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitterTLS: 50,
  });
}
