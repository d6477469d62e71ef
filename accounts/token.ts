import { createHash } from "node:crypto";
import { BusError } from "../core/errors.ts";
import { renderBase32 } from "../core/nats-key-text.ts";
import { isSignedBy, publicKeyOf, signWithSeed } from "../core/nats-keys.ts";

/** A value as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The claims of an operator, account or user token. Times are whole Unix seconds. */
export interface Claims {
  /** Public key the token speaks of. */
  readonly sub: string;
  /** Display name. */
  readonly name: string;
  /** Time of issue; the larger one of two account tokens wins on the servers. */
  readonly iat: number;
  /** Time from which on the token is no longer valid.
   * @default - for ever */
  readonly exp?: number;
  /** What NATS reads: limits, keys, permissions, `type` and `version`. */
  readonly nats: { readonly [key: string]: Json };
}

/** Claims together with who signed them. */
export interface SignedClaims extends Claims {
  /** Public key of the signer. */
  readonly iss: string;
}

const HEADER = encode({ typ: "JWT", alg: "ed25519-nkey" });

/**
 * Renders claims as a signed token. The same claims, time and seed give the same text.
 * @throws ERR_KEY when `seed` is no seed
 */
export function renderToken(claims: Claims, seed: string): string {
  const body = { ...claims, iss: publicKeyOf(seed) };
  const jti = renderBase32(createHash("sha512-256").update(renderSorted(body)).digest());
  const signed = `${HEADER}.${encode({ ...body, jti })}`;
  return `${signed}.${signWithSeed(seed, Buffer.from(signed)).toString("base64url")}`;
}

/**
 * Reads a token and checks its signature against the signer it names. Whether that signer is trusted is the caller's question.
 * @throws ERR_TOKEN when the text is no token or its signature is wrong; the text itself is never repeated
 */
export function parseToken(token: string): SignedClaims {
  const [header, body, signature, ...others] = token.trim().split(".");
  const claims = body === undefined ? undefined : decode(body);
  if (others.length > 0 || header === undefined || signature === undefined || !isClaims(claims)) {
    throw new BusError("ERR_TOKEN", "a text given as a NATS token cannot be read as one", {
      remedy: "give the whole token: three parts joined by dots",
    });
  }
  if (!isSignedBy(claims.iss, Buffer.from(`${header}.${body}`), Buffer.from(signature, "base64url"))) {
    throw new BusError("ERR_TOKEN", `the token of ${claims.sub} is not signed by the key it names`, { remedy: "issue the token again" });
  }
  return claims;
}

/** JSON with the keys of every object in alphabetical order, so that equal values give equal text. */
export function renderSorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function encode(value: unknown): string {
  return Buffer.from(renderSorted(value)).toString("base64url");
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString());
  } catch {
    return undefined;
  }
}

function isClaims(value: unknown): value is SignedClaims {
  const claims = value as Partial<SignedClaims> | null | undefined;
  return (
    typeof claims === "object" &&
    typeof claims?.iss === "string" &&
    typeof claims.sub === "string" &&
    typeof claims.iat === "number" &&
    typeof claims.nats === "object"
  );
}
