import * as pulumi from "@pulumi/pulumi";

/** Stands for servers that somebody else sets up from rendered files. */
export class AppliedByOthers extends pulumi.ComponentResource {
  constructor(target: string, name: string, options: pulumi.ComponentResourceOptions = {}) {
    super(`natsbus:${target}:AppliedByOthers`, name, {}, options);
    this.registerOutputs({});
  }
}
