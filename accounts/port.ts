/** The calls to a cluster that accounts need, and the words for their answers. */

/** What a cluster has stored for an account. Servers do not say which version is whose. */
export interface StoredAccount {
  /** Names of the servers that answer at all. */
  readonly servers: readonly string[];
  /** The token each of them has; `undefined` for one that has none. */
  readonly tokens: readonly (string | undefined)[];
  /** Map keyed by server name: the token it works with, of those that have the account in use; absent: not known. */
  readonly loaded?: Readonly<Record<string, string>>;
}

/** One server's answer to a change. */
export interface ServerAnswer {
  /** Server name. */
  readonly server: string;
  /** Why the server refused, in its words; absent when it did what was asked. */
  readonly refusal?: string;
}

/** A system account connection to a cluster, as far as accounts need it. */
export interface AccountPort {
  /** What every server that answers has stored for an account. Waits for `servers` answers, or until the time is up. */
  observe(publicKey: string, servers: number): Promise<StoredAccount>;
  /** Sends an account's token to all servers. */
  push(token: string, servers: number): Promise<readonly ServerAnswer[]>;
  /** Removes accounts from all servers. `request` is a deletion signed by the operator. */
  remove(request: string, servers: number): Promise<readonly ServerAnswer[]>;
  /** Number of streams an account has; `undefined` when fewer than `servers` answer, so that nobody knows. */
  countStreams(publicKey: string, servers: number): Promise<number | undefined>;
}
