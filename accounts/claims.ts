/** The claims of operator, account and user tokens, complete and in one fixed form, so that equal wishes give equal claims. Pure. */
import { activationMeaning } from "./activation.ts";
import { type Permissions, renderTemplate } from "./roles.ts";
import { NOTHING_SHARED, renderSharing, type Sharing, type SharingKeys } from "./sharing.ts";
import { type Claims, type Json, renderSorted } from "./token.ts";

/** Limits of JetStream in one account. `-1` is unlimited. */
export interface JetStreamLimits {
  /** Bytes of memory streams over all replicas. */
  readonly memoryBytes: number;
  /** Bytes of file streams over all replicas. */
  readonly storageBytes: number;
  /** Number of streams. */
  readonly streams: number;
  /** Number of consumers. */
  readonly consumers: number;
  /** Most unacknowledged messages a consumer may ask for. */
  readonly maxAckPending: number;
  /** Largest memory stream in bytes. */
  readonly memoryStreamBytes: number;
  /** Largest file stream in bytes. */
  readonly storageStreamBytes: number;
  /** Whether every stream must set a limit in bytes. */
  readonly maxBytesRequired: boolean;
}

/** All limits of one account. `-1` is unlimited; a limit left out would mean 0 to the server, so none may be. */
export interface AccountLimits {
  /** Client connections on one server. */
  readonly connections: number;
  /** Leaf node connections on one server. */
  readonly leafNodes: number;
  /** Subscriptions of one connection. */
  readonly subscriptions: number;
  /** Largest message in bytes. */
  readonly payloadBytes: number;
  /** Bytes in total; servers do not enforce it. */
  readonly dataBytes: number;
  /** Number of imports. */
  readonly imports: number;
  /** Number of exports. */
  readonly exports: number;
  /** Whether exports may have wildcards. */
  readonly wildcardExports: boolean;
  /** Whether users that prove no key are refused. */
  readonly disallowBearer: boolean;
  /** JetStream of the account; absent: JetStream is off, unless there are tiers. */
  readonly jetstream?: JetStreamLimits;
  /** Map keyed by `R1` to `R5`: JetStream of streams with that many replicas, in place of `jetstream`; absent: no tiers. */
  readonly tiers?: Readonly<Record<string, JetStreamLimits>>;
}

/** A role as an account's token lists it. */
export interface SignedRole {
  /** Role name. */
  readonly role: string;
  /** Public key that signs users of the role. */
  readonly publicKey: string;
  /** Rights of those users. */
  readonly permissions: Permissions;
}

/** What an account's token says. */
export interface AccountBody {
  /** Account name. */
  readonly name: string;
  /** Account's public key, its identity on the servers. */
  readonly publicKey: string;
  /** What the account is for. */
  readonly description?: string;
  /** All limits. */
  readonly limits: AccountLimits;
  /** One signing key a role. */
  readonly roles: readonly SignedRole[];
  /** Map keyed by user public key: tokens issued up to this Unix second are refused. */
  readonly revocations: Readonly<Record<string, number>>;
  /** Everything else; absent: it shares nothing. */
  readonly sharing?: Sharing;
  /** What the names in `sharing` stand for; absent: themselves. */
  readonly sharingKeys?: SharingKeys;
}

const VERSION = 2;
const NO_KEYS: SharingKeys = { accounts: {}, users: {}, activations: {} };

/** Claims of an operator whose accounts are signed with signing keys only. */
export function operatorClaims(operator: {
  name: string;
  publicKey: string;
  signingKeys: readonly string[];
  systemAccount: string;
  iat: number;
}): Claims {
  const { name, publicKey, signingKeys, systemAccount, iat } = operator;
  const nats = {
    type: "operator",
    version: VERSION,
    signing_keys: [...signingKeys].sort(),
    system_account: systemAccount,
    strict_signing_key_usage: true,
  };
  return { sub: publicKey, name, iat, nats };
}

/** Claims of an account. Every limit is written. */
export function accountClaims(account: AccountBody, iat: number): Claims {
  const roles = account.roles.map(({ role, publicKey, permissions }) => ({
    kind: "user_scope",
    key: publicKey,
    role,
    template: renderTemplate(permissions),
  }));
  const nats = {
    type: "account",
    version: VERSION,
    ...(account.description === undefined ? {} : { description: account.description }),
    limits: renderLimits(account.limits),
    signing_keys: roles.sort((a, b) => (a.key < b.key ? -1 : 1)),
    ...renderSharing(account.sharing ?? NOTHING_SHARED, account.sharingKeys ?? NO_KEYS),
    ...(Object.keys(account.revocations).length === 0 ? {} : { revocations: account.revocations }),
  };
  return { sub: account.publicKey, name: account.name, iat, nats };
}

/** Claims of a user whose rights come from the role's signing key: the token itself must carry none. */
export function userClaims(user: {
  name: string;
  publicKey: string;
  account: string;
  iat: number;
  exp?: number;
  tags?: readonly string[];
}): Claims {
  const { name, publicKey, account, iat, exp, tags = [] } = user;
  return {
    sub: publicKey,
    name,
    iat,
    ...(exp === undefined ? {} : { exp }),
    nats: { type: "user", version: VERSION, issuer_account: account, ...(tags.length === 0 ? {} : { tags }) },
  };
}

/**
 * Claims with everything removed that says nothing: empty lists and objects, zeros, `false` and absent values, which servers take alike; lists that are sets are
 * sorted. Who signed them and when is left out.
 */
export function normaliseClaims(claims: Claims): { readonly [key: string]: Json } {
  return {
    name: claims.name,
    sub: claims.sub,
    ...(claims.exp === undefined ? {} : { exp: claims.exp }),
    nats: strip(withMeanings(claims.nats)) ?? {},
  };
}

/** Activations are signed anew with every version, so what they say is compared, not their text. */
function withMeanings(nats: Claims["nats"]): Claims["nats"] {
  const imports = nats["imports"];
  if (!Array.isArray(imports)) return nats;
  const compared = (imports as readonly Json[]).map((one) =>
    typeof one === "object" && one !== null && "token" in one && typeof one["token"] === "string"
      ? { ...one, token: activationMeaning(one["token"]) }
      : one,
  );
  return { ...nats, imports: compared };
}

/** Whether two claims mean the same to a server. */
export function sameClaims(a: Claims, b: Claims): boolean {
  return renderSorted(normaliseClaims(a)) === renderSorted(normaliseClaims(b));
}

/** The time of issue of the next version: now, but at least a second after every stored one, because servers keep the larger and of equal ones any. */
export function nextIssue(stored: readonly number[], now: Date): number {
  return Math.max(Math.floor(now.getTime() / 1000), ...stored.map((iat) => iat + 1));
}

function renderLimits(limits: AccountLimits): { readonly [key: string]: Json } {
  return {
    conn: limits.connections,
    leaf: limits.leafNodes,
    subs: limits.subscriptions,
    payload: limits.payloadBytes,
    data: limits.dataBytes,
    imports: limits.imports,
    exports: limits.exports,
    wildcards: limits.wildcardExports,
    disallow_bearer: limits.disallowBearer,
    ...renderJetStream(limits.jetstream),
    ...renderTiers(limits.tiers),
  };
}

function renderJetStream(limits: JetStreamLimits | undefined): { readonly [key: string]: Json } {
  return {
    mem_storage: limits?.memoryBytes ?? 0,
    disk_storage: limits?.storageBytes ?? 0,
    streams: limits?.streams ?? 0,
    consumer: limits?.consumers ?? 0,
    max_ack_pending: limits?.maxAckPending ?? 0,
    mem_max_stream_bytes: limits?.memoryStreamBytes ?? 0,
    disk_max_stream_bytes: limits?.storageStreamBytes ?? 0,
    max_bytes_required: limits?.maxBytesRequired ?? false,
  };
}

function renderTiers(tiers: AccountLimits["tiers"]): { readonly [key: string]: Json } {
  if (tiers === undefined) return {};
  return { tiered_limits: Object.fromEntries(Object.entries(tiers).map(([tier, limits]) => [tier, renderJetStream(limits)])) };
}

function strip(value: Json): Json | undefined {
  if (Array.isArray(value)) return stripList(value);
  if (typeof value !== "object" || value === null)
    return value === 0 || value === "" || value === false || value === null ? undefined : value;
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const kept = strip(inner);
    return kept === undefined ? [] : [[key, kept] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

// Every list in these claims is a set: subjects, keys, tags, addresses.
function stripList(list: readonly Json[]): Json | undefined {
  const kept = list.flatMap((item) => strip(item) ?? []).sort((a, b) => (renderSorted(a) < renderSorted(b) ? -1 : 1));
  return kept.length === 0 ? undefined : kept;
}
