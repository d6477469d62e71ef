/** Credentials of a set of users, issued, kept, renewed and revoked by comparing with the set before. */

import { isDeepStrictEqual } from "node:util";
import { createKey } from "../core/nats-keys.ts";
import { nextValidity, type Validity } from "../core/validity.ts";
import { userClaims } from "./claims.ts";
import { renderCredentials } from "./credentials.ts";
import type { UsersInputs, UsersState } from "./model.ts";
import { renderToken } from "./token.ts";

/** The validity of every user: kept where it holds, begun anew where a user is new or within its renewal window. */
export function planUsers(inputs: UsersInputs, before: Readonly<Record<string, Validity>>, now: Date): Record<string, Validity> {
  const entries = Object.entries(inputs.users).map(([name, user]) => [name, nextValidity(before[name], user, now)] as const);
  return Object.fromEntries(entries);
}

/**
 * Credentials for every user. A user about which nothing changed keeps them as they are. One that left, moved to another role or account, or had longer-lived
 * credentials than now, is listed as revoked: servers would take the old ones further on. Credentials renewed because they end are not revoked, so that
 * clients have the renewal window to pick up the new ones.
 */
export function issueUsers(before: UsersState | undefined, inputs: UsersInputs, now: Date): UsersState {
  const wanted: WantedUsers = { ...inputs, validity: inputs.validity ?? planUsers(inputs, before?.validity ?? {}, now) };
  const issued = Object.keys(wanted.users).map((name) => [name, keep(before, wanted, name) ?? issue(wanted, name)] as const);
  return {
    ...wanted,
    credentials: Object.fromEntries(issued.map(([name, user]) => [name, user.credentials])),
    publicKeys: Object.fromEntries(issued.map(([name, user]) => [name, user.publicKey])),
    revoked: before === undefined ? {} : revokeLost(before, wanted, now),
  };
}

type WantedUsers = UsersInputs & { readonly validity: Readonly<Record<string, Validity>> };

interface IssuedUser {
  readonly publicKey: string;
  readonly credentials: string;
}

function keep(before: UsersState | undefined, wanted: WantedUsers, name: string): IssuedUser | undefined {
  const credentials = before?.credentials[name];
  const publicKey = before?.publicKeys[name];
  if (before === undefined || credentials === undefined || publicKey === undefined) return undefined;
  const same = origin(before, name) === origin(wanted, name) && sameTimes(before.validity[name], wanted.validity[name]);
  if (!isDeepStrictEqual(before.users[name]?.tags, wanted.users[name]?.tags)) return undefined;
  return same ? { publicKey, credentials } : undefined;
}

/** Who vouches for a user, as one text for comparison. */
function origin(set: UsersInputs, name: string): string {
  const issuer = issuerOf(set, name);
  return `${issuer.account} ${issuer.seed}`;
}

function sameTimes(a: Validity | undefined, b: Validity | undefined): boolean {
  return a?.issuedAt === b?.issuedAt && a?.expiresAt === b?.expiresAt;
}

function issue(wanted: WantedUsers, name: string): IssuedUser {
  const { account, seed } = issuerOf(wanted, name);
  const { issuedAt = "", expiresAt } = wanted.validity[name] ?? {};
  const key = createKey("user");
  const dates = { iat: unixSeconds(issuedAt), ...(expiresAt === undefined ? {} : { exp: unixSeconds(expiresAt) }) };
  const { tags } = wanted.users[name] ?? {};
  const claims = userClaims({ name, publicKey: key.publicKey, account, ...dates, ...(tags === undefined ? {} : { tags }) });
  const token = renderToken(claims, seed);
  return { publicKey: key.publicKey, credentials: renderCredentials(token, key.seed) };
}

function issuerOf(set: UsersInputs, name: string): { account: string; seed: string } {
  const user = set.users[name];
  const account = set.accounts[user?.account ?? ""];
  return { account: account?.publicKey ?? "", seed: account?.roleSeeds[user?.role ?? ""] ?? "" };
}

function revokeLost(before: UsersState, wanted: WantedUsers, now: Date): UsersState["revoked"] {
  const lost = Object.entries(before.publicKeys).filter(([name]) => isLost(before, wanted, name));
  const revoked: Record<string, Record<string, number>> = structuredClone(before.revoked) as Record<string, Record<string, number>>;
  for (const [name, publicKey] of lost) {
    const account = before.users[name]?.account ?? "";
    revoked[account] = { ...revoked[account], [publicKey]: Math.floor(now.getTime() / 1000) };
  }
  return revoked;
}

function isLost(before: UsersState, wanted: WantedUsers, name: string): boolean {
  if (wanted.users[name] === undefined || origin(before, name) !== origin(wanted, name)) return true;
  if (!isDeepStrictEqual(before.users[name]?.tags, wanted.users[name]?.tags)) return true;
  const [was, will] = [before.validity[name], wanted.validity[name]];
  return !sameTimes(was, will) && endOf(was) > endOf(will);
}

function endOf(validity: Validity | undefined): number {
  return validity?.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(validity.expiresAt);
}

function unixSeconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
