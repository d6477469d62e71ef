/** Everything a bus declares on a Kubernetes cluster, as plain objects: the one plan behind the Pulumi resources and the rendered files. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { BusError } from "../../core/errors.ts";
import { hasRoutes, objectNames } from "../../core/kubernetes-names.ts";
import { certificateRequests, exposures } from "./exposure.ts";
import { type Component, metadataOf } from "./labels.ts";
import { type Manifest, type ManifestTransform, manifestKey, patchManifest, unusedPatches } from "./manifest.ts";
import { networkPolicies } from "./network-policy.ts";
import { autoscalers } from "./scaling.ts";
import { certificateFiles, configFiles, type Material, routeFiles } from "./server-files.ts";
import { toolboxDeployment, toolboxFiles } from "./toolbox.ts";
import { disruptionBudget, namespaceObject, serviceAccount, services, statefulSet } from "./workload.ts";

/** A Secret whose content exists only once keys and certificates are made. */
export interface SecretPlan {
  /** The Secret without its content. */
  readonly manifest: Manifest;
  /** Map keyed by entry: its content. */
  readonly content: (material: Material) => Readonly<Record<string, string>>;
}

/** Everything that is declared, in the order it is applied. */
export interface KubernetesPlan {
  /** What must be there before the servers. */
  readonly before: readonly Manifest[];
  /** Secrets. */
  readonly secrets: readonly SecretPlan[];
  /** The servers, and everything else. */
  readonly after: readonly Manifest[];
}

/** Changes and additions of a program, beyond those of the stack file. */
export interface PlanOptions {
  /** Changes each object but the content of Secrets.
   * @default - none */
  readonly transform?: ManifestTransform;
  /** Further objects, for instance those that watch the bus.
   * @default - none */
  readonly further?: KubernetesPlan;
}

const NOTHING: KubernetesPlan = { before: [], secrets: [], after: [] };

/**
 * The plan of a bus.
 * @throws ERR_CONFIG_VALUE when a patch fits no object, ERR_CONFIG_CONFLICT when two objects have one name
 */
export function planKubernetes(spec: BusSpec, options: PlanOptions = {}): KubernetesPlan {
  const { createNamespace, disruptionBudget: hasBudget, networkPolicy, toolbox, patches, extraObjects } = spec.kubernetes;
  const { transform = (manifest) => manifest, further = NOTHING } = options;
  const finish = (manifest: Manifest): Manifest => transform(patchManifest(manifest, patches));
  const before = [
    ...(createNamespace ? [namespaceObject(spec)] : []),
    serviceAccount(spec),
    ...(networkPolicy.enabled ? networkPolicies(spec) : []),
    ...services(spec),
    ...(hasBudget ? [disruptionBudget(spec)] : []),
    ...certificateRequests(spec),
    ...further.before,
  ];
  const secrets = [...planSecrets(spec), ...further.secrets];
  const after = [
    statefulSet(spec),
    ...(toolbox.enabled ? [toolboxDeployment(spec)] : []),
    ...exposures(spec),
    ...autoscalers(spec),
    ...further.after,
    ...(extraObjects as Manifest[]),
  ];
  const all = [...before, ...secrets.map(({ manifest }) => manifest), ...after];
  assertUseful(all, spec);
  assertDistinct(all);
  return {
    before: before.map(finish),
    secrets: secrets.map((secret) => ({ ...secret, manifest: finish(secret.manifest) })),
    after: after.map(finish),
  };
}

/** Every object with the content of its Secrets, in the order it is applied. */
export function fillPlan(plan: KubernetesPlan, material: Material): readonly Manifest[] {
  return [...plan.before, ...plan.secrets.map((secret) => fillSecret(secret, material)), ...plan.after];
}

/** A Secret with its content, as `data`: of `stringData` an entry that is gone would stay on the cluster. */
export function fillSecret({ manifest, content }: SecretPlan, material: Material): Manifest {
  const entries = Object.entries(content(material)).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  return { ...manifest, data: Object.fromEntries(entries) as Readonly<Record<string, string>> };
}

/** A Secret of a part. */
export function planSecret(
  spec: BusSpec,
  name: string,
  { content, component }: { readonly content: SecretPlan["content"]; readonly component: Component },
): SecretPlan {
  const metadata = metadataOf(spec, name, { component });
  return { manifest: { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque" }, content };
}

function planSecrets(spec: BusSpec): SecretPlan[] {
  const { config, tls, routes, toolbox } = objectNames(spec);
  const secret = (name: string, content: SecretPlan["content"], component: Component = "server") =>
    planSecret(spec, name, { content, component });
  return [
    // The certificates first: a configuration must never name files that are not there yet.
    ...(spec.kubernetes.certificates.source === "own" ? [secret(tls, (material) => certificateFiles(spec, material))] : []),
    ...(hasRoutes(spec) ? [secret(routes, (material) => routeFiles(spec, material))] : []),
    secret(config, (material) => configFiles(spec, material)),
    ...(spec.kubernetes.toolbox.enabled ? [secret(toolbox, (material) => toolboxFiles(spec, material), "toolbox")] : []),
  ];
}

function assertUseful(manifests: readonly Manifest[], spec: BusSpec): void {
  const [unused] = unusedPatches(manifests, spec.kubernetes.patches);
  if (unused === undefined) return;
  const which = unused.name === undefined ? unused.kind : `${unused.kind} ${unused.name}`;
  const kinds = [...new Set(manifests.map(({ kind }) => kind))].join(", ");
  throw new BusError("ERR_CONFIG_VALUE", `kubernetes.patches: no ${which} is declared; declared are ${kinds}`, {
    path: "kubernetes.patches",
    remedy: "correct kind and name",
  });
}

function assertDistinct(manifests: readonly Manifest[]): void {
  const seen = new Set<string>();
  for (const manifest of manifests) {
    const key = manifestKey(manifest);
    if (seen.has(key)) {
      throw new BusError("ERR_CONFIG_CONFLICT", `kubernetes.extraObjects: ${manifest.kind} ${manifest.metadata.name} is declared twice`, {
        path: "kubernetes.extraObjects",
        remedy: "give it another name, or change natsbus's own object with kubernetes.patches",
      });
    }
    seen.add(key);
  }
}
