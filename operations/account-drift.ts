/** Looks, over the system account, whether every server has the accounts that were brought to it. */
import { accountDrift, type ExpectedAccount } from "../accounts/drift.ts";
import { natsAccountPort } from "../accounts/nats-port.ts";
import { discoverServers } from "../connection/system-account.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";

/** An account that was brought to the servers. */
export interface PushedAccount extends Omit<ExpectedAccount, "signers"> {
  /** Account name. */
  readonly name: string;
  /** Names of the servers it was brought to. */
  readonly servers: readonly string[];
}

/** How an account is on the servers. */
export interface AccountLook {
  /** Account name. */
  readonly name: string;
  /** Account's public key. */
  readonly publicKey: string;
  /** A sentence for each group of servers that has another version; empty: every server that answers has the right one. */
  readonly drift: readonly string[];
}

interface Trust {
  readonly trusted_operators_claim?: readonly {
    readonly sub: string;
    readonly nats?: { readonly signing_keys?: readonly string[]; readonly strict_signing_key_usage?: boolean };
  }[];
}

/**
 * @param system connection of a user of the system account that may look accounts up
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function lookAtAccounts(system: ConnectionSpec, accounts: readonly PushedAccount[]): Promise<AccountLook[]> {
  const signers = await trustedSigners(system, Math.max(1, ...accounts.map(({ servers }) => servers.length)));
  const port = natsAccountPort(system);
  const looks = accounts.map(async ({ name, servers, ...account }): Promise<AccountLook> => {
    const seen = await port.observe(account.publicKey, servers.length);
    return { name, publicKey: account.publicKey, drift: accountDrift(seen, { ...account, signers }, new Date()) };
  });
  return Promise.all(looks);
}

/** Keys that may sign accounts, as the servers' operator says. */
async function trustedSigners(system: ConnectionSpec, atLeast: number): Promise<string[]> {
  const question = { page: "VARZ", atLeast, timeoutMs: system.timeoutMs ?? DEFAULT_TIMEOUT_MS } as const;
  const answers = [...(await discoverServers<Trust>(system, question)).values()];
  const operators = answers.flatMap(({ data }) => data?.trusted_operators_claim ?? []);
  const keys = operators.flatMap(({ sub, nats }) => [
    ...(nats?.strict_signing_key_usage === true ? [] : [sub]),
    ...(nats?.signing_keys ?? []),
  ]);
  return [...new Set(keys)];
}
