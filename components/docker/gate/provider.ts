import type { dynamic } from "@pulumi/pulumi";

/** Provider of the `ContainerGate` resource. Its text is kept in the state, so it only forwards. */
export const containerGateProvider: dynamic.ResourceProvider = {
  async create(inputs) {
    return (await import("natsbus/components/docker/gate/operations")).containerGate.create(inputs);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/components/docker/gate/operations")).containerGate.update(news);
  },
};
