/** How what the servers have of an account differs from what was brought to them, server by server, in words. Pure. */

import { normaliseClaims } from "./claims.ts";
import type { StoredAccount } from "./port.ts";
import { type Json, parseToken, renderSorted, type SignedClaims } from "./token.ts";

/** What the servers should have. */
export interface ExpectedAccount {
  /** Account's public key. */
  readonly publicKey: string;
  /** Public keys of the operator that may sign it. */
  readonly signers: readonly string[];
  /** Unix second of the version that was brought to them. */
  readonly issuedAt: number;
  /** What that version says, in normal form. */
  readonly inForce: { readonly [key: string]: Json };
}

/** Some servers, and the version they have. */
interface Holding {
  readonly who: string;
  readonly token: string | undefined;
}

/**
 * One sentence for each version that is not the expected one: servers that lag, and versions that are foreign, self-signed, expired or unreadable, all of which servers accept.
 * Servers that do not answer are left out.
 */
export function accountDrift(seen: StoredAccount, expected: ExpectedAccount, now: Date): string[] {
  const issuedAt = Math.max(expected.issuedAt, ...seen.tokens.map((token) => usableSince(token, expected)));
  const faults = holdings(seen).flatMap(({ who, token }) => {
    const fault = faultOf(token, { ...expected, issuedAt }, now);
    return fault === undefined ? [] : [{ who, fault }];
  });
  // Whoever stores a version that is of no use is told of it once, not of what it works with meanwhile.
  const [widest] = faults;
  const isAll = widest?.who === [...seen.servers].sort().join(", ");
  return (isAll ? [widest] : faults).map(({ who, fault }) => `${who}: ${fault}`);
}

/** Who has which version. Servers tell what they store without their name, and with it only what they work with; where versions differ, the rest is found by taking away. */
function holdings({ servers, tokens, loaded = {} }: StoredAccount): Holding[] {
  const names = [...servers].sort();
  const [first] = tokens;
  const isSame = tokens.length >= servers.length && tokens.every((token) => token === first);
  const working = names.flatMap((server): Holding[] => (loaded[server] === undefined ? [] : [{ who: server, token: loaded[server] }]));
  // A server stores what others told it, and goes on with what it has when that is of no use.
  if (isSame) return join([{ who: names.join(", "), token: first }, ...working.filter(({ token }) => token !== first)]);
  const rest = [...tokens];
  for (const { token } of working) if (rest.includes(token)) rest.splice(rest.indexOf(token), 1);
  const unnamed = names.filter((server) => loaded[server] === undefined);
  const left = [...new Set(rest)].map((token) => ({
    who: nameSome(unnamed.length === 0 ? names : unnamed, rest.filter((one) => one === token).length),
    token,
  }));
  return join([...working, ...left]);
}

function nameSome(candidates: readonly string[], count: number): string {
  return count >= candidates.length ? candidates.join(", ") : `${count} of ${candidates.join(", ")}`;
}

/** Servers with the same version in one line. */
function join(found: readonly Holding[]): Holding[] {
  const versions = [...new Set(found.map(({ token }) => token))];
  return versions.map((token) => ({ token, who: found.flatMap((one) => (one.token === token ? [one.who] : [])).join(", ") }));
}

function faultOf(token: string | undefined, expected: ExpectedAccount, now: Date): string | undefined {
  if (token === undefined) return "does not have it";
  const claims = read(token);
  if (claims === undefined) return "has a version that cannot be read";
  const version = `a version of ${timeOf(claims.iat)}`;
  if (claims.iss === expected.publicKey) return `has ${version} signed by the account itself, which nobody can use`;
  if (!expected.signers.includes(claims.iss)) return `has ${version} signed by ${claims.iss}, which is no key of the operator`;
  if (claims.exp !== undefined && claims.exp * 1000 <= now.getTime()) return `has ${version} that ended on ${timeOf(claims.exp)}`;
  if (claims.iat < expected.issuedAt) return `lags: has ${version}, in force is the one of ${timeOf(expected.issuedAt)}`;
  const other = differing(normaliseClaims(claims), expected.inForce);
  return other.length === 0 ? undefined : `has ${version} that somebody else pushed: ${other.join(", ")} differ`;
}

/** Time of issue of a version that the operator signed; servers that have an older one lag, whoever pushed it. */
function usableSince(token: string | undefined, { signers }: ExpectedAccount): number {
  const claims = token === undefined ? undefined : read(token);
  return claims === undefined || !signers.includes(claims.iss) ? 0 : claims.iat;
}

function read(token: string): SignedClaims | undefined {
  try {
    return parseToken(token);
  } catch {
    return undefined;
  }
}

/** Names of what two claims say differently. */
function differing(a: { readonly [key: string]: Json }, b: { readonly [key: string]: Json }): string[] {
  const [one, other] = [flat(a), flat(b)];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return keys.filter((key) => renderSorted(one[key]) !== renderSorted(other[key]));
}

function flat({ nats, ...rest }: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  return {
    ...rest,
    ...(typeof nats === "object" && nats !== null && !Array.isArray(nats) ? (nats as { readonly [key: string]: Json }) : {}),
  };
}

function timeOf(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace(".000", "");
}
