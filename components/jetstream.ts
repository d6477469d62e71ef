/** Everything JetStream holds, as children of a bus. */
import type * as pulumi from "@pulumi/pulumi";
import type { ConnectionSpec } from "../core/connection.ts";
import type { ResolvedCatalog } from "../streams/resolve.ts";
import { Consumer, KeyValue, ObjectStore, Stream } from "../streams/resource.ts";
import { partNames } from "./part-names.ts";

/** Where the streams belong. */
export interface JetStreamContext {
  /** Name of the bus; its parts are named after it. */
  readonly name: string;
  /** Connection of a user that may make streams. */
  readonly connection: pulumi.Input<ConnectionSpec>;
  /** Options of every part. */
  readonly options: pulumi.CustomResourceOptions;
}

/** Creates streams and their consumers, key-value buckets and object stores. @returns the streams */
export function createJetStream(catalog: ResolvedCatalog, { name, connection, options }: JetStreamContext): pulumi.Resource[] {
  const streams = new Map<string, Stream>();
  const named = partNames(name);
  for (const { args } of catalog.streams) streams.set(args.name, new Stream(named.stream(args), { ...args, connection }, options));
  for (const { args } of catalog.consumers) {
    const stream = streams.get(args.stream);
    // A deleted stream takes its consumers with it.
    const within = stream === undefined ? options : { ...options, dependsOn: [stream, ...dependencies(options)], deletedWith: stream };
    new Consumer(named.consumer(args), { ...args, connection }, within);
  }
  for (const { args } of catalog.keyValue) new KeyValue(named.keyValue(args), { ...args, connection }, options);
  for (const { args } of catalog.objectStores) new ObjectStore(named.objectStore(args), { ...args, connection }, options);
  return [...streams.values()];
}

function dependencies({ dependsOn }: pulumi.CustomResourceOptions): pulumi.Resource[] {
  return Array.isArray(dependsOn) ? (dependsOn as pulumi.Resource[]) : [];
}
