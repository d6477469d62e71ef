/** The gate between two containers as a Pulumi resource. */
import * as pulumi from "@pulumi/pulumi";
import type { ContainerGateInputs } from "./model.ts";
import { containerGateProvider } from "./provider.ts";

/** Arguments of {@link ContainerGate}; see {@link ContainerGateInputs} for their meaning. */
export type ContainerGateArgs = { readonly [Key in keyof ContainerGateInputs]: pulumi.Input<ContainerGateInputs[Key]> };

/**
 * Lets what depends on it be replaced only when all servers are current; passed without a look when it is made, for a new cluster has no current server before its last. Deleting it touches nothing.
 *
 * @example
 * const gate = new ContainerGate("bus-gate-n1", { connection, servers: ["n1", "n2", "n3"], revision: first.id }, { dependsOn: [first] });
 */
export class ContainerGate extends pulumi.dynamic.Resource {
  constructor(name: string, args: ContainerGateArgs, options: pulumi.CustomResourceOptions = {}) {
    const secretly = pulumi.mergeOptions(options, { additionalSecretOutputs: ["connection"] });
    super(containerGateProvider, name, { ...args }, secretly, "natsbus/docker", "ContainerGate");
  }
}
