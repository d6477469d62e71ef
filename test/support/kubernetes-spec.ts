/** Specs and material for tests of the Kubernetes target. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { ACCOUNTS } from "../../accounts/catalog.ts";
import type { Manifest } from "../../components/kubernetes/manifest.ts";
import { fillPlan, type PlanOptions, planKubernetes } from "../../components/kubernetes/plan.ts";
import { type Material, serverHosts } from "../../components/kubernetes/server-files.ts";
import { planBus } from "../../components/kubernetes/watching.ts";
import { type ResolvedBus, resolveBus } from "../../components/resolve.ts";
import type { BusSpec } from "../../core/bus-spec.ts";
import { parseStackConfig } from "../../core/stack-config.ts";
import { catalog } from "../../streams/catalog.ts";

/** Settings as a stack file holds them, without `natsbus:`. */
export type StackBlocks = Readonly<Record<string, unknown>>;

/** A bus on Kubernetes with these settings. */
export function kubernetesSpec(blocks: StackBlocks = {}, stack = "test"): BusSpec {
  return parseStackConfig(rawConfig({ target: "kubernetes", ...blocks }), { stack, project: "natsbus" });
}

/** The same with the project's catalogues, as the program reads it. */
export function kubernetesBus(blocks: StackBlocks = {}, stack = "test"): ResolvedBus {
  return resolveBus(
    rawConfig({ target: "kubernetes", ...blocks }),
    { stack, project: "natsbus" },
    { streams: catalog, accounts: ACCOUNTS },
  );
}

/** Settings in the form Pulumi hands them over. */
export function rawConfig(blocks: StackBlocks): Record<string, string> {
  return Object.fromEntries(
    Object.entries(blocks).map(([key, value]) => [`natsbus:${key}`, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/** The settings of a stack file of this project. */
export function stackFile(stack: string): StackBlocks {
  const file = parse(readFileSync(new URL(`../../Pulumi.${stack}.yaml`, import.meta.url), "utf8")) as { config: Record<string, unknown> };
  return Object.fromEntries(Object.entries(file.config).map(([key, value]) => [key.replace("natsbus:", ""), value]));
}

/** Keys and certificates that can be told from anything else. */
export function fakeMaterial(spec: BusSpec): Material {
  const each = (text: string) => Object.fromEntries(Object.keys(serverHosts(spec)).map((name) => [name, `SECRET ${text} of ${name}\n`]));
  return {
    identity: {
      kind: "operator",
      operatorJwt: "operator.jwt",
      systemAccount: "ASYSTEM",
      systemAccountJwt: "system.jwt",
      resolverIntervalMs: 15_000,
    },
    authority: "AUTHORITY\n",
    certificates: each("certificate"),
    keys: each("key"),
    credentials: { monitoring: "SECRET credentials\n", admin: "SECRET admin\n", canary: "SECRET canary\n" },
  };
}

/** Every object of a bus, with {@link fakeMaterial} in its Secrets. */
export function objectsOf(spec: BusSpec, options: PlanOptions = {}): readonly Manifest[] {
  return fillPlan(planKubernetes(spec, options), fakeMaterial(spec));
}

/** Every object of a bus with what watches it, with {@link fakeMaterial} in its Secrets. */
export function watchedObjectsOf(bus: ResolvedBus): readonly Manifest[] {
  return fillPlan(planBus(bus), fakeMaterial(bus.spec));
}

/** Monitoring with everything that can be turned on, and what of the kitchen sink has to do with it. */
export const WATCHED: StackBlocks = {
  cluster: { name: "watched" },
  monitoring: {
    enabled: true,
    alerting: {
      receivers: [{ name: "pager", pagerduty: { routingKey: { secret: "pagerduty", key: "routing-key" } } }],
      critical: "pager",
    },
  },
  kubernetes: {
    namespace: "messaging",
    pullSecrets: ["registry"],
    networkPolicy: {
      clients: [{ namespaceSelector: { matchLabels: { team: "apps" } } }],
      metrics: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
      egress: true,
    },
    toolbox: { enabled: true },
    monitoring: { scrapeBy: "services", labels: { release: "monitoring" } },
    probe: { image: { repository: "registry.example.org/natsbus-probe", tag: "0.1.0" } },
  },
};

/** Everything that can be turned on at once. */
export const KITCHEN_SINK: StackBlocks = {
  cluster: { name: "kitchen", servers: 5 },
  jetstream: { maxMemory: "256MiB", maxStorage: "8GiB", domain: "hub", syncInterval: "always" },
  limits: { memory: "2GiB", cpu: 1.5 },
  lameDuck: { duration: "2m", gracePeriod: "10s" },
  tls: { hosts: ["nats.example.org"] },
  serverConfig: { max_traced_msg_len: 1024, jetstream: { max_outstanding_catchup: 33554432 } },
  kubernetes: {
    name: "bus",
    namespace: "messaging",
    clusterDomain: "k8s.example",
    fullRouteNames: true,
    reach: "direct",
    urls: ["tls://nats.example.org:4222"],
    image: {
      repository: "registry.example.org/nats",
      digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      pullPolicy: "Always",
    },
    pullSecrets: ["registry"],
    storage: { size: "10GiB", className: "fast", annotations: { "example.org/backup": "daily" } },
    scheduling: {
      zones: ["eu-1a", "eu-1b", "eu-1c", "eu-1d", "eu-1e"],
      antiAffinity: "preferred",
      nodeSelector: { disk: "nvme" },
      tolerations: [{ key: "dedicated", operator: "Equal", value: "nats", effect: "NoSchedule" }],
      priorityClass: "high",
    },
    service: {
      type: "LoadBalancer",
      annotations: { "example.org/lb": "internal" },
      sourceRanges: ["10.0.0.0/8"],
      externalTrafficPolicy: "Local",
    },
    networkPolicy: {
      clients: [{ namespaceSelector: { matchLabels: { team: "apps" } } }, { ipBlock: { cidr: "10.0.0.0/8" } }],
      metrics: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
      clusters: [{ ipBlock: { cidr: "10.1.0.0/16" } }],
      egress: true,
    },
    listeners: {
      websocket: {
        enabled: true,
        compression: true,
        allowedOrigins: ["https://app.example.org"],
        hosts: ["ws.example.org"],
        ingressClass: "nginx",
        gatewayName: "public",
        gatewayNamespace: "gateways",
        tlsSecret: "ws-tls",
        annotations: { "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" },
      },
      mqtt: { enabled: true },
      leafNodes: {
        enabled: true,
        remotes: [{ urls: ["tls://hub.example.org:7422"], credentialsSecret: "hub-credentials" }, { urls: ["wss://edge.example.org"] }],
      },
      gateway: { enabled: true, advertise: "gw.example.org:7222", remotes: [{ name: "other", urls: ["tls://gw.other.example.org:7222"] }] },
      monitor: { hosts: ["monitor.example.org"], ingressClass: "nginx", tlsSecret: "monitor-tls" },
    },
    toolbox: { enabled: true },
    reloader: { enabled: true },
    autoscaling: {
      recommend: true,
      prometheus: "http://prometheus.monitoring.svc:9090",
      workers: [
        { name: "orders", deployment: "orders-worker", stream: "CONSCIOUSNESS", consumer: "consciousness-worker", backlog: 500, max: 20 },
      ],
    },
    encryption: { secret: "bus-store-key" },
    profilingPort: 65432,
    labels: { team: "platform" },
    annotations: { "example.org/owner": "platform" },
    podLabels: { tier: "messaging" },
    podAnnotations: { "example.org/scrape": "true" },
    env: { GODEBUG: "madvdontneed=1" },
    serviceAccountAnnotations: { "example.org/role": "nats" },
    patches: [{ kind: "StatefulSet", merge: { spec: { template: { spec: { containers: [{ name: "nats", stdin: false }] } } } } }],
    extraObjects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "notes", namespace: "messaging" }, data: { note: "ours" } }],
  },
};
