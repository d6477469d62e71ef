import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { inboxPrefix } from "../accounts/roles.ts";
import { connectFailure } from "../connection/failure.ts";
import { userOfCredentials } from "../connection/nonce-signer.ts";
import { transportOptions } from "../connection/options.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { DEFAULT_TIMEOUT_MS } from "../core/connection.ts";

/**
 * Connects as a user of the bus, with the inbox prefix the roles require. The caller closes the connection.
 * @throws BusError ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function connectAsUser(spec: ConnectionSpec): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    name: "natsbus",
    timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxReconnectAttempts: 5,
    // Addresses that servers tell about themselves need not be reachable, nor covered by their certificates.
    ignoreClusterUpdates: true,
    ...inboxOf(spec),
    ...transportOptions(spec),
  };
  try {
    return await connect(options);
  } catch (error) {
    throw connectFailure(spec, error);
  }
}

function inboxOf({ creds }: ConnectionSpec): Pick<ConnectionOptions, "inboxPrefix"> {
  const user = creds === undefined ? undefined : userOfCredentials(creds);
  return user === undefined ? {} : { inboxPrefix: inboxPrefix(user) };
}
