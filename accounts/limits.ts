import type { AccountLimits, JetStreamLimits } from "./claims.ts";
import type { ParsedAccount } from "./schema.ts";

/** What NATS writes for "no limit of the account's own"; the server's limits still hold. */
const NO_LIMIT = -1;

/** An account without limits and without JetStream, as the system account is. */
export const UNLIMITED: AccountLimits = {
  connections: NO_LIMIT,
  leafNodes: NO_LIMIT,
  subscriptions: NO_LIMIT,
  payloadBytes: NO_LIMIT,
  dataBytes: NO_LIMIT,
  imports: NO_LIMIT,
  exports: NO_LIMIT,
  wildcardExports: true,
  disallowBearer: false,
};

/** JetStream up to what the servers have. */
export const UNLIMITED_JETSTREAM: JetStreamLimits = {
  memoryBytes: NO_LIMIT,
  storageBytes: NO_LIMIT,
  streams: NO_LIMIT,
  consumers: NO_LIMIT,
  maxAckPending: NO_LIMIT,
  memoryStreamBytes: NO_LIMIT,
  storageStreamBytes: NO_LIMIT,
  maxBytesRequired: false,
};

/** Whether the limits leave JetStream on: one kind of storage is enough. */
export function hasJetStream(limits: AccountLimits): boolean {
  const kinds = limits.tiers === undefined ? [limits.jetstream] : Object.values(limits.tiers);
  return kinds.some((one) => one !== undefined && (one.memoryBytes !== 0 || one.storageBytes !== 0));
}

/** Replica counts that streams could have before and cannot any more; each would leave its streams unchangeable. */
export function lostTiers(was: AccountLimits, will: AccountLimits): string[] {
  const { tiers } = will;
  if (tiers === undefined) return [];
  const had = was.tiers === undefined ? (was.jetstream === undefined ? [] : USUAL_TIERS) : Object.keys(was.tiers);
  return had.filter((tier) => tiers[tier] === undefined);
}

// Without tiers every replica count was possible; these two are what streams have.
const USUAL_TIERS = ["R1", "R3"];

/** All limits of an account, from those that are given.
 * @param system the system account has no JetStream */
export function resolveLimits(given: ParsedAccount["limits"], system: boolean): AccountLimits {
  const { jetstream, payload, data, ...counts } = given;
  const common = { ...UNLIMITED, ...defined(counts), ...defined({ payloadBytes: payload, dataBytes: data }) };
  if (system || jetstream === false) return common;
  const { tiers, ...flat } = jetstream ?? {};
  if (tiers === undefined) return { ...common, jetstream: resolveJetStream(flat) };
  return { ...common, tiers: Object.fromEntries(Object.entries(tiers).map(([tier, limits]) => [tier, resolveJetStream(limits)])) };
}

type ParsedJetStream = Omit<Exclude<ParsedAccount["limits"]["jetstream"], false | undefined>, "tiers">;

function resolveJetStream(given: ParsedJetStream): JetStreamLimits {
  const { memory, storage, memoryStream, storageStream, ...counts } = given;
  const sizes = { memoryBytes: memory, storageBytes: storage, memoryStreamBytes: memoryStream, storageStreamBytes: storageStream };
  return { ...UNLIMITED_JETSTREAM, ...defined(counts), ...defined(sizes) };
}

function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
