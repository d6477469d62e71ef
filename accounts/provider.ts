import type { dynamic } from "@pulumi/pulumi";

// The text of these objects is kept in the state, so they only forward.

/** Provider of the operator resource. */
export const operatorProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/accounts/operations")).operator.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).operator.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/accounts/operations")).operator.create(inputs);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).operator.update(olds, news);
  },
};

/** Provider of the account keys resource. */
export const accountKeysProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/accounts/operations")).accountKeys.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).accountKeys.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/accounts/operations")).accountKeys.create(inputs);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).accountKeys.update(olds, news);
  },
  async delete(_id, props) {
    return (await import("natsbus/accounts/operations")).accountKeys.delete(props);
  },
};

/** Provider of the users resource. */
export const usersProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/accounts/operations")).users.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).users.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/accounts/operations")).users.create(inputs);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).users.update(olds, news);
  },
};

/** Provider of the resource of users in the server configuration. */
export const plainUsersProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/accounts/operations")).plainUsers.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).plainUsers.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/accounts/operations")).plainUsers.create(inputs);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).plainUsers.update(olds, news);
  },
};

/** Provider of the account resource, the only one here that talks to servers. */
export const accountProvider: dynamic.ResourceProvider = {
  async check(olds, news) {
    return (await import("natsbus/accounts/account-operations")).account.check(olds, news);
  },
  async diff(_id, olds, news) {
    return (await import("natsbus/accounts/account-operations")).account.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/accounts/account-operations")).account.create(inputs);
  },
  async read(_id, props) {
    return (await import("natsbus/accounts/account-operations")).account.read(props);
  },
  async update(_id, _olds, news) {
    return (await import("natsbus/accounts/account-operations")).account.create(news);
  },
  async delete(_id, props) {
    return (await import("natsbus/accounts/account-operations")).account.delete(props);
  },
};

/** Provider of the credentials files resource. */
export const credentialFilesProvider: dynamic.ResourceProvider = {
  async diff(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).credentialFiles.diff(olds, news);
  },
  async create(inputs) {
    return (await import("natsbus/accounts/operations")).credentialFiles.create(inputs);
  },
  async read(id, props) {
    return (await import("natsbus/accounts/operations")).credentialFiles.read(id, props);
  },
  async update(_id, olds, news) {
    return (await import("natsbus/accounts/operations")).credentialFiles.update(olds, news);
  },
  async delete(_id, props) {
    return (await import("natsbus/accounts/operations")).credentialFiles.delete(props);
  },
};
