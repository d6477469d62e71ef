/** Turns what the client library throws while connecting into one {@link BusError} a person can act on. */
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError, type ErrorCode, isBusError } from "../core/errors.ts";

interface Cause {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
}

const REFUSED: Cause = {
  code: "ERR_CONNECT_REFUSED",
  what: "no server answered",
  remedy: 'start the servers ("npm run up") or correct connection.servers',
};
const CREDENTIALS: Cause = {
  code: "ERR_CONNECT_CREDENTIALS",
  what: "the server refused the credentials",
  remedy: "use credentials of an account this cluster knows, not expired and not revoked",
};
const CERTIFICATE: Cause = {
  code: "ERR_CONNECT_TLS",
  what: "the TLS handshake failed",
  remedy: "pass the certificate authority that signed the server's certificate as connection.ca, and a server name the certificate covers",
};
const TIMEOUT: Cause = {
  code: "ERR_CONNECT_TIMEOUT",
  what: "no answer in time",
  remedy: "check that the servers run and are reachable, or raise connection.timeoutMs",
};

const AUTHENTICATION = new Set(["AuthorizationError", "UserAuthenticationExpiredError"]);
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH|INVALID_CA|ERR_OSSL)/;
const TLS_TEXT = /\btls\b|certificate|ssl routines|secure connection/i;

/** The reason of a failed connection attempt: `ERR_CONNECT_REFUSED`, `ERR_CONNECT_CREDENTIALS`, `ERR_CONNECT_TLS` or `ERR_CONNECT_TIMEOUT`, never with a secret in it. */
export function connectFailure(spec: ConnectionSpec, error: unknown): BusError {
  if (isBusError(error)) return error;
  const chain = causes(error);
  const cause = classify(chain);
  const detail = chain.map((link) => codeOf(link) ?? link.message).find((text) => text !== "" && text.length < 200) ?? "";
  const servers = spec.servers.map(withoutUserInfo).join(", ");
  return new BusError(cause.code, `cannot connect to ${servers}: ${cause.what}${detail === "" ? "" : ` (${detail})`}`, {
    path: "connection",
    remedy: cause.remedy + ownCertificateHint(spec, cause),
    cause: error,
  });
}

function classify(chain: readonly Error[]): Cause {
  if (chain.some((link) => AUTHENTICATION.has(link.name) || /authorization violation|authentication expired/i.test(link.message)))
    return CREDENTIALS;
  if (chain.some((link) => TLS_CODE.test(codeOf(link) ?? "") || TLS_TEXT.test(link.message))) return CERTIFICATE;
  if (chain.some((link) => link.name === "TimeoutError" || codeOf(link) === "ETIMEDOUT" || /timeout/i.test(link.message))) return TIMEOUT;
  return REFUSED;
}

/** A server that misses a client's certificate ends the connection after the handshake, and the client library only waits. */
function ownCertificateHint(spec: ConnectionSpec, cause: Cause): string {
  const isPossible =
    cause === TIMEOUT &&
    spec.certificate === undefined &&
    (spec.ca !== undefined || spec.servers.some((server) => server.startsWith("tls://")));
  return isPossible ? "; servers that ask clients for a certificate need connection.certificate and connection.key" : "";
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && chain.length < 10; link = link.cause) chain.push(link);
  return chain;
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Server URLs may carry a user and a password; errors must not. */
function withoutUserInfo(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}
