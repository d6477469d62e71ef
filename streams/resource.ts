/** Streams and what lives in them as Pulumi resources; they work against any NATS server the connection reaches. */
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionSpec } from "../core/connection.ts";
import type { KeyValueArgs, ObjectStoreArgs, StreamArgs } from "./args.ts";
import type { ConsumerArgs } from "./consumer-args.ts";
import type { KeyValueEntryArgs, ObjectEntryArgs } from "./entry-args.ts";
import {
  consumerProvider,
  consumerSetProvider,
  keyValueEntryProvider,
  keyValueProvider,
  objectEntryProvider,
  objectStoreProvider,
  streamProvider,
  streamSetProvider,
} from "./provider.ts";
import { Forwarded } from "./resource-forwarded.ts";
import type { ConsumerSetArgs, StreamSetArgs } from "./set-args.ts";

/** Settings whose values may come from other resources, and the connection to the bus. */
export type Connected<A> = { readonly [K in keyof A]: pulumi.Input<A[K]> } & {
  /** How to reach the bus; its credentials stay secret in the state. */
  readonly connection: pulumi.Input<ConnectionSpec>;
};

/**
 * A stream.
 * @example
 * new Stream("orders", { connection, name: "ORDERS", subjects: ["orders.>"], maxAge: "7d", maxBytes: "1GiB" });
 */
export class Stream extends Forwarded {
  /** Name of the stream. */
  declare readonly name: pulumi.Output<string>;
  /** Subjects it stores. */
  declare readonly subjects: pulumi.Output<string[]>;
  /** Servers that hold it. */
  declare readonly replicas: pulumi.Output<number>;

  constructor(name: string, args: Connected<StreamArgs>, options?: pulumi.CustomResourceOptions) {
    super(streamProvider, name, inputsOf(name, args, ["name", "subjects", "replicas"]), secretly(options));
  }
}

/**
 * A durable consumer.
 * @example
 * new Consumer("billing", { connection, stream: orders.name, name: "billing", maxDeliver: 5 });
 */
export class Consumer extends Forwarded {
  /** Stream it reads. */
  declare readonly stream: pulumi.Output<string>;
  /** Durable name. */
  declare readonly name: pulumi.Output<string>;

  constructor(name: string, args: Connected<ConsumerArgs>, options?: pulumi.CustomResourceOptions) {
    super(consumerProvider, name, inputsOf(name, args, ["stream", "name"]), secretly(options));
  }
}

/**
 * A key-value bucket.
 * @example
 * new KeyValue("settings", { connection, bucket: "settings", history: 5, maxBytes: "16MiB" });
 */
export class KeyValue extends Forwarded {
  /** Name of the bucket. */
  declare readonly bucket: pulumi.Output<string>;
  /** Servers that hold it. */
  declare readonly replicas: pulumi.Output<number>;

  constructor(name: string, args: Connected<KeyValueArgs>, options?: pulumi.CustomResourceOptions) {
    super(keyValueProvider, name, inputsOf(name, args, ["bucket", "replicas"]), secretly(options));
  }
}

/**
 * An object store.
 * @example
 * new ObjectStore("artifacts", { connection, bucket: "artifacts", maxBytes: "64MiB" });
 */
export class ObjectStore extends Forwarded {
  /** Name of the store. */
  declare readonly bucket: pulumi.Output<string>;
  /** Servers that hold it. */
  declare readonly replicas: pulumi.Output<number>;

  constructor(name: string, args: Connected<ObjectStoreArgs>, options?: pulumi.CustomResourceOptions) {
    super(objectStoreProvider, name, inputsOf(name, args, ["bucket", "replicas"]), secretly(options));
  }
}

/**
 * An entry of a key-value bucket: its value stays what is declared.
 * @example
 * new KeyValueEntry("theme", { connection, bucket: settings.bucket, key: "ui.theme", value: "dark" });
 */
export class KeyValueEntry extends Forwarded {
  /** Bucket it lies in. */
  declare readonly bucket: pulumi.Output<string>;
  /** Its key. */
  declare readonly key: pulumi.Output<string>;
  /** Its value. */
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: Connected<KeyValueEntryArgs>, options?: pulumi.CustomResourceOptions) {
    super(keyValueEntryProvider, name, inputsOf(name, args, ["bucket", "key", "value"]), secretly(options));
  }
}

/**
 * An object of an object store, from a text or a file of the project.
 * @example
 * new ObjectEntry("logo", { connection, bucket: artifacts.bucket, name: "logo.svg", file: "assets/logo.svg" });
 */
export class ObjectEntry extends Forwarded {
  /** Store it lies in. */
  declare readonly bucket: pulumi.Output<string>;
  /** Digest of its content: `SHA-256=` and base64url. */
  declare readonly digest: pulumi.Output<string>;

  constructor(name: string, args: Connected<ObjectEntryArgs>, options?: pulumi.CustomResourceOptions) {
    super(objectEntryProvider, name, inputsOf(name, args, ["bucket", "digest"]), secretly(options));
  }
}

/**
 * Many streams as one resource: hundreds of like streams cost little more than their requests to the servers.
 * @example
 * new StreamSet("tenants", { connection, defaults: { maxAge: "7d" }, streams: { ACME: { subjects: ["acme.>"] }, INITECH: { subjects: ["initech.>"] } } });
 */
export class StreamSet extends Forwarded {
  /** Map keyed by stream name: its settings as the servers have them, JSON. */
  declare readonly streams: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: Connected<StreamSetArgs>, options?: pulumi.CustomResourceOptions) {
    super(streamSetProvider, name, inputsOf(name, { ...args, streams: membersText(args.streams) }, []), secretly(options));
  }
}

/**
 * Many durable consumers as one resource.
 * @example
 * new ConsumerSet("workers", { connection, defaults: { maxDeliver: 5 }, consumers: { "ACME/billing": {}, "INITECH/billing": {} } }, { dependsOn: tenants });
 */
export class ConsumerSet extends Forwarded {
  /** Map keyed by `STREAM/NAME`: its settings as the servers have them, JSON. */
  declare readonly consumers: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: Connected<ConsumerSetArgs>, options?: pulumi.CustomResourceOptions) {
    super(consumerSetProvider, name, inputsOf(name, { ...args, consumers: membersText(args.consumers) }, []), secretly(options));
  }
}

/** Each member as JSON text; one that holds outputs of other resources becomes an output. */
function membersText(members: pulumi.Input<Readonly<Record<string, object>>>): pulumi.Input<Record<string, pulumi.Input<string>>> {
  if (isLater(members))
    return pulumi.output(members as pulumi.Input<Record<string, object>>).apply((all) => textsOf(all) as Record<string, string>);
  return textsOf(members as Readonly<Record<string, object>>);
}

function textsOf(members: Readonly<Record<string, object>>): Record<string, pulumi.Input<string>> {
  return Object.fromEntries(
    Object.entries(members).map(([key, own]) => [key, isLater(own) ? pulumi.jsonStringify(own) : JSON.stringify(own)]),
  );
}

function isLater(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return pulumi.Output.isInstance(value) || value instanceof Promise || Object.values(value).some(isLater);
}

/** Marks the object as made by this resource of this stack, and names the outputs, which an SDK resource knows by its inputs. */
function inputsOf(name: string, args: object, outputs: readonly string[]): pulumi.Inputs {
  const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
  return { ...Object.fromEntries(outputs.map((key) => [key, undefined])), ...args, owner };
}

function secretly(options: pulumi.CustomResourceOptions | undefined): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(options, { additionalSecretOutputs: ["connection"] });
}
