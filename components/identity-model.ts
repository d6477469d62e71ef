/** What the identities of a bus give and take, whatever their mode. */
import type * as pulumi from "@pulumi/pulumi";
import type { ForwardSpec } from "../core/forward.ts";
import type { ServerIdentity } from "./server-plan.ts";

/** Keys and credentials of a bus, made while its servers start. */
export interface Identity {
  /** What the servers must know when they start. */
  readonly target: pulumi.Input<ServerIdentity>;
  /** Credentials of the user that makes the streams; none without accounts. */
  readonly admin: pulumi.Output<string> | undefined;
  /** Map keyed by user name: path of its credentials file; empty without accounts. */
  readonly files: pulumi.Output<Readonly<Record<string, string>>>;
  /** Map keyed by user name: credentials; empty without accounts. Secrets. */
  readonly credentials: pulumi.Output<Readonly<Record<string, string>>>;
  /** Credentials of natsbus's own user of the system account; none without accounts. */
  readonly system: pulumi.Output<string> | undefined;
  /** Makes the accounts on the servers; streams depend on what it answers. */
  readonly push: (cluster: ReachableCluster) => pulumi.Resource[];
}

/** A cluster that can be connected to. */
export interface ReachableCluster {
  /** Client URLs. */
  readonly servers: pulumi.Input<readonly string[]>;
  /** Authorities to trust; none for plain connections. */
  readonly ca: pulumi.Output<string> | undefined;
  /** Way to them when they cannot be dialled as they are named. */
  readonly forward?: ForwardSpec | undefined;
  /** Names of all servers. */
  readonly nodes: readonly string[];
  /** Options of everything inside the cluster. */
  readonly inside: pulumi.CustomResourceOptions;
}

/** Where the parts of the identity belong. */
export interface IdentityContext {
  /** Name of the bus; its parts are named after it. */
  readonly name: string;
  /** Options of every part. */
  readonly options: pulumi.CustomResourceOptions;
  /** Authorities clients must trust, PEM. */
  readonly bundle: pulumi.Output<string>;
}
