/** A registry of schemas in a key-value bucket: each version of each schema once, and no version that breaks its neighbours. */
import type { JetStreamClient } from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import { BusError } from "../core/errors.ts";
import { assertOneOf } from "./options.ts";
import type { JsonSchema } from "./schema.ts";
import { type Compatibility, compatibilityProblems } from "./schema-compatibility.ts";
import type { Subject } from "./subject.ts";

/** Where a registry is. */
export interface SchemaRegistryArgs {
  /** Name of the key-value bucket. Its history may be 1; nothing in it is ever changed.
   * @default "schemas" */
  readonly bucket?: string;
  /** Whether to make the bucket when it is not there, with the server's defaults and one replica; otherwise declare it in the catalogue.
   * @default false */
  readonly create?: boolean;
}

/** One version of a schema. */
export interface RegisteredSchema {
  /** Id that messages carry in a header. */
  readonly schemaId: string;
  /** Its version, from 1. */
  readonly version: number;
  /** JSON Schema, of draft 2020-12 unless it says otherwise. */
  readonly schema: JsonSchema;
  /** What it was checked for against the versions before and after it. */
  readonly compatibility: Compatibility;
  /** When the registry took it. */
  readonly registeredAt: Date;
}

/** How to register a schema. */
export interface RegisterArgs {
  /** What the version must keep working. The checks of a registered version stay as they are.
   * @default "backward" */
  readonly compatibility?: Compatibility;
}

/**
 * Registered schemas; made by {@link MessageBus.schemas}.
 *
 * @example
 * const registry = await bus.schemas();
 * await registry.register(alert, { compatibility: "full" });
 */
export class SchemaRegistry {
  readonly #bucket: KV;

  private constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /**
   * Opens a registry.
   * @throws ERR_CLIENT_REGISTRY when the bucket does not exist or may not be read
   */
  static async open(jetstream: JetStreamClient, { bucket = "schemas", create = false }: SchemaRegistryArgs): Promise<SchemaRegistry> {
    const manager = new Kvm(jetstream);
    return guarded(`bucket ${bucket}`, async () => {
      const opened = create ? await manager.create(bucket) : await manager.open(bucket);
      await opened.status();
      return new SchemaRegistry(opened);
    });
  }

  /**
   * Registers the schema of a subject definition under its id and version. The same schema again is no error, so that every start of a program may do it.
   * @returns whether it is new
   * @throws ERR_CLIENT_INCOMPATIBLE with everything that does not fit, ERR_CLIENT_REGISTRY when the version holds another schema or the bucket cannot be written
   */
  async register<In, Out>(subject: Subject<In, Out>, { compatibility = "backward" }: RegisterArgs = {}): Promise<boolean> {
    assertOneOf("compatibility", compatibility, ["backward", "forward", "full", "none"]);
    const { schemaId, version } = subject;
    const schema = subject.schema.document();
    const known = await this.versions(schemaId);
    const same = known.find((entry) => entry.version === version);
    if (same !== undefined) return assertSame(same, schema);
    assertCompatible({ schemaId, version, schema, compatibility, registeredAt: new Date() }, known);
    const text = JSON.stringify({ schemaId, version, schema, compatibility, registeredAt: new Date().toISOString() });
    return guarded(schemaId, async () => {
      try {
        await this.#bucket.create(keyOf(schemaId, version), text);
        return true;
      } catch (error) {
        // Somebody else was quicker.
        const other = await this.get(schemaId, version);
        if (other === undefined) throw error;
        return assertSame(other, schema);
      }
    });
  }

  /** What registering would refuse, in words; nothing is written. */
  async check<In, Out>(subject: Subject<In, Out>, { compatibility = "backward" }: RegisterArgs = {}): Promise<readonly string[]> {
    const { schemaId, version } = subject;
    const candidate = { schemaId, version, schema: subject.schema.document(), compatibility, registeredAt: new Date() };
    return problemsOf(candidate, await this.versions(schemaId));
  }

  /** One version; `undefined` when it is not registered.
   * @throws ERR_CLIENT_REGISTRY */
  async get(schemaId: string, version: number): Promise<RegisteredSchema | undefined> {
    return guarded(schemaId, async () => parseEntry(await this.#bucket.get(keyOf(schemaId, version))));
  }

  /** All versions of a schema, oldest first.
   * @throws ERR_CLIENT_REGISTRY */
  async versions(schemaId: string): Promise<readonly RegisteredSchema[]> {
    return guarded(schemaId, async () => {
      const keys = await Array.fromAsync(await this.#bucket.keys(`${tokenOf(schemaId)}.*`));
      const entries = await Promise.all(keys.map(async (key) => parseEntry(await this.#bucket.get(key))));
      return entries.filter((entry) => entry !== undefined).sort((a, b) => a.version - b.version);
    });
  }

  /** Ids of all registered schemas, sorted.
   * @throws ERR_CLIENT_REGISTRY */
  async ids(): Promise<readonly string[]> {
    return guarded("the registry", async () => {
      const keys = await Array.fromAsync(await this.#bucket.keys());
      return [...new Set(keys.map((key) => Buffer.from(key.split(".")[0] ?? "", "base64url").toString()))].sort();
    });
  }
}

// Ids may hold wildcards, keys may not.
function tokenOf(schemaId: string): string {
  return Buffer.from(schemaId).toString("base64url");
}

function keyOf(schemaId: string, version: number): string {
  return `${tokenOf(schemaId)}.${version}`;
}

function parseEntry(entry: KvEntry | null): RegisteredSchema | undefined {
  if (entry === null || entry.operation !== "PUT") return undefined;
  const stored = entry.json<Omit<RegisteredSchema, "registeredAt"> & { readonly registeredAt: string }>();
  return { ...stored, registeredAt: new Date(stored.registeredAt) };
}

function assertSame(known: RegisteredSchema, schema: JsonSchema): false {
  // The order of keywords means nothing; what JSON cannot carry was never stored.
  if (canonical(known.schema) === canonical(schema)) return false;
  throw new BusError("ERR_CLIENT_REGISTRY", `version ${known.version} of ${known.schemaId} is registered with another schema`, {
    path: "version",
    remedy: "give the changed schema the next version",
  });
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part,
  );
}

function assertCompatible(candidate: RegisteredSchema, known: readonly RegisteredSchema[]): void {
  const problems = problemsOf(candidate, known);
  if (problems.length === 0) return;
  const { schemaId, version, compatibility } = candidate;
  const list = problems.map((text) => `\n  ${text}`).join("");
  throw new BusError("ERR_CLIENT_INCOMPATIBLE", `version ${version} of ${schemaId} is not ${compatibility} compatible:${list}`, {
    path: "schema",
    remedy: "keep what others rely on, for instance by making new properties optional, or take another schema id",
  });
}

/** Against the version before and the version after, which may have been registered earlier. */
function problemsOf({ version, schema, compatibility }: RegisteredSchema, known: readonly RegisteredSchema[]): string[] {
  const before = known.findLast((entry) => entry.version < version);
  const after = known.find((entry) => entry.version > version);
  return [
    ...(before === undefined ? [] : compatibilityProblems(before.schema, schema, compatibility)),
    ...(after === undefined ? [] : compatibilityProblems(schema, after.schema, compatibility)),
  ];
}

async function guarded<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BusError) throw cause;
    throw new BusError(
      "ERR_CLIENT_REGISTRY",
      `${what}: the registry cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        remedy: "declare the bucket in the catalogue, and connect as a user whose role may read and write it",
        cause,
      },
    );
  }
}
