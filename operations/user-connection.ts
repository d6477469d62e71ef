import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { inboxPrefix } from "../accounts/roles.ts";
import { connectFailure } from "../connection/failure.ts";
import { type Login, parseCredentials } from "../connection/nonce-signer.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { DEFAULT_TIMEOUT_MS } from "../core/connection.ts";

/** Name of the user that a credentials file belongs to; "" when its token does not say. */
function userOf(login: Login): string {
  const [, claims = ""] = login.jwt.split(".");
  const parsed: unknown = JSON.parse(Buffer.from(claims, "base64url").toString("utf8"));
  return typeof parsed === "object" && parsed !== null && "name" in parsed && typeof parsed.name === "string" ? parsed.name : "";
}

/**
 * Connects as a user of the bus, with the inbox prefix the roles require. The caller closes the connection.
 * @throws BusError ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function connectAsUser(spec: ConnectionSpec): Promise<NatsConnection> {
  const login = spec.creds === undefined ? undefined : parseCredentials(spec.creds);
  const options: ConnectionOptions = {
    name: "natsbus",
    servers: [...spec.servers],
    timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxReconnectAttempts: 5,
    ...(spec.ca === undefined ? {} : { tls: { ca: spec.ca } }),
    ...(login === undefined ? {} : loginOptions(login)),
  };
  try {
    return await connect(options);
  } catch (error) {
    throw connectFailure(spec, error);
  }
}

function loginOptions(login: Login): Pick<ConnectionOptions, "authenticator" | "inboxPrefix"> {
  const user = userOf(login);
  return {
    authenticator: (nonce) => ({ jwt: login.jwt, nkey: "", sig: nonce === undefined ? "" : login.sign(nonce) }),
    ...(user === "" ? {} : { inboxPrefix: inboxPrefix(user) }),
  };
}
