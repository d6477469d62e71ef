/** The whole bus as one component: certificates, identities, servers, accounts, streams. */
import * as pulumi from "@pulumi/pulumi";
import { createExistingBus, type ExistingOutputs, type ExistingPlace } from "./existing/bus.ts";
import { openExisting } from "./existing/open.ts";
import { connectionTo, createIdentity } from "./identity.ts";
import type { Identity } from "./identity-model.ts";
import { createJetStream } from "./jetstream.ts";
import { declaredPart } from "./part.ts";
import type { ResolvedBus } from "./resolve.ts";
import type { Target, TargetOutputs } from "./target.ts";
import { loadTarget } from "./targets.ts";
import { CertificateAuthority, ServerCertificates } from "./tls.ts";

/** What a bus is made from. */
export interface MessageBusArgs {
  /** The bus, complete and checked; see `resolveBus`. */
  readonly bus: ResolvedBus;
}

/**
 * A message bus: servers on the configured target, everything encrypted, identities, and what lives inside.
 *
 * @example
 * const bus = resolveBus(pulumi.runtime.allConfig(), { stack: "dev", project: "natsbus" }, { streams: catalog, accounts: ACCOUNTS });
 * export const { servers } = await MessageBus.create("bus", { bus });
 */
export class MessageBus extends pulumi.ComponentResource {
  /** Client URLs of all servers. */
  declare readonly servers: pulumi.Output<readonly string[]>;
  /** Monitor URLs of all servers, where they can be reached from here. */
  declare readonly monitorUrls: pulumi.Output<readonly string[]>;
  /** nats-server version that runs. */
  declare readonly serverVersion: pulumi.Output<string>;
  /** Map keyed by user name: path of its credentials file, relative to the project. */
  declare readonly credentials: pulumi.Output<Readonly<Record<string, string>>>;
  /** Authorities that clients must trust, a PEM bundle. */
  declare readonly ca: pulumi.Output<string>;

  private constructor(name: string, { bus }: MessageBusArgs, place: Target | ExistingPlace, options: pulumi.ComponentResourceOptions) {
    super("natsbus:components:MessageBus", name, {}, options);
    const parent = { parent: this };
    const outputs = "hosts" in place ? createBus(name, bus, place, parent) : createExistingBus(name, { bus, ...place }, parent);
    Object.assign(this, outputs);
    this.registerOutputs(outputs);
  }

  /**
   * Makes a bus on the target its configuration names; only that target's code is loaded.
   */
  static async create(name: string, args: MessageBusArgs, options: pulumi.ComponentResourceOptions = {}): Promise<MessageBus> {
    const { spec } = args.bus;
    if (spec.target === "existing") return new MessageBus(name, args, await openExisting(args.bus), options);
    const target = await loadTarget(spec.target);
    await target.check?.(args.bus);
    return new MessageBus(name, args, target, options);
  }
}

function createBus(name: string, bus: ResolvedBus, target: Target, parent: pulumi.CustomResourceOptions): ExistingOutputs {
  const { certificates, authority } = createCertificates(name, bus, target, parent);
  const foreign = target.foreignAuthority?.(bus.spec);
  const ca = foreign === undefined ? authority.bundle : pulumi.output(foreign);
  const identity = createIdentity(bus, { name, options: parent, bundle: ca });
  const cluster = target.create(
    name,
    {
      spec: bus.spec,
      bus,
      identity: identity.target,
      authority: authority.bundle,
      certificates: certificates.certificates,
      keys: certificates.keys,
      credentials: identity.credentials,
      system: identity.system,
    },
    parent,
  );
  // Without servers nothing can be made inside them.
  if (declaredPart() !== "keys") createInside(name, { bus, target, cluster, identity, ca }, parent);
  const { servers, monitorUrls, serverVersion } = cluster;
  return { servers, monitorUrls, serverVersion, credentials: identity.files, ca };
}

function createCertificates(name: string, { spec }: ResolvedBus, target: Target, options: pulumi.CustomResourceOptions) {
  const { tls } = spec;
  const authority = new CertificateAuthority(
    `${name}-authority`,
    { name: `${spec.project} ${spec.stack}`, validityMs: tls.authorityValidityMs, renewBeforeMs: tls.authorityRenewBeforeMs },
    options,
  );
  const nodes = target.hosts(spec) as Record<string, readonly string[]>;
  const leaf = { authority, nodes, validityMs: tls.validityMs, renewBeforeMs: tls.renewBeforeMs };
  return { authority, certificates: new ServerCertificates(`${name}-certificates`, leaf, options) };
}

interface Inside {
  readonly bus: ResolvedBus;
  readonly target: Target;
  readonly cluster: TargetOutputs;
  readonly identity: Identity;
  readonly ca: pulumi.Output<string>;
}

function createInside(name: string, { bus, target, cluster, identity, ca }: Inside, parent: pulumi.CustomResourceOptions): void {
  const { spec, streams } = bus;
  // What lives inside the servers goes with them, so destroying a bus does not delete it piece by piece.
  const inside = { ...parent, dependsOn: [cluster.ready], deletedWith: cluster.ready };
  const { servers, forward } = cluster;
  // Servers that an autoscaler may add are not waited for.
  const nodes = Object.keys(target.hosts(spec)).slice(0, spec.cluster.servers);
  const reachable = { servers, forward, ca: spec.tls.clients ? ca : undefined, nodes, inside };
  const accounts = identity.push(reachable);
  const { domain } = spec.jetstream;
  const connection = connectionTo(reachable, identity.admin, domain === undefined ? {} : { domain });
  const made = createJetStream(streams, { name, connection, options: { ...inside, dependsOn: [cluster.ready, ...accounts] } });
  // Whoever watches is ended before what is watched.
  if (spec.monitoring.enabled)
    target.watch?.(`${name}-monitoring`, { bus, credentials: identity.files }, { ...parent, dependsOn: [cluster.ready, ...made] });
}
