/** One connection a distinct identity and process, shared by every resource that reaches the same bus. */
import { createHash } from "node:crypto";
import { type Authenticator, type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { connectFailure } from "./failure.ts";
import { parseCredentials } from "./nonce-signer.ts";

const RECONNECT = { maxReconnectAttempts: 20, reconnectTimeWait: 100, reconnectJitter: 50, reconnectJitterTLS: 100 };

const USER_INFO = /\/\/([^@/]*)@/;

const pool = new Map<string, Promise<NatsConnection>>();

/**
 * The connection of this identity: the open one of this process, else a new one. A closed connection is replaced, a lost one reconnects by itself.
 * `timeoutMs`, `domain` and `apiPrefix` belong to requests and do not make another connection.
 * @throws ERR_CONNECT_REFUSED when no server answers, ERR_CONNECT_CREDENTIALS when the credentials are refused or no credentials,
 *   ERR_CONNECT_TLS when the handshake fails, ERR_CONNECT_TIMEOUT when nothing happens in time
 */
export async function openConnection(spec: ConnectionSpec): Promise<NatsConnection> {
  const key = identityOf(spec);
  const pooled = pool.get(key);
  if (pooled !== undefined) {
    const connection = await pooled;
    if (!connection.isClosed()) return connection;
    forget(key, pooled);
  }
  return pool.get(key) ?? dial(key, spec);
}

/** Closes every pooled connection; a later {@link openConnection} dials again. Connections that cannot be closed any more are forgotten. */
export async function closeConnections(): Promise<void> {
  const open = [...pool.values()];
  pool.clear();
  await Promise.all(open.map((connecting) => connecting.then((connection) => connection.close()).catch(() => undefined)));
}

function dial(key: string, spec: ConnectionSpec): Promise<NatsConnection> {
  const connecting = attempt(spec);
  pool.set(key, connecting);
  connecting.then(
    (connection) => void connection.closed().then(() => forget(key, connecting)),
    () => forget(key, connecting),
  );
  return connecting;
}

function forget(key: string, connecting: Promise<NatsConnection>): void {
  if (pool.get(key) === connecting) pool.delete(key);
}

async function attempt(spec: ConnectionSpec): Promise<NatsConnection> {
  try {
    return await connect(optionsOf(spec));
  } catch (error) {
    throw connectFailure(spec, error);
  }
}

function optionsOf(spec: ConnectionSpec): ConnectionOptions {
  return {
    name: "natsbus",
    servers: spec.servers.map((server) => server.replace(USER_INFO, "//")),
    timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // Addresses that servers tell about themselves need not be reachable, nor covered by their certificates.
    ignoreClusterUpdates: true,
    ...RECONNECT,
    ...(requiresTls(spec) ? { tls: spec.ca === undefined ? {} : { ca: spec.ca } } : {}),
    ...userOf(spec),
    ...(spec.creds === undefined ? {} : { authenticator: authenticatorOf(spec.creds) }),
  };
}

/** User and password of the first URL that has them; the client library does not look for them there. */
function userOf(spec: ConnectionSpec): Pick<ConnectionOptions, "user" | "pass"> {
  const found = spec.servers.map((server) => USER_INFO.exec(server)?.[1]).find((text) => text !== undefined);
  if (found === undefined) return {};
  const [user = "", pass = ""] = found.split(":").map(decodeURIComponent);
  return { user, pass };
}

/** The client library ignores the scheme and would speak plain text to a server without TLS, credentials and all. */
function requiresTls(spec: ConnectionSpec): boolean {
  return spec.ca !== undefined || spec.servers.some((server) => server.startsWith("tls://"));
}

function authenticatorOf(creds: string): Authenticator {
  const login = parseCredentials(creds);
  return (nonce) => ({ jwt: login.jwt, nkey: "", sig: nonce === undefined ? "" : login.sign(nonce) });
}

/** A digest, so that the pool's keys hold no secret. */
function identityOf(spec: ConnectionSpec): string {
  return createHash("sha256")
    .update(JSON.stringify([spec.servers, spec.ca, spec.creds]))
    .digest("hex");
}
