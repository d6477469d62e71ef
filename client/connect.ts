/** One connection of an application: its user's inbox prefix, and reconnecting for as long as it takes. */
import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { connectFailure } from "../connection/failure.ts";
import { type Login, parseCredentials } from "../connection/nonce-signer.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { reconnectDelay } from "./back-off.ts";

/**
 * Connects as a user of the bus, on a connection of its own. A lost connection is made again until the client is closed.
 * @param name shown by the servers in reports about their connections
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function connectClient(spec: ConnectionSpec, name: string): Promise<NatsConnection> {
  const login = spec.creds === undefined ? undefined : parseCredentials(spec.creds);
  let losses = 0;
  const options: ConnectionOptions = {
    name,
    servers: [...spec.servers],
    timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // Addresses that servers tell about themselves need not be reachable, nor covered by their certificates.
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => reconnectDelay(losses++),
    // A trace a request costs a tenth of the time of publishing.
    noAsyncTraces: true,
    ...(spec.ca !== undefined || spec.servers.some((server) => server.startsWith("tls://")) ? { tls: tlsOf(spec) } : {}),
    ...(login === undefined ? {} : loginOptions(login)),
  };
  try {
    const connection = await connect(options);
    void (async () => {
      for await (const { type } of connection.status()) if (type === "reconnect") losses = 0;
    })();
    return connection;
  } catch (error) {
    throw connectFailure(spec, error);
  }
}

function tlsOf({ ca }: ConnectionSpec): { readonly ca?: string } {
  return ca === undefined ? {} : { ca };
}

/** Nobody may listen on another user's answers, so the answers go below the user's own prefix. */
function loginOptions(login: Login): Pick<ConnectionOptions, "authenticator" | "inboxPrefix"> {
  const user = nameOf(login);
  return {
    authenticator: (nonce) => ({ jwt: login.jwt, nkey: "", sig: nonce === undefined ? "" : login.sign(nonce) }),
    ...(user === undefined ? {} : { inboxPrefix: `_INBOX_${user}` }),
  };
}

function nameOf({ jwt }: Login): string | undefined {
  const [, claims = ""] = jwt.split(".");
  try {
    const { name } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as { readonly name?: unknown };
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined;
  }
}
