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
  return limits.jetstream !== undefined && (limits.jetstream.memoryBytes !== 0 || limits.jetstream.storageBytes !== 0);
}

/** All limits of an account, from those that are given.
 * @param system the system account has no JetStream */
export function resolveLimits(given: ParsedAccount["limits"], system: boolean): AccountLimits {
  const { jetstream, payload, ...counts } = given;
  const common = { ...UNLIMITED, ...defined(counts), ...defined({ payloadBytes: payload }) };
  return system || jetstream === false ? common : { ...common, jetstream: resolveJetStream(jetstream ?? {}) };
}

function resolveJetStream(given: Exclude<ParsedAccount["limits"]["jetstream"], false | undefined>): JetStreamLimits {
  const { memory, storage, memoryStream, storageStream, ...counts } = given;
  const sizes = { memoryBytes: memory, storageBytes: storage, memoryStreamBytes: memoryStream, storageStreamBytes: storageStream };
  return { ...UNLIMITED_JETSTREAM, ...defined(counts), ...defined(sizes) };
}

function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
