/**
 * Providers of the dynamic resources, as the text that the state keeps and the provider host runs. All of it forwards to ordinary code, so it is written here: what the
 * SDK makes of functions is six times as long, stands twice in each entry of the state and travels five times with each resource in each run.
 */

/** A provider of one type of resources. */
export interface ForwardingProvider {
  /** Type of its resources, `Stream` for instance. */
  readonly type: string;
  /** Text of a CommonJS module whose `handler` returns the provider. */
  readonly text: string;
}

/** Provider of streams. */
export const streamProvider = forwardingTo("Stream", "streams/operations", "streamOperations");
/** Provider of durable consumers. */
export const consumerProvider = forwardingTo("Consumer", "streams/operations", "consumerOperations");
/** Provider of key-value buckets. */
export const keyValueProvider = forwardingTo("KeyValue", "streams/operations", "keyValueOperations");
/** Provider of object stores. */
export const objectStoreProvider = forwardingTo("ObjectStore", "streams/operations", "objectStoreOperations");
/** Provider of sets of streams. */
export const streamSetProvider = forwardingTo("StreamSet", "streams/set-operations", "streamSetOperations");
/** Provider of sets of durable consumers. */
export const consumerSetProvider = forwardingTo("ConsumerSet", "streams/set-operations", "consumerSetOperations");
/** Provider of entries of key-value buckets. */
export const keyValueEntryProvider = forwardingTo("KeyValueEntry", "streams/entry-operations", "keyValueEntryOperations");
/** Provider of objects of object stores. */
export const objectEntryProvider = forwardingTo("ObjectEntry", "streams/entry-operations", "objectEntryOperations");

/** A provider whose methods are those of `operations`, exported by a module of this package; the host loads it at the first call. */
function forwardingTo(type: string, module: string, operations: string): ForwardingProvider {
  const text = `let loaded;
const load = () => (loaded ??= import("natsbus/${module}"));
const forward = (name) => async (...values) => (await load()).${operations}[name](...values);
const names = ["check", "diff", "create", "read", "update", "delete"];
exports.handler = () => Object.fromEntries(names.map((name) => [name, forward(name)]));
`;
  return { type, text };
}
