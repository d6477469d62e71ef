/** What guards the servers of a StatefulSet, as Pulumi resources around its objects. */
import * as pulumi from "@pulumi/pulumi";
import type { GuardInputs } from "./guard.ts";
import type { RolloutInputs } from "./model.ts";
import { guardProvider, rolloutProvider } from "./provider.ts";

/** Arguments of {@link Guard}; see {@link GuardInputs} for their meaning. */
export type GuardArgs = { readonly [Key in keyof GuardInputs]: pulumi.Input<GuardInputs[Key]> };

/** Arguments of {@link Rollout}; see {@link RolloutInputs} for their meaning. */
export type RolloutArgs = { readonly [Key in keyof RolloutInputs]: pulumi.Input<RolloutInputs[Key]> };

/**
 * Refuses what would lose data before any object is touched: fewer servers, another cluster name, an older or a skipped version.
 * The objects must depend on it.
 *
 * @example
 * const guard = new Guard("bus-guard", { access: {}, namespace: "bus", set: "nats", servers: 3, version: "2.15.2", cluster: "bus", storageClass: "" });
 * const objects = new KubernetesObjects("bus", args, { dependsOn: [guard] });
 */
export class Guard extends pulumi.dynamic.Resource {
  constructor(name: string, args: GuardArgs, options: pulumi.CustomResourceOptions = {}) {
    const secretly = pulumi.mergeOptions(options, { additionalSecretOutputs: ["access", "connection"] });
    super(guardProvider, name, { ...args }, secretly, "natsbus/kubernetes", "Guard");
  }
}

/**
 * Brings the servers of a StatefulSet with the update strategy `OnDelete` to what its objects declare: volumes grow, configurations are reloaded where that is enough, and pods are replaced
 * one at a time behind the gate. It must depend on the objects. Deleting it touches nothing.
 *
 * @example
 * const rollout = new Rollout("bus-rollout", { access: {}, namespace: "bus", set: "nats", servers: ["nats-0", "nats-1", "nats-2"], version, connection, settings, digests }, { dependsOn: [objects] });
 */
export class Rollout extends pulumi.dynamic.Resource {
  /** Revision of the StatefulSet that every pod has. */
  declare readonly revision: pulumi.Output<string>;
  /** Map keyed by server name: digest of the configuration in force. */
  declare readonly reported: pulumi.Output<Readonly<Record<string, string>>>;
  /** nats-server version that runs. */
  declare readonly serverVersion: pulumi.Output<string>;

  constructor(name: string, args: RolloutArgs, options: pulumi.CustomResourceOptions = {}) {
    const outputs = { revision: undefined, reported: undefined, serverVersion: undefined };
    const secretly = pulumi.mergeOptions(options, { additionalSecretOutputs: ["access", "connection", "settings"] });
    super(rolloutProvider, name, { ...outputs, ...args }, secretly, "natsbus/kubernetes", "Rollout");
  }
}
