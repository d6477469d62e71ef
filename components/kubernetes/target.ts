/** The `kubernetes` target: the servers are pods of a StatefulSet. */
import * as pulumi from "@pulumi/pulumi";
import type { BusSpec } from "../../core/bus-spec.ts";
import { assertNoProblems } from "../../core/errors.ts";
import { declaredPart } from "../part.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { Guard, Rollout } from "../rollout/resource.ts";
import { guardWish, rolloutPlace, rolloutWish } from "../rollout/wish.ts";
import type { ServerIdentity } from "../server-plan.ts";
import { systemConnection } from "../system-connection.ts";
import type { Target, TargetArgs, TargetOutputs } from "../target.ts";
import { type ClusterFacts, readClusterFacts } from "./cluster-facts.ts";
import { clusterProblems } from "./preflight.ts";
import { kubernetesReach } from "./reach.ts";
import { type Material, serverHosts } from "./server-files.ts";
import { planBus } from "./watching.ts";

type ObjectsClass = typeof import("./resources.ts").KubernetesObjects;

/**
 * Servers as pods of a Kubernetes cluster. The package of the Kubernetes resources is large, and whoever applies rendered files does without it.
 *
 * @example
 * const target = await loadKubernetesTarget();
 * const { servers, ready } = target.create("bus", { spec, identity, authority: ca.bundle, certificates: leaf.certificates, keys: leaf.keys, credentials }, { parent });
 */
export async function loadKubernetesTarget(): Promise<Target> {
  const objects = declaredPart() === "all" ? (await import("./resources.ts")).KubernetesObjects : undefined;
  return {
    hosts: serverHosts,
    foreignAuthority,
    check: objects === undefined ? async () => undefined : checkCluster,
    create: (name, args, options) => createTarget(name, args, options, objects),
  };
}

/** The authority of certificates that cert-manager or somebody else makes; empty for those of the system. */
function foreignAuthority({ kubernetes }: BusSpec): string | undefined {
  const { source, authority = "" } = kubernetes.certificates;
  return source === "own" ? undefined : authority;
}

/** Tells at preview what the cluster would refuse; a cluster that does not answer is no reason to stop a preview. */
async function checkCluster(bus: ResolvedBus): Promise<void> {
  let facts: ClusterFacts;
  try {
    facts = await readClusterFacts(bus.spec);
  } catch (error) {
    void pulumi.log.info(`the Kubernetes cluster was not asked whether it has what the bus needs: ${reasonOf(error)}`);
    return;
  }
  assertNoProblems(clusterProblems(bus.spec, facts, planBus(bus)));
}

/** One line; of a request that failed as a whole, what is behind it. */
function reasonOf(error: unknown): string {
  const { message = String(error), cause } = error as Error;
  const said = cause instanceof Error && cause.message !== "" ? cause.message : message;
  return said.split("\n", 1)[0] ?? said;
}

function createTarget(
  name: string,
  args: TargetArgs,
  options: pulumi.CustomResourceOptions | undefined,
  Objects: ObjectsClass | undefined,
): TargetOutputs {
  const { spec } = args;
  // Mistakes in patches and objects are told whoever applies them.
  const plan = planBus(args.bus);
  const own = `${name}-kubernetes`;
  const material = materialOf(args);
  const wish = guardWish(spec);
  const guard = new Guard(`${name}-guard`, { ...wish, access: pulumi.secret(wish.access), ...askedBy(args) }, options);
  const objects = Objects === undefined ? new AppliedByOthers(own, options) : new Objects(own, { spec, plan, material, guard }, options);
  // Keys are made without a look at servers.
  const ready = declaredPart() === "keys" ? objects : createRollout(name, args, { ...options, dependsOn: [guard, objects] });
  return {
    ...reachOf(spec),
    monitorUrls: pulumi.output([]),
    serverVersion: pulumi.output(spec.cluster.version),
    ready,
  };
}

/** Whoever applies the objects: only the rollout restarts servers, one at a time. */
function createRollout(name: string, args: TargetArgs, options: pulumi.CustomResourceOptions): Rollout {
  const { spec } = args;
  const wish = materialOf(args).apply((material) => rolloutWish(spec, material));
  const secrets = { settings: pulumi.secret(wish.settings), digests: wish.digests };
  const place = rolloutPlace(spec);
  return new Rollout(`${name}-rollout`, { ...place, access: pulumi.secret(place.access), ...secrets, ...askedBy(args) }, options);
}

/** How servers are asked about themselves. */
function askedBy({ spec, authority, system }: TargetArgs): ReturnType<typeof systemConnection> {
  const { servers, forward } = reachOf(spec);
  const trusted = foreignAuthority(spec) ?? authority;
  // Nothing for the system's own authorities.
  const ca = spec.tls.clients && trusted !== "" ? { ca: pulumi.output(trusted) } : {};
  const own = { ...(forward === undefined ? {} : { forward }), ...ca };
  return systemConnection(
    system,
    servers.apply((urls) => ({ servers: urls, ...own })),
  );
}

/** Stands for the servers when their objects are applied from files. */
class AppliedByOthers extends pulumi.ComponentResource {
  constructor(name: string, options: pulumi.ComponentResourceOptions = {}) {
    super("natsbus:kubernetes:AppliedByOthers", name, {}, options);
    this.registerOutputs({});
  }
}

function materialOf({ identity, authority, certificates, keys, credentials }: TargetArgs): pulumi.Output<Material> {
  return pulumi.all([identity, authority, certificates, keys, credentials]).apply(([who, bundle, chains, secrets, users]) => ({
    identity: who as ServerIdentity,
    authority: bundle,
    certificates: chains,
    keys: secrets,
    credentials: users,
  }));
}

/** How natsbus itself reaches the servers. */
function reachOf(spec: BusSpec): Pick<TargetOutputs, "servers" | "forward"> {
  const { servers, ...way } = kubernetesReach(spec);
  return { servers: pulumi.output(servers), ...way };
}
