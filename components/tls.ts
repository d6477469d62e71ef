/** Certificates of a bus as Pulumi resources: an authority of its own and one certificate a server. */
import * as pulumi from "@pulumi/pulumi";
import type { Validity } from "../core/validity.ts";
import { authorityProvider, serversProvider } from "./tls/provider.ts";

const MODULE = "natsbus/tls";

/** Arguments of {@link CertificateAuthority}. */
export interface CertificateAuthorityArgs {
  /** Name in the authority's certificate, for instance `natsbus dev`. */
  readonly name: pulumi.Input<string>;
  /** Lifetime in milliseconds. */
  readonly validityMs: pulumi.Input<number>;
  /** Time before its end at which `up` makes a new authority, in milliseconds. Both are trusted until the old one ends. */
  readonly renewBeforeMs: pulumi.Input<number>;
}

/**
 * A certificate authority of the bus's own (ECDSA P-256). It is renewed by the first `up` within its renewal window; a preview shows that as a change of `validity`.
 *
 * @example
 * const authority = new CertificateAuthority("bus-authority", { name: "natsbus dev", validityMs: 3650 * 86_400_000, renewBeforeMs: 365 * 86_400_000 });
 * export const ca = authority.bundle;
 */
export class CertificateAuthority extends pulumi.dynamic.Resource {
  /** Certificate of the authority, PEM. */
  declare readonly certificate: pulumi.Output<string>;
  /** Everything clients and servers must trust, PEM. */
  declare readonly bundle: pulumi.Output<string>;
  /** Private key, PEM; a secret. */
  declare readonly key: pulumi.Output<string>;
  /** Certificate that links this authority to the one before it, PEM; empty when there is none. */
  declare readonly link: pulumi.Output<string>;
  /** When it was made and when it ends. */
  declare readonly validity: pulumi.Output<Required<Validity>>;

  constructor(name: string, args: CertificateAuthorityArgs, options: pulumi.CustomResourceOptions = {}) {
    const outputs = { certificate: undefined, bundle: undefined, key: undefined, link: undefined, validity: undefined };
    super(authorityProvider, name, { ...outputs, ...args }, secretly(options, ["key"]), MODULE, "CertificateAuthority");
  }
}

/** Arguments of {@link ServerCertificates}. */
export interface ServerCertificatesArgs {
  /** Who signs. */
  readonly authority: CertificateAuthority;
  /** Map keyed by node: names and addresses its certificate covers; see `serverHosts`. */
  readonly nodes: pulumi.Input<Record<string, pulumi.Input<readonly string[]>>>;
  /** Lifetime in milliseconds; a certificate never outlives its authority. */
  readonly validityMs: pulumi.Input<number>;
  /** Time before its end at which `up` renews a certificate, in milliseconds. */
  readonly renewBeforeMs: pulumi.Input<number>;
}

/**
 * Certificates of all servers of a cluster, for clients and for routes. One resource, because a resource a node would cost more time than all certificates together;
 * each node's certificate is still renewed on its own.
 *
 * @example
 * const certificates = new ServerCertificates("bus-certificates", { authority, nodes: { n1: ["n1", "localhost", "127.0.0.1"] }, validityMs: 365 * 86_400_000, renewBeforeMs: 30 * 86_400_000 });
 */
export class ServerCertificates extends pulumi.dynamic.Resource {
  /** Map keyed by node: certificate chain, PEM. */
  declare readonly certificates: pulumi.Output<Readonly<Record<string, string>>>;
  /** Map keyed by node: private key, PEM; a secret. */
  declare readonly keys: pulumi.Output<Readonly<Record<string, string>>>;
  /** Map keyed by node: when its certificate was made and when it ends. */
  declare readonly validity: pulumi.Output<Readonly<Record<string, Required<Validity>>>>;

  constructor(name: string, args: ServerCertificatesArgs, options: pulumi.CustomResourceOptions = {}) {
    const { certificate, key, link } = args.authority;
    const outputs = { certificates: undefined, keys: undefined, validity: undefined };
    const inputs = { ...outputs, ...args, authority: { certificate, key, link } };
    super(serversProvider, name, inputs, secretly(options, ["keys", "authority"]), MODULE, "ServerCertificates");
  }
}

function secretly(options: pulumi.CustomResourceOptions, names: readonly string[]): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(options, { additionalSecretOutputs: [...names] });
}
