/** What a new node needs before pods can find each other and keep data: names, and volumes made beforehand. Pure. */
import type { KubernetesObject } from "@kubernetes/client-node";
import { COREDNS_IMAGE } from "./pieces.ts";
import { GROWING } from "./storage-class.ts";

/** Storage class whose claims may grow, and one whose claims may not. Neither makes volumes by itself. */
const STORAGE_CLASSES = { growing: GROWING, fixed: "fixed" } as const;

const COREFILE = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 2
    }
    cache 2
}
`;
const DNS = { name: "coredns", namespace: "kube-system" };
const LABELS = { "k8s-app": "kube-dns" };

/** Every object, in the order they must be made.
 * @param volumes folder on the node for the volumes' data */
export function baseObjects(volumes: string): KubernetesObject[] {
  return [
    ...dnsObjects(),
    ...Object.values(STORAGE_CLASSES).map(storageClass),
    ...[0, 1, 2, 3, 4, 5].map((index) => volume(volumes, index)),
  ];
}

function storageClass(name: string): KubernetesObject {
  return object(
    "storage.k8s.io/v1",
    "StorageClass",
    { name },
    {
      provisioner: "kubernetes.io/no-provisioner",
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: name === STORAGE_CLASSES.growing,
    },
  );
}

function volume(folder: string, index: number): KubernetesObject {
  return object(
    "v1",
    "PersistentVolume",
    { name: `test-${index}` },
    {
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        storageClassName: STORAGE_CLASSES.growing,
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path: `${folder}/${index}`, type: "Directory" },
      },
    },
  );
}

function dnsObjects(): KubernetesObject[] {
  const rules = [
    { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
  ];
  const container = {
    name: "coredns",
    image: COREDNS_IMAGE,
    imagePullPolicy: "IfNotPresent",
    args: ["-conf", "/etc/coredns/Corefile"],
    volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
    readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
  };
  const pod = {
    serviceAccountName: "coredns",
    dnsPolicy: "Default",
    containers: [container],
    volumes: [{ name: "config", configMap: { name: "coredns" } }],
  };
  const ports = [
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ];
  return [
    object("v1", "ServiceAccount", DNS, {}),
    object("rbac.authorization.k8s.io/v1", "ClusterRole", { name: "coredns" }, { rules }),
    object(
      "rbac.authorization.k8s.io/v1",
      "ClusterRoleBinding",
      { name: "coredns" },
      {
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "coredns" },
        subjects: [{ kind: "ServiceAccount", ...DNS }],
      },
    ),
    object("v1", "ConfigMap", DNS, { data: { Corefile: COREFILE } }),
    object("apps/v1", "Deployment", DNS, {
      spec: { replicas: 1, selector: { matchLabels: LABELS }, template: { metadata: { labels: LABELS }, spec: pod } },
    }),
    object("v1", "Service", { ...DNS, name: "kube-dns" }, { spec: { selector: LABELS, clusterIP: "10.96.0.10", ports } }),
  ];
}

function object(apiVersion: string, kind: string, metadata: KubernetesObject["metadata"], rest: object): KubernetesObject {
  return { apiVersion, kind, metadata, ...rest } as KubernetesObject;
}
