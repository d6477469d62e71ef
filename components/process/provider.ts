import type { dynamic } from "@pulumi/pulumi";

/** Provider of the `Cluster` resource. Its text is kept in the state, so it only forwards. */
export const clusterProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/components/process/operations")).checkCluster(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/components/process/operations")).diffCluster(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/process/operations")).createCluster(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/components/process/operations")).readCluster(id, props);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/process/operations")).updateCluster(news);
  },
  async delete(_id, props) {
    return (await import("natsbus/components/process/operations")).deleteCluster(props);
  },
};
