import type { dynamic } from "@pulumi/pulumi";

/** Provider of the `Monitoring` resource. Its text is kept in the state, so it only forwards. */
export const monitoringProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/components/process/monitoring/operations")).monitoring.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/components/process/monitoring/operations")).monitoring.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/process/monitoring/operations")).monitoring.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/components/process/monitoring/operations")).monitoring.read(id, props);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/process/monitoring/operations")).monitoring.update(news);
  },
  async delete(_id, props) {
    return (await import("natsbus/components/process/monitoring/operations")).monitoring.delete(props);
  },
};
