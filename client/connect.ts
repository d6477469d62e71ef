/** One connection of an application: its user's inbox prefix, and reconnecting for as long as it takes. */
import type { JetStreamOptions } from "@nats-io/jetstream";
import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { connectFailure } from "../connection/failure.ts";
import { userOfCredentials } from "../connection/nonce-signer.ts";
import { transportOptions } from "../connection/options.ts";
import { type ConnectionSpec, connectionProblems, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { assertNoProblems, BusError } from "../core/errors.ts";
import { reconnectDelay } from "./back-off.ts";

/** A connection, and below which prefix its user may listen for answers. */
export interface ClientConnection {
  readonly connection: NatsConnection;
  /** @default - the library's own, `_INBOX` */
  readonly inboxPrefix?: string;
  /** Where the JetStream API is. */
  readonly api: JetStreamOptions;
}

/**
 * Connects as a user of the bus, on a connection of its own. A lost connection is made again until the client is closed.
 * @param name shown by the servers in reports about their connections
 * @throws ERR_CONFIG or the code of the one thing that is wrong with `spec`, ERR_CLIENT_OPTION for a port-forward, ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function connectClient(spec: ConnectionSpec, name: string): Promise<ClientConnection> {
  assertReachable(spec);
  let losses = 0;
  const inbox = inboxOf(spec);
  const options: ConnectionOptions = {
    name,
    timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // Addresses that servers tell about themselves need not be reachable, nor covered by their certificates.
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => reconnectDelay(losses++),
    // A trace a request costs a tenth of the time of publishing.
    noAsyncTraces: true,
    ...transportOptions(spec),
    ...inbox,
  };
  try {
    const connection = await connect(options);
    void (async () => {
      for await (const { type } of connection.status()) if (type === "reconnect") losses = 0;
    })();
    return { connection, ...inbox, api: apiOf(spec) };
  } catch (error) {
    throw connectFailure(spec, error);
  }
}

function assertReachable(spec: ConnectionSpec): void {
  assertNoProblems(connectionProblems(spec));
  if (spec.forward === undefined) return;
  throw new BusError("ERR_CLIENT_OPTION", "connection.forward: a client does not open port-forwards", {
    path: "connection.forward",
    remedy: "give addresses the application can reach, or the loopback end of a forward with `serverName`",
  });
}

/** Nobody may listen on another user's answers, so the answers go below the user's own prefix. */
function inboxOf({ creds, inboxPrefix }: ConnectionSpec): Pick<ClientConnection, "inboxPrefix"> {
  if (inboxPrefix !== undefined) return { inboxPrefix };
  const user = creds === undefined ? undefined : userOfCredentials(creds);
  return user === undefined ? {} : { inboxPrefix: `_INBOX_${user}` };
}

function apiOf({ domain, apiPrefix }: ConnectionSpec): JetStreamOptions {
  return { ...(domain === undefined ? {} : { domain }), ...(apiPrefix === undefined ? {} : { apiPrefix }) };
}
