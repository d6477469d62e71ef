/** What would fail on the cluster although the stack file is sound, told at preview. Pure: the cluster's answers are handed in. */
import type { BusSpec } from "../../core/bus-spec.ts";
import type { Problem } from "../../core/errors.ts";
import { renderSize } from "../../core/units.ts";
import { type ClusterFacts, foreignSecrets } from "./cluster-facts.ts";
import type { KubernetesPlan } from "./plan.ts";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};
const OWN_GROUPS = /^(apps|batch|autoscaling|policy|networking\.k8s\.io|)$/;

/** What defines the kinds of other projects, and the setting that asks for them. */
const DEFINED_BY: Readonly<Record<string, readonly [project: string, path: string]>> = {
  "monitoring.coreos.com": ["the Prometheus Operator", "monitoring.enabled"],
  "grafana.integreatly.org": ["the Grafana Operator", "kubernetes.monitoring.dashboards"],
  "cert-manager.io": ["cert-manager", "kubernetes.certificates.source"],
  "gateway.networking.k8s.io": ["the Gateway API", "kubernetes.listeners"],
  "keda.sh": ["KEDA", "kubernetes.autoscaling.workers"],
  "autoscaling.k8s.io": ["the VerticalPodAutoscaler", "kubernetes.autoscaling.recommend"],
};

/**
 * Everything wrong between a bus and the cluster it is to run on.
 * @param plan what is to be declared there
 */
export function clusterProblems(spec: BusSpec, facts: ClusterFacts, plan: KubernetesPlan): readonly Problem[] {
  return [
    ...namespaceProblems(spec, facts),
    ...storageClassProblems(spec, facts),
    ...claimProblems(spec, facts),
    ...priorityProblems(spec, facts),
    ...secretProblems(spec, facts),
    ...groupProblems(plan, facts),
  ];
}

function namespaceProblems({ kubernetes }: BusSpec, { namespace }: ClusterFacts): Problem[] {
  const path = "kubernetes.namespace";
  if (namespace?.deleting === true)
    return [missing(path, `the namespace "${kubernetes.namespace}" is being deleted`, "wait until it is gone, or choose another")];
  if (namespace !== undefined || kubernetes.createNamespace) return [];
  return [missing(path, `there is no namespace "${kubernetes.namespace}"`, "make it, or turn kubernetes.createNamespace on")];
}

function storageClassProblems({ kubernetes }: BusSpec, { storageClasses }: ClusterFacts): Problem[] {
  const { className, ephemeral } = kubernetes.storage;
  const path = "kubernetes.storage.className";
  const known = storageClasses.map(({ name }) => name).join(", ") || "none";
  if (ephemeral) return [];
  if (className === undefined) {
    if (storageClasses.some(({ isDefault }) => isDefault)) return [];
    return [missing(path, `no storage class is named, and the cluster has no default one; it has ${known}`, "name one")];
  }
  if (storageClasses.some(({ name }) => name === className)) return [];
  return [missing(path, `there is no storage class "${className}"; the cluster has ${known}`, "name one of them")];
}

/** A claim never shrinks, and grows only where its class allows it. */
function claimProblems({ kubernetes }: BusSpec, { claims, storageClasses }: ClusterFacts): Problem[] {
  const { sizeBytes } = kubernetes.storage;
  const path = "kubernetes.storage.size";
  return claims.flatMap(({ name, storage, storageClass }): Problem[] => {
    const has = quantityBytes(storage);
    if (has === undefined || has === sizeBytes) return [];
    if (has > sizeBytes) {
      const message = `the claim ${name} has ${storage}, and a claim cannot shrink to ${renderSize(sizeBytes)}`;
      return [{ code: "ERR_STORAGE", path, message, remedy: `set it to ${storage.replace(/i$/, "iB")} or more` }];
    }
    if (storageClasses.find((candidate) => candidate.name === storageClass)?.grows !== false) return [];
    const message = `the claim ${name} of ${storage} cannot grow: its storage class ${storageClass} does not allow it`;
    return [{ code: "ERR_STORAGE", path, message, remedy: "keep the size, or move the data to a class that allows expansion" }];
  });
}

function priorityProblems({ kubernetes }: BusSpec, { priorityClasses }: ClusterFacts): Problem[] {
  const { priorityClass } = kubernetes.scheduling;
  if (priorityClass === undefined || priorityClasses.includes(priorityClass)) return [];
  const message = `there is no priority class "${priorityClass}"; the cluster has ${priorityClasses.join(", ")}`;
  return [missing("kubernetes.scheduling.priorityClass", message, "name one of them")];
}

function secretProblems(spec: BusSpec, { secrets }: ClusterFacts): Problem[] {
  return foreignSecrets(spec).flatMap(({ name, path, entries }): Problem[] => {
    const has = secrets[name];
    if (has === undefined) return [missing(path, `there is no Secret "${name}" in the namespace`, `make it with ${entries.join(", ")}`)];
    const absent = entries.filter((entry) => !has.includes(entry));
    if (absent.length === 0) return [];
    return [missing(path, `the Secret "${name}" has no ${absent.join(" and no ")}; it has ${has.join(", ") || "nothing"}`, "complete it")];
  });
}

/** Kinds of other projects: without their definitions an update would wait a minute and fail. */
function groupProblems({ before, after }: KubernetesPlan, { groups }: ClusterFacts): Problem[] {
  const wanted = new Map([...before, ...after].map(({ apiVersion, kind }) => [groupOf(apiVersion), kind] as const));
  return [...wanted]
    .filter(([group]) => !OWN_GROUPS.test(group) && !groups.includes(group))
    .map(([group, kind]) => {
      const [project, path] = DEFINED_BY[group] ?? ["what defines them", "kubernetes.extraObjects"];
      return missing(path, `the cluster does not know ${kind} objects (${group})`, `install ${project}, or change ${path}`);
    });
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

function quantityBytes(quantity: string): number | undefined {
  const [, number, unit = ""] = /^(\d+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = UNITS[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

function missing(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_KUBERNETES_OBJECT", path, message, remedy };
}
