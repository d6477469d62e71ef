/**
 * Providers of the dynamic resources. Their text is stored in the state and run from there, so every method only forwards to ordinary code;
 * a comment inside a method would become part of the state.
 */
import type { dynamic } from "@pulumi/pulumi";

/** Provider of streams. */
export const streamProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/operations")).streamOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/operations")).streamOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/operations")).streamOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/operations")).streamOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/operations")).streamOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/operations")).streamOperations.delete(id, props);
  },
};

/** Provider of durable consumers. */
export const consumerProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/operations")).consumerOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/operations")).consumerOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/operations")).consumerOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/operations")).consumerOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/operations")).consumerOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/operations")).consumerOperations.delete(id, props);
  },
};

/** Provider of key-value buckets. */
export const keyValueProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/operations")).keyValueOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/operations")).keyValueOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/operations")).keyValueOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/operations")).keyValueOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/operations")).keyValueOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/operations")).keyValueOperations.delete(id, props);
  },
};

/** Provider of object stores. */
export const objectStoreProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/operations")).objectStoreOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/operations")).objectStoreOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/operations")).objectStoreOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/operations")).objectStoreOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/operations")).objectStoreOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/operations")).objectStoreOperations.delete(id, props);
  },
};

/** Provider of sets of streams. */
export const streamSetProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/set-operations")).streamSetOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/set-operations")).streamSetOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/set-operations")).streamSetOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/set-operations")).streamSetOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/set-operations")).streamSetOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/set-operations")).streamSetOperations.delete(id, props);
  },
};

/** Provider of sets of durable consumers. */
export const consumerSetProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/set-operations")).consumerSetOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/set-operations")).consumerSetOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/set-operations")).consumerSetOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/set-operations")).consumerSetOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/set-operations")).consumerSetOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/set-operations")).consumerSetOperations.delete(id, props);
  },
};

/** Provider of entries of key-value buckets. */
export const keyValueEntryProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/entry-operations")).keyValueEntryOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/entry-operations")).keyValueEntryOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/entry-operations")).keyValueEntryOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/entry-operations")).keyValueEntryOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/entry-operations")).keyValueEntryOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/entry-operations")).keyValueEntryOperations.delete(id, props);
  },
};

/** Provider of objects of object stores. */
export const objectEntryProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/streams/entry-operations")).objectEntryOperations.check(olds, news);
  },
  async diff(id, olds, news) {
    return (await import("natsbus/streams/entry-operations")).objectEntryOperations.diff(id, olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/streams/entry-operations")).objectEntryOperations.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/streams/entry-operations")).objectEntryOperations.read(id, props);
  },
  async update(id, olds, news) {
    return (await import("natsbus/streams/entry-operations")).objectEntryOperations.update(id, olds, news);
  },
  async delete(id, props) {
    return (await import("natsbus/streams/entry-operations")).objectEntryOperations.delete(id, props);
  },
};
