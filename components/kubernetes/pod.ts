/** The pods of the servers: containers, probes, volumes, placement. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { hasRoutes, objectNames } from "../../core/kubernetes-names.ts";
import { guaranteed, imageName, objectLabels, selectorLabels } from "./labels.ts";
import { MONITOR_PORT, podPorts } from "./ports.ts";
import {
  CONFIG_FOLDER,
  configFile,
  DATA_FOLDER,
  LEAF_FOLDER,
  PID_FILE,
  PREVIOUS_KEY_VARIABLE,
  RUN_FOLDER,
  STORE_KEY_VARIABLE,
  ZONE_TAG,
  ZONE_VARIABLE,
} from "./server-files.ts";

type PodSpec = types.input.core.v1.PodSpec;
type Container = types.input.core.v1.Container;
type Volume = types.input.core.v1.Volume;
type VolumeMount = types.input.core.v1.VolumeMount;

/** User and group of every process; the volumes belong to the group. */
const NATS_USER = 1000;
/** Time beyond the lame duck for closing the store, in seconds. */
const SHUTDOWN_SECONDS = 30;
const ZONE_LABEL = "topology.kubernetes.io/zone";
const HOST_LABEL = "kubernetes.io/hostname";
const DNS_OPTIONS = [{ name: "ndots", value: "2" }];

/** What Pod Security's restricted level asks of a pod. */
export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: NATS_USER,
  runAsGroup: NATS_USER,
  fsGroup: NATS_USER,
  // A large volume would otherwise be walked through at every start.
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
} as const;

/** What Pod Security's restricted level asks of a container, and a root file system that cannot be written. */
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** Template of the servers' pods. */
export function serverPod(spec: BusSpec): types.input.core.v1.PodTemplateSpec {
  const { podLabels, podAnnotations } = spec.kubernetes;
  return {
    metadata: {
      labels: { ...objectLabels(spec), ...podLabels },
      annotations: { "kubectl.kubernetes.io/default-container": "nats", ...podAnnotations },
    },
    spec: podSpec(spec),
  };
}

/** How long a server may take to leave, in seconds: the whole lame duck, and time to close the store. */
export function graceSeconds({ lameDuck }: Pick<BusSpec, "lameDuck">): number {
  return Math.ceil((lameDuck.durationMs + lameDuck.gracePeriodMs) / 1000) + SHUTDOWN_SECONDS;
}

/** Authorities that clients must trust, as file `ca.pem`: entry `ca.pem` of `secret`, or those of whoever else makes the certificates. */
export function authoritySource(spec: BusSpec, secret: string): types.input.core.v1.VolumeProjection {
  const isOwn = spec.kubernetes.certificates.source === "own";
  const items = [{ key: isOwn ? "ca.pem" : "ca.crt", path: "ca.pem" }];
  return { secret: { name: isOwn ? secret : objectNames(spec).tls, items } };
}

function podSpec(spec: BusSpec): PodSpec {
  const { kubernetes } = spec;
  const { scheduling, pullSecrets, reloader, exporter } = kubernetes;
  const { nodeSelector, tolerations, priorityClass } = scheduling;
  return {
    serviceAccountName: objectNames(spec).set,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(reloader.enabled ? { shareProcessNamespace: true } : {}),
    securityContext: POD_SECURITY,
    terminationGracePeriodSeconds: graceSeconds(spec),
    dnsConfig: { options: DNS_OPTIONS },
    affinity: affinity(spec),
    topologySpreadConstraints: spreadConstraints(spec),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations: tolerations as types.input.core.v1.Toleration[] }),
    ...(priorityClass === undefined ? {} : { priorityClassName: priorityClass }),
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    containers: [
      serverContainer(spec),
      ...(exporter.enabled ? [exporterContainer(spec)] : []),
      ...(reloader.enabled ? [reloaderContainer(spec)] : []),
    ],
    volumes: volumes(spec),
  };
}

function serverContainer(spec: BusSpec): Container {
  const { image, resources } = spec.kubernetes;
  return {
    name: "nats",
    image: imageName(image, `${spec.cluster.version}-alpine`),
    imagePullPolicy: image.pullPolicy,
    command: ["nats-server"],
    args: ["--config", `${CONFIG_FOLDER}/${configFile("$(POD_NAME)")}`],
    env: environment(spec),
    ports: containerPorts(spec, "nats"),
    resources: guaranteed(resources.cpuMillis, resources.memoryBytes),
    securityContext: CONTAINER_SECURITY,
    // Neither may ask for streams: one that cannot recover would keep its server, and then the cluster, from ever starting.
    startupProbe: healthProbe("js-server-only", { periodSeconds: 5, failureThreshold: 180 }),
    readinessProbe: healthProbe("js-server-only", { periodSeconds: 10, failureThreshold: 3 }),
    livenessProbe: healthProbe("js-enabled-only", { periodSeconds: 30, failureThreshold: 3 }),
    // The server hands over its leaders and sends its clients away; the signal that follows finds it on its way out.
    lifecycle: { preStop: { exec: { command: ["nats-server", `-sl=ldm=${PID_FILE}`] } } },
    volumeMounts: serverMounts(spec),
  };
}

function healthProbe(
  query: string,
  timing: { readonly periodSeconds: number; readonly failureThreshold: number },
): types.input.core.v1.Probe {
  return { httpGet: { path: `/healthz?${query}=true`, port: MONITOR_PORT }, timeoutSeconds: 5, ...timing };
}

function environment(spec: BusSpec): types.input.core.v1.EnvVar[] {
  const { resources, scheduling, encryption, env } = spec.kubernetes;
  const zone =
    scheduling.zones.length === 0
      ? []
      : [
          { name: "NATS_ZONE", valueFrom: { fieldRef: { fieldPath: `metadata.labels['${ZONE_LABEL}']` } } },
          { name: ZONE_VARIABLE, value: `"${ZONE_TAG}$(NATS_ZONE)"` },
        ];
  return [
    { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "GOMEMLIMIT", value: `${resources.goMemoryBytes / 1024 ** 2}MiB` },
    { name: "GOMAXPROCS", value: String(resources.goMaxProcs) },
    ...zone,
    ...storeKeys(encryption),
    ...Object.entries(env).map(([name, value]) => ({ name, value })),
  ];
}

/** Keys of the encryption on disk, from somebody else's Secret. */
function storeKeys({ secret: name, key, previousKey }: BusSpec["kubernetes"]["encryption"]): types.input.core.v1.EnvVar[] {
  if (name === undefined) return [];
  const keys = [[STORE_KEY_VARIABLE, key] as const, ...(previousKey === undefined ? [] : [[PREVIOUS_KEY_VARIABLE, previousKey] as const])];
  return keys.map(([variable, entry]) => ({ name: variable, valueFrom: { secretKeyRef: { name, key: entry } } }));
}

function exporterContainer(spec: BusSpec): Container {
  const { exporter, listeners } = spec.kubernetes;
  const { leafNodes, gateway } = listeners;
  const monitor = podPorts(spec).find(({ name }) => name === MONITOR_PORT)?.port;
  return {
    name: "exporter",
    image: imageName(exporter.image),
    imagePullPolicy: exporter.image.pullPolicy,
    args: [
      `-port=${exporter.port}`,
      "-varz",
      "-connz",
      // Without these two a dead server would look alive: the exporter goes on serving its last values.
      "-healthz",
      "-healthz_js_enabled_only",
      "-jsz=all",
      "-accstatz",
      ...(leafNodes.enabled || leafNodes.remotes.length > 0 ? ["-leafz"] : []),
      ...(gateway.enabled ? ["-gatewayz"] : []),
      "-prefix=nats",
      "-use_internal_server_name",
      `http://127.0.0.1:${monitor}`,
    ],
    ports: containerPorts(spec, "exporter"),
    resources: guaranteed(Math.round(exporter.cpu * 1000), exporter.memory),
    securityContext: CONTAINER_SECURITY,
  };
}

function reloaderContainer(spec: BusSpec): Container {
  const { reloader, certificates } = spec.kubernetes;
  const watched = [configFile("$(POD_NAME)"), ...(certificates.source === "own" ? [] : ["tls.crt", "tls.key", "ca.crt"])];
  return {
    name: "reloader",
    image: imageName(reloader.image),
    imagePullPolicy: reloader.image.pullPolicy,
    args: ["-pid", PID_FILE, ...watched.flatMap((file) => ["-config", `${CONFIG_FOLDER}/${file}`])],
    env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
    resources: guaranteed(Math.round(reloader.cpu * 1000), reloader.memory),
    securityContext: CONTAINER_SECURITY,
    volumeMounts: [
      { name: "config", mountPath: CONFIG_FOLDER, readOnly: true },
      { name: "run", mountPath: RUN_FOLDER },
    ],
  };
}

function containerPorts(spec: BusSpec, container: "nats" | "exporter") {
  return podPorts(spec)
    .filter((port) => port.container === container)
    .map(({ name, port }) => ({ name, containerPort: port, protocol: "TCP" }));
}

function serverMounts(spec: BusSpec): VolumeMount[] {
  return [
    { name: "config", mountPath: CONFIG_FOLDER, readOnly: true },
    { name: "run", mountPath: RUN_FOLDER },
    { name: objectNames(spec).claim, mountPath: DATA_FOLDER },
    ...leafSecrets(spec).map(({ index }) => ({ name: leafVolume(index), mountPath: `${LEAF_FOLDER}/${index}`, readOnly: true })),
  ];
}

function volumes(spec: BusSpec): Volume[] {
  const { config, tls, routes, claim } = objectNames(spec);
  const { storage } = spec.kubernetes;
  const secrets = [config, tls, ...(hasRoutes(spec) ? [routes] : [])];
  return [
    {
      name: "config",
      // One volume of all, so that a configuration never appears before the certificates it names.
      projected: { defaultMode: 0o440, sources: secrets.map((secret) => ({ secret: { name: secret } })) },
    },
    { name: "run", emptyDir: { sizeLimit: "1Mi" } },
    ...(storage.ephemeral ? [{ name: claim, emptyDir: { sizeLimit: String(storage.sizeBytes) } }] : []),
    ...leafSecrets(spec).map(({ index, secretName }) => ({ name: leafVolume(index), secret: { secretName, defaultMode: 0o440 } })),
  ];
}

function leafVolume(index: number): string {
  return `leaf-${index}`;
}

function leafSecrets(spec: BusSpec): { readonly index: number; readonly secretName: string }[] {
  return spec.kubernetes.listeners.leafNodes.remotes.flatMap(({ credentialsSecret }, index) =>
    credentialsSecret === undefined ? [] : [{ index, secretName: credentialsSecret }],
  );
}

function affinity(spec: BusSpec): types.input.core.v1.Affinity {
  const { zones, antiAffinity, affinity: own } = spec.kubernetes.scheduling;
  const term = { topologyKey: HOST_LABEL, labelSelector: { matchLabels: selectorLabels(spec, "server") } };
  const apart = {
    required: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    preferred: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] } },
    none: {},
  };
  const inZones = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: ZONE_LABEL, operator: "In", values: zones }] }],
      },
    },
  };
  return { ...(zones.length === 0 ? {} : inZones), ...apart[antiAffinity], ...own };
}

function spreadConstraints(spec: BusSpec): types.input.core.v1.TopologySpreadConstraint[] {
  const labelSelector = { matchLabels: selectorLabels(spec, "server") };
  const spread = (topologyKey: string, must: boolean) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: must ? "DoNotSchedule" : "ScheduleAnyway",
    labelSelector,
  });
  return [spread(ZONE_LABEL, spec.kubernetes.scheduling.zones.length > 0), spread(HOST_LABEL, false)];
}
