/** The servers of a bus on this machine as one Pulumi resource. */
import * as pulumi from "@pulumi/pulumi";
import type { ClusterInputs } from "./cluster-spec.ts";
import { clusterProvider } from "./provider.ts";

/** Arguments of {@link Cluster}; see {@link ClusterInputs} for their meaning. */
export type ClusterArgs = { readonly [Key in keyof ClusterInputs]: pulumi.Input<ClusterInputs[Key]> };

/**
 * All nats-servers of a bus as processes of this machine: started, reloaded and restarted one at a time, and found again after a crash of whatever started them.
 * One resource, because which server may be restarted next depends on all others. Deleting it ends the servers and removes their data.
 *
 * @example
 * const cluster = new Cluster("bus-cluster", { ...resolveClusterSettings(spec, nodes), identity: { kind: "none" }, authority: "", certificates: {}, keys: {} });
 * export const urls = cluster.urls;
 */
export class Cluster extends pulumi.dynamic.Resource {
  /** Client URLs of all servers. */
  declare readonly urls: pulumi.Output<readonly string[]>;
  /** Monitor URLs of all servers. */
  declare readonly monitorUrls: pulumi.Output<readonly string[]>;
  /** Map keyed by server name: digest of the configuration in force. */
  declare readonly digests: pulumi.Output<Readonly<Record<string, string>>>;
  /** Names of the servers that ran when last looked at. */
  declare readonly running: pulumi.Output<readonly string[]>;
  /** nats-server version that runs. */
  declare readonly serverVersion: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, options: pulumi.CustomResourceOptions = {}) {
    const outputs = { urls: undefined, monitorUrls: undefined, digests: undefined, running: undefined, serverVersion: undefined };
    const secretly = pulumi.mergeOptions(options, { additionalSecretOutputs: ["keys"] });
    super(clusterProvider, name, { ...outputs, ...args }, secretly, "natsbus/process", "Cluster");
  }
}
