/** What a bus on Kubernetes wants of its rollout. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import type { KubernetesAccess } from "../../core/forward.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { serverDigests, steadyServers } from "../kubernetes/digests.ts";
import { type Material, serverConfig } from "../kubernetes/server-files.ts";
import type { GuardInputs } from "./guard.ts";
import type { RolloutInputs } from "./model.ts";

/** The part of a rollout that needs no keys. */
export function rolloutPlace(spec: BusSpec): Pick<RolloutInputs, "access" | "namespace" | "set" | "servers" | "version" | "claim"> {
  const { storage, namespace } = spec.kubernetes;
  const { set, claim } = objectNames(spec);
  return {
    access: accessOf(spec),
    namespace,
    set,
    servers: steadyServers(spec),
    version: spec.cluster.version,
    ...(storage.ephemeral ? {} : { claim: { name: claim, sizeBytes: storage.sizeBytes } }),
  };
}

/** What each server is to run with, and the digest it reports then; empty where the pod's environment is part of it. */
export function rolloutWish(spec: BusSpec, material: Material): Pick<RolloutInputs, "settings" | "digests"> {
  const settings = steadyServers(spec).map((server) => [server, serverConfig(spec, server, material)] as const);
  return { settings: Object.fromEntries(settings), digests: serverDigests(spec, material) };
}

/** What must not change, or only in small steps. */
export function guardWish(spec: BusSpec): Omit<GuardInputs, "connection"> {
  return {
    access: accessOf(spec),
    namespace: spec.kubernetes.namespace,
    set: objectNames(spec).set,
    servers: spec.cluster.servers,
    version: spec.cluster.version,
    cluster: spec.cluster.name,
    storageClass: spec.kubernetes.storage.className ?? "",
  };
}

function accessOf({ kubernetes }: BusSpec): KubernetesAccess {
  const { kubeconfig, context } = kubernetes;
  return { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
}
