import type { dynamic } from "@pulumi/pulumi";

/** Provider of the `Cluster` resource. Its text is kept in the state, so it only forwards. */
export const clusterProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/components/process/operations")).cluster.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/components/process/operations")).cluster.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/process/operations")).cluster.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/components/process/operations")).cluster.read(id, props);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/process/operations")).cluster.update(news);
  },
  async delete(_id, props) {
    return (await import("natsbus/components/process/operations")).cluster.delete(props);
  },
};
