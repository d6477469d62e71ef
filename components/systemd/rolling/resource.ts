/** The rolling restart over several hosts as a Pulumi resource. */
import * as pulumi from "@pulumi/pulumi";
import type { HostRolloutInputs } from "./model.ts";
import { hostRolloutProvider } from "./provider.ts";

/** Arguments of {@link HostRollout}; see {@link HostRolloutInputs} for their meaning. */
export type HostRolloutArgs = { readonly [Key in keyof HostRolloutInputs]: pulumi.Input<HostRolloutInputs[Key]> };

/**
 * Brings the servers of all hosts to what is installed there, one restart at a time behind the gate. It must depend on the installations, which restart nothing. Deleting it touches nothing.
 *
 * @example
 * const ready = new HostRollout("bus-rollout", { cluster: "bus", hosts: [{ host, servers: ["n1"] }], revision: digest }, { dependsOn: installed });
 */
export class HostRollout extends pulumi.dynamic.Resource {
  constructor(name: string, args: HostRolloutArgs, options: pulumi.CustomResourceOptions = {}) {
    super(hostRolloutProvider, name, { ...args }, options, "natsbus/systemd", "HostRollout");
  }
}
