/** Credentials of a set of users, issued, kept, renewed and revoked by comparing with the set before. */

import { isDeepStrictEqual } from "node:util";
import { createKey, publicKeyOf } from "../core/nats-keys.ts";
import { nextValidity, type Validity } from "../core/validity.ts";
import { userClaims } from "./claims.ts";
import { renderCredentials } from "./credentials.ts";
import type { RetiringUser, UsersInputs, UsersState } from "./model.ts";
import { nextPhases, type RotationPhase } from "./rotation.ts";
import { renderToken } from "./token.ts";

/** The validity of every user: kept where it holds, begun anew where a user is new or within its renewal window. */
export function planUsers(inputs: UsersInputs, before: Readonly<Record<string, Validity>>, now: Date): Record<string, Validity> {
  const entries = Object.entries(inputs.users).map(([name, user]) => [name, nextValidity(before[name], user, now)] as const);
  return Object.fromEntries(entries);
}

/** The rotation of every user. */
export function planUserPhases(inputs: UsersInputs, olds: Partial<UsersInputs>, now: Date): Record<string, RotationPhase> {
  const want = { generations: inputs.generations ?? {}, isNew: (name: string) => olds.users?.[name] === undefined };
  return nextPhases(Object.keys(inputs.users), want, olds.phases ?? {}, now);
}

/**
 * Credentials for every user. A user about which nothing changed keeps them as they are. One that left, moved to another role or account, or had longer-lived
 * credentials than now, is listed as revoked: servers would take the old ones further on. Credentials renewed because they end are not revoked, so that
 * clients have the renewal window to pick up the new ones; rotated ones are revoked by the run after.
 */
export function issueUsers(before: UsersState | undefined, inputs: UsersInputs, now: Date): UsersState {
  const wanted: WantedUsers = {
    ...inputs,
    validity: inputs.validity ?? planUsers(inputs, before?.validity ?? {}, now),
    phases: inputs.phases ?? planUserPhases(inputs, before ?? {}, now),
  };
  const issued = Object.keys(wanted.users).map((name) => [name, keep(before, wanted, name) ?? issue(wanted, name)] as const);
  const retiring = before === undefined ? {} : retire(before, wanted);
  return {
    ...wanted,
    credentials: Object.fromEntries(issued.map(([name, user]) => [name, user.credentials])),
    publicKeys: Object.fromEntries(issued.map(([name, user]) => [name, user.publicKey])),
    retiring,
    ...revocations(before, wanted, { retiring, now }),
  };
}

type WantedUsers = UsersInputs & {
  readonly validity: Readonly<Record<string, Validity>>;
  readonly phases: Readonly<Record<string, RotationPhase>>;
};

interface IssuedUser {
  readonly publicKey: string;
  readonly credentials: string;
}

function keep(before: UsersState | undefined, wanted: WantedUsers, name: string): IssuedUser | undefined {
  const credentials = before?.credentials[name];
  const publicKey = before?.publicKeys[name];
  if (before === undefined || credentials === undefined || publicKey === undefined) return undefined;
  const same = origin(before, name) === origin(wanted, name) && sameTimes(before.validity[name], wanted.validity[name]);
  if (isRotated(before, wanted, name) || !isDeepStrictEqual(before.users[name]?.tags, wanted.users[name]?.tags)) return undefined;
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

/** Whether this run issues the user's next generation. */
function isRotated(before: UsersState, wanted: WantedUsers, name: string): boolean {
  return (before.phases?.[name]?.generation ?? 0) !== (wanted.phases[name]?.generation ?? 0);
}

/** Credentials that stay good beside their successors until the next run. */
function retire(before: UsersState, wanted: WantedUsers): Record<string, RetiringUser> {
  const entries = Object.keys(wanted.users).flatMap((name) => {
    if (wanted.phases[name]?.overlapSince === undefined || isLost(before, wanted, name)) return [];
    const one = isRotated(before, wanted, name) ? credentialOf(before, name) : before.retiring?.[name];
    return one === undefined ? [] : [[name, one] as const];
  });
  return Object.fromEntries(entries);
}

function credentialOf(before: UsersState, name: string): RetiringUser | undefined {
  const publicKey = before.publicKeys[name];
  if (publicKey === undefined) return undefined;
  const { expiresAt } = before.validity[name] ?? {};
  return { publicKey, account: before.users[name]?.account ?? "", ...(expiresAt === undefined ? {} : { until: unixSeconds(expiresAt) }) };
}

// A server's clock may be behind ours, and takes the token until its own clock says so.
const CLOCK_MARGIN_S = 3600;

/** What must be refused from now on, and of what was refused before what could still be used. */
function revocations(
  before: UsersState | undefined,
  wanted: WantedUsers,
  { retiring, now }: { readonly retiring: Readonly<Record<string, RetiringUser>>; readonly now: Date },
): Pick<UsersState, "revoked" | "revokedUntil"> {
  if (before === undefined) return { revoked: {}, revokedUntil: {} };
  const second = Math.floor(now.getTime() / 1000);
  const until = { ...before.revokedUntil };
  const ended = Object.entries(until).flatMap(([key, end]) => (end + CLOCK_MARGIN_S < second ? [key] : []));
  const revoked = structuredClone(before.revoked) as Record<string, Record<string, number>>;
  for (const key of ended) {
    delete until[key];
    for (const account of Object.values(revoked)) delete account[key];
  }
  const lost = Object.keys(before.publicKeys).filter((name) => isLost(before, wanted, name));
  const over = Object.entries(before.retiring ?? {}).filter(([name, one]) => retiring[name]?.publicKey !== one.publicKey);
  for (const one of [...lost.flatMap((name) => credentialOf(before, name) ?? []), ...over.map(([, one]) => one)]) {
    revoked[one.account] = { ...revoked[one.account], [one.publicKey]: second };
    if (one.until !== undefined) until[one.publicKey] = one.until;
  }
  return { revoked, revokedUntil: until };
}

/** Whether a user's present credentials must be refused at once. */
function isLost(before: UsersState, wanted: WantedUsers, name: string): boolean {
  const was = before.users[name];
  const user = wanted.users[name];
  if (user === undefined || !isDeepStrictEqual(was?.tags, user.tags)) return true;
  if (origin(before, name) !== origin(wanted, name)) return !isReSigned(before, wanted, name);
  if (isRotated(before, wanted, name)) return false;
  const [earlier, later] = [before.validity[name], wanted.validity[name]];
  return !sameTimes(earlier, later) && endOf(earlier) > endOf(later);
}

/** Whether the same role of the same account only has another signing key, beside which the old one is still good; it ends with that key. */
function isReSigned(before: UsersState, wanted: WantedUsers, name: string): boolean {
  const [was, user] = [before.users[name], wanted.users[name]];
  if (was === undefined || user === undefined || was.account !== user.account || was.role !== user.role) return false;
  const { account, seed } = issuerOf(before, name);
  const signer = wanted.accounts[user.account];
  if (seed === "" || account !== signer?.publicKey) return false;
  return signer.retiringRoleKeys?.[user.role] === publicKeyOf(seed);
}

function endOf(validity: Validity | undefined): number {
  return validity?.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(validity.expiresAt);
}

function unixSeconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
