/** The StatefulSet of the servers, its Services, and what protects it. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { byteQuantity, metadataOf, objectLabels, selectorLabels } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { serverPod } from "./pod.ts";
import { isMonitorExposed, MONITOR_PORT, type PodPort, podPorts } from "./ports.ts";

/** The namespace, with the restricted pod security level. Deleting the stack leaves it: it would take every volume along. */
export function namespaceObject(spec: BusSpec): Manifest {
  const { namespace: _, ...metadata } = metadataOf(spec, spec.kubernetes.namespace);
  const level = { "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted" };
  return { apiVersion: "v1", kind: "Namespace", metadata: { ...metadata, labels: { ...objectLabels(spec), ...level } } };
}

/** The account of the servers' pods, which gets no token. */
export function serviceAccount(spec: BusSpec): Manifest {
  const { serviceAccountAnnotations: annotations } = spec.kubernetes;
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadataOf(spec, objectNames(spec).set, { annotations }),
    automountServiceAccountToken: false,
  };
}

/** The set of servers. */
export function statefulSet(spec: BusSpec): Manifest {
  const { set, headless } = objectNames(spec);
  const { storage, autoscaling } = spec.kubernetes;
  const body: types.input.apps.v1.StatefulSetSpec = {
    serviceName: headless,
    // What an autoscaler decides is not declared.
    ...(autoscaling.maxServers === undefined ? { replicas: spec.cluster.servers } : {}),
    selector: { matchLabels: selectorLabels(spec, "server") },
    // One after another they would wait for a quorum that never comes.
    podManagementPolicy: "Parallel",
    // The rollout deletes one pod at a time, and the next only when every replica is current.
    updateStrategy: { type: "OnDelete" },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: storage.whenDeleted, whenScaled: storage.whenScaled },
    template: serverPod(spec),
    ...(storage.ephemeral ? {} : { volumeClaimTemplates: [claimTemplate(spec)] }),
  };
  return { apiVersion: "apps/v1", kind: "StatefulSet", metadata: metadataOf(spec, set), spec: body };
}

/** Names, labels and size of the claims; only new claims take a change over. */
function claimTemplate(spec: BusSpec): types.input.core.v1.PersistentVolumeClaim {
  const { className, sizeBytes, annotations } = spec.kubernetes.storage;
  return {
    metadata: {
      name: objectNames(spec).claim,
      labels: { ...selectorLabels(spec, "server") },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: byteQuantity(sizeBytes) } },
      ...(className === undefined ? {} : { storageClassName: className }),
    },
  };
}

/** Gives every server its own name, also while it is not ready: servers must find each other to become ready. */
export function headlessService(spec: BusSpec): Manifest {
  const ports = podPorts(spec).filter(({ container }) => container === "nats");
  return serviceObject(spec, objectNames(spec).headless, {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    ...selectedPorts(spec, ports),
  });
}

/** Where clients connect. */
export function clientService(spec: BusSpec): Manifest {
  const { service } = spec.kubernetes;
  const { type, loadBalancerClass, sourceRanges, externalTrafficPolicy, nodePort, annotations } = service;
  const base = selectedPorts(
    spec,
    podPorts(spec).filter(({ offered }) => offered),
  );
  const ports = base.ports.map((port) => (nodePort !== undefined && port.name === "nats" ? { ...port, nodePort } : port));
  const body: types.input.core.v1.ServiceSpec = {
    type,
    selector: base.selector,
    ports,
    ...(type === "ClusterIP" ? {} : { externalTrafficPolicy }),
    ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    ...(sourceRanges.length === 0 ? {} : { loadBalancerSourceRanges: sourceRanges }),
  };
  return { ...serviceObject(spec, objectNames(spec).set, body), metadata: metadataOf(spec, objectNames(spec).set, { annotations }) };
}

/** The monitoring pages for an Ingress or Gateway; only when they are exposed. */
export function monitorService(spec: BusSpec): Manifest {
  const ports = podPorts(spec).filter(({ name }) => name === MONITOR_PORT);
  return serviceObject(spec, monitorServiceName(spec), { type: "ClusterIP", ...selectedPorts(spec, ports) });
}

/** Name of the Service of {@link monitorService}. */
export function monitorServiceName(spec: BusSpec): string {
  return `${spec.kubernetes.name}-monitor`;
}

/** All Services. */
export function services(spec: BusSpec): Manifest[] {
  return [headlessService(spec), clientService(spec), ...(isMonitorExposed(spec) ? [monitorService(spec)] : [])];
}

function serviceObject(spec: BusSpec, name: string, body: types.input.core.v1.ServiceSpec): Manifest {
  return { apiVersion: "v1", kind: "Service", metadata: metadataOf(spec, name), spec: body };
}

function selectedPorts(spec: BusSpec, ports: readonly PodPort[]) {
  return {
    selector: selectorLabels(spec, "server"),
    ports: ports.map(({ name, port, appProtocol }) => ({ name, port, targetPort: name, protocol: "TCP", appProtocol })),
  };
}

/** At most one server may be evicted at a time. */
export function disruptionBudget(spec: BusSpec): Manifest {
  const body: types.input.policy.v1.PodDisruptionBudgetSpec = {
    maxUnavailable: 1,
    selector: { matchLabels: selectorLabels(spec, "server") },
  };
  return { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: metadataOf(spec, objectNames(spec).set), spec: body };
}
