/** What the client library needs to know of a {@link ConnectionSpec}: addresses, TLS, login and inboxes. Pure. */
import type { Authenticator, ConnectionOptions, TlsOptions } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../core/connection.ts";
import { parseCredentials, parseUserSeed } from "./nonce-signer.ts";

/** The part of the client's options that a connection's own settings decide. */
export type TransportOptions = Pick<ConnectionOptions, "servers" | "tls" | "authenticator" | "inboxPrefix">;

const USER_INFO = /\/\/([^@/]*)@/;

/**
 * Addresses, TLS, login and inboxes for the client library.
 * @throws ERR_CONNECT_CREDENTIALS when `creds` or `nkeySeed` cannot be read
 */
export function transportOptions(spec: ConnectionSpec): TransportOptions {
  const authenticator = authenticatorOf(spec);
  return {
    servers: spec.servers.map((server) => server.replace(USER_INFO, "//")),
    ...(requiresTls(spec) ? { tls: tlsOf(spec) } : {}),
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(spec.inboxPrefix === undefined ? {} : { inboxPrefix: spec.inboxPrefix }),
  };
}

/**
 * The same connection over the loopback end of a port-forward. Encryption and the name that certificates must cover stay those of the first server.
 * @param port loopback port
 */
export function forwardedSpec({ forward: _forward, ...spec }: ConnectionSpec, port: number): ConnectionSpec {
  const [first = "nats://localhost"] = spec.servers;
  const { protocol, hostname } = new URL(first);
  const login = USER_INFO.exec(first)?.[0] ?? "//";
  const servers = [`${protocol}${login}127.0.0.1:${port}`];
  return { ...spec, servers, ...(requiresTls(spec) ? { serverName: spec.serverName ?? hostname } : {}) };
}

/** The client library ignores the scheme and would speak plain text to a server without TLS, credentials and all. */
function requiresTls(spec: ConnectionSpec): boolean {
  const asked = [spec.ca, spec.certificate, spec.serverName].some((setting) => setting !== undefined) || spec.tlsFirst === true;
  return asked || spec.servers.some((server) => server.startsWith("tls://"));
}

/** The library hands what it does not know, as `servername`, on to Node. */
function tlsOf({ ca, certificate, key, serverName, tlsFirst }: ConnectionSpec): TlsOptions & { readonly servername?: string } {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(tlsFirst === true ? { handshakeFirst: true } : {}),
  };
}

function authenticatorOf(spec: ConnectionSpec): Authenticator | undefined {
  if (spec.creds !== undefined) {
    const login = parseCredentials(spec.creds);
    return (nonce) => ({ jwt: login.jwt, nkey: "", sig: nonce === undefined ? "" : login.sign(nonce) });
  }
  if (spec.nkeySeed !== undefined) {
    const { publicKey, sign } = parseUserSeed(spec.nkeySeed.trim(), "connection.nkeySeed");
    return (nonce) => ({ nkey: publicKey, sig: nonce === undefined ? "" : sign(nonce) });
  }
  const { token } = spec;
  if (token !== undefined) return () => ({ auth_token: token });
  const login = userOf(spec);
  return login === undefined ? undefined : () => login;
}

/** User and password as given, else of the first URL that has them; the client library does not look for them there. */
function userOf(spec: ConnectionSpec): { readonly user: string; readonly pass: string } | undefined {
  if (spec.user !== undefined) return { user: spec.user, pass: spec.password ?? "" };
  const found = spec.servers.map((server) => USER_INFO.exec(server)?.[1]).find((text) => text !== undefined);
  if (found === undefined) return undefined;
  const [user = "", pass = ""] = found.split(":").map(decodeURIComponent);
  return { user, pass };
}
