import * as pulumi from "@pulumi/pulumi";
import type { ForwardingProvider } from "./provider.ts";

/** A dynamic resource whose provider is given as text; `pulumi.dynamic.Resource` makes that from functions. */
export abstract class Forwarded extends pulumi.CustomResource {
  constructor({ type, text }: ForwardingProvider, name: string, inputs: pulumi.Inputs, options: pulumi.CustomResourceOptions) {
    super(`pulumi-nodejs:dynamic/natsbus/streams:${type}`, name, { ...inputs, __provider: text }, options);
  }
}
