/** What a bus on Kubernetes wants of its rollout. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { configDigest } from "../../core/config-digest.ts";
import { type ConfigValue, ConfigVariable } from "../../core/config-text.ts";
import type { KubernetesAccess } from "../../core/forward.ts";
import { objectNames, serverNames } from "../../core/kubernetes-names.ts";
import { serverConfigTree } from "../../core/server-config.ts";
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
    servers: rolledServers(spec),
    version: spec.cluster.version,
    ...(storage.ephemeral ? {} : { claim: { name: claim, sizeBytes: storage.sizeBytes } }),
  };
}

/** What each server is to run with, and the digest it reports then; empty where the pod's environment is part of it. */
export function rolloutWish(spec: BusSpec, material: Material): Pick<RolloutInputs, "settings" | "digests"> {
  const configs = rolledServers(spec).map((server) => [server, serverConfig(spec, server, material)] as const);
  const digests = configs.map(([server, config]) => {
    const tree = serverConfigTree(config);
    return [server, hasVariable(tree) ? "" : configDigest(tree)] as const;
  });
  return { settings: Object.fromEntries(configs), digests: Object.fromEntries(digests) };
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

/** Those an autoscaler may add hold nothing and are not waited for. */
function rolledServers(spec: BusSpec): readonly string[] {
  return serverNames(spec).slice(0, spec.cluster.servers);
}

function accessOf({ kubernetes }: BusSpec): KubernetesAccess {
  const { kubeconfig, context } = kubernetes;
  return { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
}

function hasVariable(value: ConfigValue): boolean {
  if (value instanceof ConfigVariable) return true;
  return typeof value === "object" && value !== null && Object.values(value).some((part) => hasVariable(part as ConfigValue));
}
