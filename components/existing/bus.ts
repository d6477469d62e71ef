/** A bus on a cluster that natsbus did not make: accounts where it may sign them, and what lives inside. Nothing of it belongs to the servers. */
import * as pulumi from "@pulumi/pulumi";
import { CredentialsFiles } from "../../accounts/resource.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import type { ExistingSpec } from "../../core/existing-spec.ts";
import { createAccountKeys, createUsers, pushAccount } from "../identity.ts";
import { createJetStream } from "../jetstream.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { type ExistingAccess, keptKeyFile } from "./access.ts";
import type { SeenCluster } from "./look.ts";
import { ExistingCluster } from "./resource.ts";
import { watchExisting } from "./watch.ts";
import type { WatchedServers } from "./watched.ts";

/** What a bus on an existing cluster gives. */
export interface ExistingOutputs {
  /** Client URLs. */
  readonly servers: pulumi.Output<readonly string[]>;
  /** Monitor URLs as given. */
  readonly monitorUrls: pulumi.Output<readonly string[]>;
  /** nats-server version, the oldest that was seen. */
  readonly serverVersion: pulumi.Output<string>;
  /** Map keyed by user name: path of its credentials file. */
  readonly credentials: pulumi.Output<Readonly<Record<string, string>>>;
  /** Authorities to trust, PEM; empty: those of the system. */
  readonly ca: pulumi.Output<string>;
}

/** A cluster that was looked at. */
export interface ExistingPlace {
  /** How it is reached. */
  readonly access: ExistingAccess;
  /** What was seen. */
  readonly seen: SeenCluster;
  /** How the servers can be watched; absent: monitoring is off. */
  readonly watched?: WatchedServers;
}

interface Making {
  readonly name: string;
  readonly bus: ResolvedBus;
  readonly access: ExistingAccess;
  readonly cluster: ExistingCluster;
  readonly parent: pulumi.CustomResourceOptions;
}

/** Creates everything, as children of the bus. What lives inside stays when the bus is destroyed, unless its own policy says otherwise. */
export function createExistingBus(
  name: string,
  { bus, access, seen, watched }: ExistingPlace & { readonly bus: ResolvedBus },
  parent: pulumi.CustomResourceOptions,
): ExistingOutputs {
  const system = access.system === undefined ? {} : { system: pulumi.secret(access.system) };
  const signed = access.signingSeed !== undefined;
  const cluster = new ExistingCluster(
    `${name}-cluster`,
    { connection: pulumi.secret(access.connection), ...system, signed, ...seen },
    parent,
  );
  const making = { name, bus, access, cluster, parent };
  const identity = signed ? createAccounts(making) : { connection: pulumi.secret(access.connection), credentials: {}, accounts: [] };
  const ca = access.connection.ca ?? "";
  const directory = bus.spec.process.directory;
  const files = new CredentialsFiles(`${name}-files`, { directory, credentials: identity.credentials, ca }, parent);
  const options = { ...parent, dependsOn: [cluster, ...identity.accounts] };
  const made = createJetStream(bus.streams, { name, connection: identity.connection, options });
  // Whoever watches is ended before what is watched.
  if (watched !== undefined)
    watchExisting(
      `${name}-monitoring`,
      // Where no accounts are made there are no files either, and everything is known in the first preview.
      { bus, access, watched, credentials: signed ? files.files : {} },
      { ...parent, dependsOn: [cluster, files, ...made] },
    );
  const { monitorUrls } = bus.spec.existing as ExistingSpec;
  return {
    servers: cluster.urls,
    monitorUrls: pulumi.output(monitorUrls as readonly string[]),
    serverVersion: pulumi.output(seen.serverVersion),
    credentials: files.files,
    ca: pulumi.output(ca),
  };
}

/** Accounts of the catalogue, signed for the operator that was given. The system account is somebody else's and left alone. */
function createAccounts({ name, bus, access, cluster, parent }: Making) {
  const { rotations } = bus.spec.auth;
  const accounts = bus.accounts.filter(({ system }) => !system);
  const keptIn = (account: string) => keptKeyFile(bus.spec.process.directory, account);
  const keys = createAccountKeys(accounts, { name, options: parent, generations: rotations.accounts, seeds: access.seeds, keptIn });
  const users = createUsers(accounts, keys, { name, options: parent, generations: rotations.users });
  const push = {
    name,
    connection: pulumi.secret(access.system as ConnectionSpec),
    signingSeed: pulumi.secret(access.signingSeed as string),
    servers: cluster.servers,
    options: { ...parent, dependsOn: [cluster] },
    keys,
    users,
  };
  const connection = users.admin.apply((creds) => ({ ...access.connection, creds }));
  return {
    connection: pulumi.secret(connection),
    credentials: users.credentials,
    accounts: accounts.map((account) => pushAccount(account, push)),
  };
}
