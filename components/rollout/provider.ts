import type { dynamic } from "@pulumi/pulumi";

/** Provider of the `Guard` resource. Its text is kept in the state, so it only forwards. */
export const guardProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/components/rollout/guard")).guard.check(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/rollout/guard")).guard.create(inputs);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/rollout/guard")).guard.update(news);
  },
};

/** Provider of the `Rollout` resource. */
export const rolloutProvider: dynamic.ResourceProvider = {
  async diff(_id, olds, news) {
    return (await import("natsbus/components/rollout/operations")).rollout.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/rollout/operations")).rollout.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/components/rollout/operations")).rollout.read(id, props);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/components/rollout/operations")).rollout.update(olds, news);
  },
};
