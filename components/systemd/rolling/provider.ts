import type { dynamic } from "@pulumi/pulumi";

/** Provider of the `HostRollout` resource. Its text is kept in the state, so it only forwards. */
export const hostRolloutProvider: dynamic.ResourceProvider = {
  async create(inputs) {
    return (await import("natsbus/components/systemd/rolling/operations")).hostRollout.create(inputs);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/systemd/rolling/operations")).hostRollout.update(news);
  },
};
