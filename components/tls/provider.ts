import type { dynamic } from "@pulumi/pulumi";

/** Provider of the authority resource. Its text is kept in the state, so it only forwards. */
export const authorityProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/components/tls/operations")).authority.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/components/tls/operations")).authority.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/tls/operations")).authority.create(inputs);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/components/tls/operations")).authority.update(olds, news);
  },
};

/** Provider of the server certificates resource. */
export const serversProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/components/tls/operations")).servers.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/components/tls/operations")).servers.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/components/tls/operations")).servers.create(inputs);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/components/tls/operations")).servers.update(olds, news);
  },
};
