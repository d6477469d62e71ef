import * as pulumi from "@pulumi/pulumi";
import type { ConnectionSpec } from "../../core/connection.ts";
import type { SeenCluster } from "./look.ts";
import { existingProvider } from "./provider.ts";

/** Arguments of {@link ExistingCluster}. */
export interface ExistingClusterArgs extends SeenCluster {
  /** Connection of the user that makes the streams. */
  readonly connection: pulumi.Input<ConnectionSpec>;
  /** Connection of a system account user, to learn every server's name.
   * @default - servers are not counted */
  readonly system?: pulumi.Input<ConnectionSpec>;
  /** Whether natsbus makes accounts; `connection` then has no login. */
  readonly signed: boolean;
}

/**
 * A cluster that natsbus did not make: looked at, never changed, never deleted.
 *
 * @example
 * const connection = { servers: ["tls://nats.example.com:4222"], creds };
 * const cluster = new ExistingCluster("bus-cluster", { connection, signed: false, ...(await lookAtCluster({ connection }, 3)) });
 */
export class ExistingCluster extends pulumi.dynamic.Resource {
  /** Client URLs. */
  declare readonly urls: pulumi.Output<readonly string[]>;
  /** Names of all servers; empty without a system account user. */
  declare readonly servers: pulumi.Output<readonly string[]>;
  /** nats-server version of the server that answered. */
  declare readonly serverVersion: pulumi.Output<string>;

  constructor(name: string, args: ExistingClusterArgs, options: pulumi.CustomResourceOptions = {}) {
    const outputs = { urls: undefined };
    const secretly = pulumi.mergeOptions(options, { additionalSecretOutputs: ["connection", "system"] });
    super(existingProvider, name, { ...outputs, ...args }, secretly, "natsbus/existing", "ExistingCluster");
  }
}
