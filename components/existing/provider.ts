import type { dynamic } from "@pulumi/pulumi";

// The text of this object is kept in the state, so it only forwards. Nothing is deleted with the resource: the cluster is not ours.

/** Provider of the resource of an existing cluster. */
export const existingProvider: dynamic.ResourceProvider = {
  async diff(_id, olds, news) {
    return (await import("natsbus/components/existing/operations")).existing.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/existing/operations")).existing.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/components/existing/operations")).existing.read(id, props);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/existing/operations")).existing.update(news);
  },
};
