/**
 * The streams this project ships. Change them here or in the stack file; every change is planned, and refused when it would lose messages.
 *
 * Subjects are `<family>.<priority>.<event>` with the priorities critical, high, normal and low. A consumer reads these four lanes; what it gave up on after
 * its last delivery is published by the client to `<family>.dead.<event>`, which the same stream keeps and no lane matches, so it never comes round again.
 */
import type { KeyValueArgs, ObjectStoreArgs, StreamArgs } from "./args.ts";
import type { ConsumerArgs } from "./consumer-args.ts";
import type { KeyValueEntryArgs, ObjectEntryArgs } from "./entry-args.ts";
import { imported } from "./imported.ts";
import { joinCatalogs } from "./join-catalogs.ts";

/** A stream of a catalogue, by its name, with its consumers. */
export type CatalogStream = Omit<StreamArgs, "name"> & {
  /** Durable consumers by name; `null` leaves one out.
   * @default {} */
  readonly consumers?: Readonly<Record<string, Omit<ConsumerArgs, "stream" | "name"> | null>>;
};

/** A key-value bucket of a catalogue, by its name, with the entries that are declared; others live beside them. */
export type CatalogKeyValue = Omit<KeyValueArgs, "bucket"> & {
  /** Entries by key: the value, or settings; `null` leaves one out.
   * @default {} */
  readonly entries?: Readonly<Record<string, string | Omit<KeyValueEntryArgs, "bucket" | "key"> | null>>;
};

/** An object store of a catalogue, by its name, with the objects that are declared; others live beside them. */
export type CatalogObjectStore = Omit<ObjectStoreArgs, "bucket"> & {
  /** Objects by name; `null` leaves one out.
   * @default {} */
  readonly objects?: Readonly<Record<string, Omit<ObjectEntryArgs, "bucket" | "name"> | null>>;
};

/** Everything a bus holds, by name. */
export interface Catalog {
  /** Streams by name. */
  readonly streams: Readonly<Record<string, CatalogStream>>;
  /** Key-value buckets by name. */
  readonly keyValue: Readonly<Record<string, CatalogKeyValue>>;
  /** Object stores by name. */
  readonly objectStores: Readonly<Record<string, CatalogObjectStore>>;
}

/** Priorities of a subject, most urgent first. */
export const PRIORITIES = ["critical", "high", "normal", "low"] as const;

/** Token in place of a priority for messages that no consumer could process. */
export const DEAD_LETTERS = "dead";

/** The bus as shipped: 336 MiB of disk a server in all. */
const shipped: Catalog = {
  streams: {
    CONSCIOUSNESS: {
      description: "Consciousness events",
      subjects: ["consciousness.>"],
      maxAge: "7d",
      maxBytes: "64MiB",
      consumers: { "consciousness-worker": worker("consciousness") },
    },
    SECURITY: {
      description: "Security alerts; single messages cannot be deleted, nor the stream purged",
      subjects: ["security.>"],
      maxAge: "7d",
      maxBytes: "64MiB",
      denyDelete: true,
      denyPurge: true,
      consumers: { "security-worker": worker("security") },
    },
    PERFORMANCE: {
      description: "Performance metrics",
      subjects: ["performance.>"],
      maxAge: "24h",
      maxBytes: "64MiB",
      compression: "s2",
      consumers: { "performance-worker": worker("performance") },
    },
    ORCHESTRATION: {
      description: "AI decisions and orchestrator commands",
      subjects: ["ai.>", "orchestrator.>"],
      maxAge: "72h",
      maxBytes: "64MiB",
      consumers: { "orchestration-worker": worker("ai", "orchestrator") },
    },
  },
  keyValue: { settings: { description: "Settings shared by services", history: 5, maxBytes: "16MiB" } },
  objectStores: { artifacts: { description: "Files shared by services", maxBytes: "64MiB" } },
};

/** The bus as shipped, and what was imported from a cluster. */
export const catalog: Catalog = joinCatalogs(shipped, imported);

/** A durable pull consumer of every priority of some subject families: explicit acknowledgement, growing waits, five deliveries. */
function worker(...families: readonly string[]): Omit<ConsumerArgs, "stream" | "name"> {
  return {
    description: `Work on ${families.join(" and ")}, every priority`,
    filterSubjects: families.flatMap((family) => PRIORITIES.map((priority) => `${family}.${priority}.>`)),
    ackPolicy: "explicit",
    maxDeliver: 5,
    backoff: ["30s", "1m", "2m", "5m"],
  };
}
