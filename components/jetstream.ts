/** Everything JetStream holds, as children of a bus. */
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionSpec } from "../core/connection.ts";
import { assertNoProblems } from "../core/errors.ts";
import type { Catalog } from "../streams/catalog.ts";
import { type ResolvedCatalog, resolveStreams } from "../streams/resolve.ts";
import { Consumer, KeyValue, KeyValueEntry, ObjectEntry, ObjectStore, Stream } from "../streams/resource.ts";
import { partNames } from "./part-names.ts";

/** What an existing JetStream is to hold. */
export interface JetStreamArgs {
  /** How to reach it, as a user that may make streams. */
  readonly connection: pulumi.Input<ConnectionSpec>;
  /** Streams with their consumers, buckets and stores, by name; what `natsbus import --file` writes is one. Each part that is left out is empty. */
  readonly catalog: Partial<Catalog>;
  /** Number of servers; with fewer than three, an object has one replica unless it says otherwise.
   * @default 3 */
  readonly servers?: number;
}

/**
 * Everything a JetStream holds, on servers that somebody else runs.
 * @example
 * new JetStream("orders", { connection: { servers: ["nats://127.0.0.1:4222"] }, catalog: { streams: { ORDERS: { subjects: ["orders.>"] } } } });
 * @throws ERR_STREAM_VALUE and its siblings with every problem of the catalogue
 */
export class JetStream extends pulumi.ComponentResource {
  constructor(name: string, { connection, catalog, servers = 3 }: JetStreamArgs, options?: pulumi.ComponentResourceOptions) {
    super("natsbus:index:JetStream", name, {}, options);
    const declared = { streams: {}, keyValue: {}, objectStores: {}, ...catalog };
    const { specs, problems } = resolveStreams(declared, { streams: {}, keyValue: {}, objectStores: {} }, { servers });
    assertNoProblems(problems);
    createJetStream(specs, { name, connection, options: { parent: this } });
    this.registerOutputs();
  }
}

/** Where the streams belong. */
export interface JetStreamContext {
  /** Name of the bus; its parts are named after it. */
  readonly name: string;
  /** Connection of a user that may make streams. */
  readonly connection: pulumi.Input<ConnectionSpec>;
  /** Options of every part. */
  readonly options: pulumi.CustomResourceOptions;
}

/** Creates streams and their consumers, key-value buckets and object stores, and what is declared to lie in them. @returns the streams */
export function createJetStream(catalog: ResolvedCatalog, { name, connection, options }: JetStreamContext): pulumi.Resource[] {
  const streams = new Map<string, Stream>();
  const named = partNames(name);
  for (const { args } of catalog.streams) streams.set(args.name, new Stream(named.stream(args), { ...args, connection }, options));
  for (const { args } of catalog.consumers) {
    new Consumer(named.consumer(args), { ...args, connection }, inside(streams.get(args.stream), options));
  }
  const buckets = new Map(
    catalog.keyValue.map(({ args }) => [args.bucket, new KeyValue(named.keyValue(args), { ...args, connection }, options)]),
  );
  for (const args of catalog.entries)
    new KeyValueEntry(named.entry(args), { ...args, connection }, inside(buckets.get(args.bucket), options));
  const stores = new Map(
    catalog.objectStores.map(({ args }) => [args.bucket, new ObjectStore(named.objectStore(args), { ...args, connection }, options)]),
  );
  for (const args of catalog.objects)
    new ObjectEntry(named.object(args), { ...args, connection }, inside(stores.get(args.bucket), options));
  return [...streams.values()];
}

/** What lies in something is made after it, and goes with it. */
function inside(holder: pulumi.Resource | undefined, options: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
  return holder === undefined ? options : { ...options, dependsOn: [holder, ...dependencies(options)], deletedWith: holder };
}

function dependencies({ dependsOn }: pulumi.CustomResourceOptions): pulumi.Resource[] {
  return Array.isArray(dependsOn) ? (dependsOn as pulumi.Resource[]) : [];
}
