/** Plain Kubernetes objects as Pulumi resources: one resource an object, under names that never change. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { BusSpec } from "../../core/bus-spec.ts";
import type { Manifest } from "./manifest.ts";
import type { KubernetesPlan } from "./plan.ts";
import type { Material } from "./server-files.ts";

/** Arguments of {@link KubernetesObjects}. */
export interface KubernetesObjectsArgs {
  /** The bus. */
  readonly spec: BusSpec;
  /** What is declared. */
  readonly plan: KubernetesPlan;
  /** Content of the Secrets. */
  readonly material: pulumi.Input<Material>;
  /** What must have agreed before anything is made or changed. */
  readonly guard: pulumi.Resource;
}

interface ObjectArgs {
  readonly metadata: Manifest["metadata"];
  readonly [key: string]: unknown;
}

type ObjectClass = new (name: string, args: ObjectArgs, options: pulumi.CustomResourceOptions) => pulumi.CustomResource;

// The provider's own classes know how a kind was called before; other kinds are custom resources.
const CLASSES: Readonly<Record<string, ObjectClass>> = {
  "v1/Namespace": k8s.core.v1.Namespace as unknown as ObjectClass,
  "v1/Secret": k8s.core.v1.Secret as unknown as ObjectClass,
  "v1/ConfigMap": k8s.core.v1.ConfigMap as unknown as ObjectClass,
  "v1/Service": k8s.core.v1.Service as unknown as ObjectClass,
  "v1/ServiceAccount": k8s.core.v1.ServiceAccount as unknown as ObjectClass,
  "apps/v1/StatefulSet": k8s.apps.v1.StatefulSet as unknown as ObjectClass,
  "apps/v1/Deployment": k8s.apps.v1.Deployment as unknown as ObjectClass,
  "policy/v1/PodDisruptionBudget": k8s.policy.v1.PodDisruptionBudget as unknown as ObjectClass,
  "networking.k8s.io/v1/NetworkPolicy": k8s.networking.v1.NetworkPolicy as unknown as ObjectClass,
  "networking.k8s.io/v1/Ingress": k8s.networking.v1.Ingress as unknown as ObjectClass,
  "autoscaling/v2/HorizontalPodAutoscaler": k8s.autoscaling.v2.HorizontalPodAutoscaler as unknown as ObjectClass,
};

/**
 * Everything a bus declares on a Kubernetes cluster. Pulumi's `transforms` option on this component sees every object.
 *
 * @example
 * const objects = new KubernetesObjects("bus-kubernetes", { spec, plan: planKubernetes(spec), material });
 */
export class KubernetesObjects extends pulumi.ComponentResource {
  /** The StatefulSet of the servers. */
  readonly servers: pulumi.Resource;

  constructor(name: string, args: KubernetesObjectsArgs, options: pulumi.ComponentResourceOptions = {}) {
    super("natsbus:kubernetes:Objects", name, {}, options);
    const { spec, plan } = args;
    const provider = createProvider(name, spec, this);
    const own = { parent: this, provider, dependsOn: [args.guard] };
    const [namespaces, others] = splitBy(plan.before, ({ kind }) => kind === "Namespace");
    // Destroying the stack must not take the volumes along, and they go with their namespace.
    const first = namespaces.map((manifest) => createObject(name, manifest, { ...own, retainOnDelete: true }));
    const inside = { ...own, dependsOn: [args.guard, ...first] };
    const before = others.map((manifest) => createObject(name, manifest, inside));
    const secrets = plan.secrets.map(({ manifest, content }) =>
      createObject(name, { ...manifest, stringData: pulumi.secret(pulumi.output(args.material).apply(content)) }, inside),
    );
    const ready = { ...own, dependsOn: [...first, ...before, ...secrets] };
    const after = plan.after.map((manifest) => createObject(name, manifest, optionsOf(manifest, ready)));
    this.servers = after[0] ?? this;
    this.registerOutputs({});
  }
}

/** The provider with the options without which a changed Secret would replace the servers, and a change by hand would stop every update. */
function createProvider(name: string, { kubernetes, project, stack }: BusSpec, parent: pulumi.Resource): k8s.Provider {
  const { kubeconfig, context } = kubernetes;
  return new k8s.Provider(
    `${name}-provider`,
    {
      ...(kubeconfig === undefined ? {} : { kubeconfig: pulumi.secret(kubeconfig) }),
      ...(context === undefined ? {} : { context }),
      enableConfigMapMutable: true,
      enableSecretMutable: true,
      enablePatchForce: true,
      // Another address of the same cluster must not replace everything.
      clusterIdentifier: `${project}/${stack}`,
    },
    { parent },
  );
}

function optionsOf({ kind }: Manifest, options: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
  // Claims are grown in place; a changed template would replace the set.
  return kind === "StatefulSet" ? { ...options, ignoreChanges: ["spec.volumeClaimTemplates"] } : options;
}

function createObject(prefix: string, manifest: Manifest, options: pulumi.CustomResourceOptions): pulumi.Resource {
  const { apiVersion, kind, ...args } = manifest;
  const Class = CLASSES[`${apiVersion}/${kind}`];
  const name = resourceName(prefix, manifest);
  if (Class !== undefined) return new Class(name, args, options);
  return new k8s.apiextensions.CustomResource(name, { apiVersion, kind, ...args }, options);
}

/** Pulumi's name of an object: it stays the same as long as kind and name do. */
export function resourceName(prefix: string, { kind, metadata }: Pick<Manifest, "kind" | "metadata">): string {
  return `${prefix}-${kind.toLowerCase()}-${metadata.name}`;
}

function splitBy<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
