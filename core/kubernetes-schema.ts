/** The schema of `natsbus:kubernetes`: everything the `kubernetes` target declares, and the raw hatches beside it. */
import { z } from "zod";
import { count, size } from "./setting-kinds.ts";

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const HOST = /^[0-9A-Za-z.*_-]+$/;

function label(description: string) {
  return z
    .string()
    .regex(DNS_LABEL)
    .meta({ description, title: "name", allowed: "1 to 63 lower-case letters, digits and hyphens, a letter or digit at both ends" });
}

function objectName(description: string) {
  return z
    .string()
    .regex(DNS_NAME)
    .meta({ description, title: "name", allowed: "a Kubernetes object name: lower-case letters, digits, hyphens and dots" });
}

function text(description: string, allowed = "text without blanks") {
  return z.string().regex(/^\S+$/).meta({ description, allowed });
}

function toggle(description: string, preset: boolean) {
  return z.boolean().meta({ description }).default(preset);
}

function names(description: string) {
  return z.record(z.string(), z.string()).meta({ description, title: "text by name", allowed: "a block of texts by name" }).default({});
}

function port(description: string, preset: number) {
  return z.int().min(1).max(65_535).meta({ description }).default(preset);
}

function block(description: string) {
  return z.record(z.string(), z.unknown()).meta({ description, title: "block", allowed: "a block in Kubernetes's own form" });
}

function blocks(description: string) {
  return z
    .array(z.record(z.string(), z.unknown()))
    .meta({ description, title: "list of blocks", allowed: "a list of blocks in Kubernetes's own form" })
    .default([]);
}

function hosts(description: string) {
  return z.array(z.string().regex(HOST)).meta({ description, title: "list of names", allowed: "a list of host names" }).default([]);
}

/** The parts of an image beside repository and tag. */
function pull(what: string) {
  return {
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/)
      .meta({ description: `Digest of ${what}; it wins over the tag.`, allowed: '"sha256:" and 64 hexadecimal digits' })
      .optional()
      .meta({ defaultText: "none" }),
    pullPolicy: z.enum(["IfNotPresent", "Always", "Never"]).meta({ description: "When the node pulls the image." }).default("IfNotPresent"),
  };
}

function image(what: string, repository: string, tag: string | undefined) {
  const tagText = text(`Tag of ${what}.`);
  return z
    .strictObject({
      repository: text(`Image of ${what}, registry included where it is not the default one.`).default(repository),
      tag: tag === undefined ? tagText.optional().meta({ defaultText: "`<cluster.version>-alpine`" }) : tagText.default(tag),
      ...pull(what),
    })
    .meta({ description: `Image of ${what}.` })
    .prefault({});
}

function resources(what: string, cpu: number, memory: "32MiB" | "64MiB" | "128MiB") {
  return {
    cpu: z
      .number()
      .min(0.01)
      .max(1024)
      .meta({ description: `Cores of ${what}, asked for and at most.` })
      .default(cpu),
    memory: size(`Memory of ${what}, asked for and at most.`, { min: "8MiB" }).prefault(memory),
  };
}

const HTTP_EXPOSURE = {
  hosts: hosts("Host names it is reached by from outside; they become part of the certificates."),
  ingressClass: objectName("Ingress class; an Ingress for the host names is made.").optional().meta({ defaultText: "no Ingress" }),
  gatewayName: objectName("Gateway of the Gateway API that an HTTPRoute for the host names is attached to.")
    .optional()
    .meta({ defaultText: "no HTTPRoute" }),
  gatewayNamespace: label("Namespace of that Gateway.").optional().meta({ defaultText: "that of the bus" }),
  tlsSecret: objectName("Secret with the certificate that the Ingress shows.").optional().meta({ defaultText: "the Ingress's own" }),
  annotations: names("Annotations of the Ingress or HTTPRoute."),
};

const peers = z.array(z.record(z.string(), z.unknown())).meta({
  description: "",
  title: "list of peers",
  allowed: 'a list of NetworkPolicy peers such as { namespaceSelector: { matchLabels: { team: "a" } } }',
});

const storage = z
  .strictObject({
    size: size("Size of each server's volume. `jetstream.maxStorage` must fit into 90 % of it, because a formatted disk holds less.", {
      min: "64MiB",
    })
      .optional()
      .meta({ defaultText: "`jetstream.maxStorage` and an eighth, in whole MiB" }),
    className: objectName("Storage class.").optional().meta({ defaultText: "the cluster's default" }),
    whenDeleted: z
      .enum(["Retain", "Delete"])
      .meta({ description: "What happens to the volumes when the StatefulSet is deleted. `Delete` loses every message." })
      .default("Retain"),
    whenScaled: z
      .enum(["Retain", "Delete"])
      .meta({ description: "What happens to the volume of a server that is scaled away." })
      .default("Retain"),
    annotations: names("Annotations of the claims, for new claims only."),
    ephemeral: toggle("Whether servers keep their data in the pod and lose it with the pod. For trials only.", false),
  })
  .meta({ description: "Where each server keeps its streams." })
  .prefault({});

const scheduling = z
  .strictObject({
    zones: z
      .array(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/))
      .meta({
        description:
          "Zones the servers are spread over. Servers run in these zones only, evenly; each server carries its zone as tag `az:<zone>` and the replicas of one stream differ in it. Needs Kubernetes 1.35, which gives pods their zone as a label.",
        title: "list of zones",
        allowed: "a list of zone names, as nodes carry them in topology.kubernetes.io/zone",
      })
      .default([]),
    antiAffinity: z
      .enum(["required", "preferred", "none"])
      .meta({ description: "Whether two servers may share a node: never, if need be, or freely." })
      .default("required"),
    nodeSelector: names("Labels of the nodes that servers may run on."),
    tolerations: blocks("Taints that servers tolerate."),
    priorityClass: objectName("Priority class of the servers.").optional().meta({ defaultText: "none" }),
    affinity: block("Affinity laid over the one above; its keys win.").optional().meta({ defaultText: "none" }),
  })
  .meta({ description: "Which nodes the servers run on." })
  .prefault({});

const service = z
  .strictObject({
    type: z
      .enum(["ClusterIP", "LoadBalancer", "NodePort"])
      .meta({ description: "How clients reach the client Service." })
      .default("ClusterIP"),
    annotations: names("Annotations of the client Service, for instance for a load balancer."),
    loadBalancerClass: text("Class of the load balancer.").optional().meta({ defaultText: "the cluster's default" }),
    sourceRanges: z
      .array(z.string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/))
      .meta({
        description: "Addresses a load balancer lets in.",
        title: "list of ranges",
        allowed: 'a list of ranges such as "10.0.0.0/8"',
      })
      .default([]),
    externalTrafficPolicy: z
      .enum(["Cluster", "Local"])
      .meta({ description: "Whether traffic from outside may change the node." })
      .default("Cluster"),
    nodePort: z
      .int()
      .min(1)
      .max(65_535)
      .meta({ description: "Node port of the client listener." })
      .optional()
      .meta({ defaultText: "chosen by the cluster" }),
  })
  .meta({ description: "The Service that clients connect to." })
  .prefault({});

const networkPolicy = z
  .strictObject({
    enabled: toggle("Whether each port is open only to those that need it.", true),
    clients: peers.default([]).meta({
      description:
        "Who may reach the client, WebSocket and MQTT ports; empty: every pod of the cluster, and with a load balancer everybody.",
    }),
    metrics: peers.default([]).meta({ description: "Who may scrape the exporter; empty: every pod of the cluster." }),
    clusters: peers.default([]).meta({ description: "Who may reach the gateway and leaf node ports; empty: everybody." }),
    egress: toggle("Whether the servers may reach only each other, DNS, and the leaf node and gateway ports of other clusters.", false),
  })
  .meta({ description: "Who may reach which port. Takes effect where the cluster's network enforces NetworkPolicies." })
  .prefault({});

const listeners = z
  .strictObject({
    websocket: z
      .strictObject({
        enabled: toggle("Whether browsers can connect.", false),
        port: port("Port of the listener.", 8080),
        tls: toggle("Whether the listener itself is encrypted; off only behind an Ingress or Gateway that is.", true),
        sameOrigin: toggle("Whether the page must come from the same host.", false),
        allowedOrigins: z
          .array(z.string().regex(/^\S+$/))
          .meta({ description: "Origins a page may come from; empty: any.", title: "list of texts", allowed: "a list of origins" })
          .default([]),
        compression: toggle("Whether frames are compressed.", false),
        ...HTTP_EXPOSURE,
      })
      .meta({ description: "Listener for browsers." })
      .prefault({}),
    mqtt: z
      .strictObject({
        enabled: toggle("Whether MQTT clients can connect.", false),
        port: port("Port of the listener.", 1883),
      })
      .meta({ description: "Listener for MQTT clients, encrypted as clients are." })
      .prefault({}),
    leafNodes: z
      .strictObject({
        enabled: toggle("Whether leaf nodes can connect.", false),
        port: port("Port of the listener.", 7422),
        remotes: z
          .array(
            z.strictObject({
              urls: z.array(z.string().regex(/^(tls|nats-leaf|nats|ws|wss):\/\/\S+$/)).min(1),
              account: z.string().optional(),
              credentialsSecret: z.string().regex(DNS_NAME).optional(),
              credentialsKey: z.string().default("user.creds"),
            }),
          )
          .meta({
            description: "Hubs that the servers join as leaf nodes.",
            title: "list of blocks",
            allowed: "a list of blocks with urls, account (the local one), credentialsSecret and credentialsKey",
          })
          .default([]),
      })
      .meta({ description: "Leaf nodes: as a hub, or as a leaf of another cluster." })
      .prefault({}),
    gateway: z
      .strictObject({
        enabled: toggle("Whether this cluster joins others in a super-cluster.", false),
        port: port("Port of the listener.", 7222),
        advertise: text('Address other clusters are told, "host:port".').optional().meta({ defaultText: "the pod's own" }),
        remotes: z
          .array(
            z.strictObject({ name: z.string().regex(/^[A-Za-z0-9_-]+$/), urls: z.array(z.string().regex(/^(tls|nats):\/\/\S+$/)).min(1) }),
          )
          .meta({
            description: "The other clusters.",
            title: "list of blocks",
            allowed: "a list of blocks with name and urls",
          })
          .default([]),
      })
      .meta({ description: "Gateway to other clusters." })
      .prefault({}),
    monitor: z
      .strictObject({ ...HTTP_EXPOSURE })
      .meta({ description: "The monitoring pages from outside. They have no authentication of their own: put one in front." })
      .prefault({}),
  })
  .meta({ description: "What the servers listen on besides clients and routes." })
  .prefault({});

const certificates = z
  .strictObject({
    source: z
      .enum(["own", "cert-manager", "existing"])
      .meta({
        description:
          "Who makes the servers' certificates: natsbus with an authority of its own, cert-manager, or somebody else who keeps them in a Secret.",
      })
      .default("own"),
    issuer: objectName("cert-manager issuer.").optional().meta({ defaultText: "none" }),
    issuerKind: z.enum(["Issuer", "ClusterIssuer"]).meta({ description: "Kind of that issuer." }).default("Issuer"),
    secret: objectName("Secret with tls.crt, tls.key and ca.crt.").optional().meta({ defaultText: "`<name>-tls`" }),
    authority: z
      .string()
      .regex(/-----BEGIN CERTIFICATE-----/)
      .meta({
        description: "Authority of those certificates, for natsbus and the credentials folder.",
        title: "PEM text",
        allowed: "certificates as PEM text",
      })
      .optional()
      .meta({ defaultText: "the system's authorities" }),
  })
  .meta({ description: "Where the servers' certificates come from." })
  .prefault({});

const monitoring = z
  .strictObject({
    scrapeBy: z
      .enum(["pods", "services"])
      .meta({ description: "Whether Prometheus finds the exporters by PodMonitors, or by ServiceMonitors and Services made for them." })
      .default("pods"),
    labels: names('Labels that the Prometheus Operator selects its objects by, for instance `{ release: "monitoring" }`.'),
    dashboards: z
      .enum(["configmaps", "grafana-operator", "none"])
      .meta({
        description: "Dashboards as ConfigMaps for Grafana's sidecar, as GrafanaDashboards for the Grafana Operator, or not at all.",
      })
      .default("configmaps"),
    dashboardLabels: names("Labels of the dashboards' ConfigMaps, by which the sidecar finds them.").prefault({ grafana_dashboard: "1" }),
    dashboardAnnotations: names("Annotations of the dashboards, for instance the sidecar's folder."),
    grafanaInstances: names("Labels of the Grafanas that the Grafana Operator gives the dashboards to.").prefault({
      dashboards: "grafana",
    }),
    freeDisk: toggle("Whether alerts speak of full volumes, by the kubelet's series; Prometheus must scrape the kubelets.", true),
  })
  .meta({ description: "How `natsbus:monitoring` is declared on the cluster; needs the Prometheus Operator." })
  .prefault({});

const probe = z
  .strictObject({
    image: z
      .strictObject({
        repository: text("Image of the probe, registry included; build it with `docker build -f probe/Dockerfile .`.")
          .optional()
          .meta({ defaultText: "no probe" }),
        tag: text("Tag of the probe.").optional().meta({ defaultText: "none; then a digest must be given" }),
        ...pull("the probe"),
      })
      .meta({ description: "Image of the probe." })
      .prefault({}),
    port: port("Port of its metrics and its page.", 7777),
    ...resources("the probe", 0.1, "128MiB"),
  })
  .meta({ description: "What `natsbus:monitoring` watches the servers with, beside the exporters." })
  .prefault({});

const SCALED_WORKER = z.strictObject({
  name: z.string().regex(DNS_LABEL),
  deployment: z.string().regex(DNS_NAME),
  stream: z.string().min(1),
  consumer: z.string().min(1),
  backlog: z.int().min(1).default(100),
  min: z.int().min(0).default(0),
  max: z.int().min(1).default(10),
});

const autoscaling = z
  .strictObject({
    maxServers: count("Most servers of core NATS; a HorizontalPodAutoscaler adds them and takes none away. Only without streams.", 2, 100)
      .optional()
      .meta({ defaultText: "no HorizontalPodAutoscaler" }),
    targetCpu: count("CPU use in percent that servers are added at.", 10, 95).default(70),
    prometheus: z
      .string()
      .regex(/^https?:\/\/\S+$/)
      .meta({ description: "Prometheus that scrapes the exporters; the workers' backlog is read there.", allowed: "an http or https URL" })
      .optional()
      .meta({ defaultText: "none" }),
    recommend: toggle("Whether a VerticalPodAutoscaler recommends CPU and memory. It never changes a running server.", false),
    workers: z
      .array(SCALED_WORKER)
      .meta({
        description: "Deployments of your own that KEDA scales by the backlog of a consumer.",
        title: "list of blocks",
        allowed: "a list of blocks with name, deployment, stream, consumer, backlog, min and max",
      })
      .default([]),
  })
  .meta({ description: "What may grow by itself." })
  .prefault({});

/** The schema of the block. */
export const kubernetesSchema = z.strictObject({
  name: label(
    "Name of the StatefulSet and the client Service; its servers are `<name>-0` and so on. Never change it while the bus holds data.",
  ).default("nats"),
  namespace: label("Namespace of everything.").optional().meta({ defaultText: "`<project>-<stack>`" }),
  createNamespace: toggle(
    "Whether the Namespace is declared too, with the restricted pod security level. Destroying the stack leaves it.",
    true,
  ),
  clusterDomain: objectName("DNS domain of the Kubernetes cluster.").default("cluster.local"),
  kubeconfig: z
    .string()
    .min(1)
    .meta({ description: "Path of the kubeconfig.", allowed: "a path" })
    .optional()
    .meta({ defaultText: "`KUBECONFIG`, else `~/.kube/config`" }),
  context: z.string().min(1).meta({ description: "Context of the kubeconfig." }).optional().meta({ defaultText: "its current one" }),
  reach: z
    .enum(["port-forward", "direct"])
    .meta({ description: "How natsbus itself reaches the servers: through the API server, or by `urls`." })
    .default("port-forward"),
  urls: z
    .array(z.string().regex(/^(tls|nats):\/\/[^\s/]+:\d+$/))
    .meta({
      description: "Client URLs for `reach: direct`.",
      title: "list of URLs",
      allowed: 'a list of URLs such as "tls://nats.example.org:4222"',
    })
    .default([]),
  image: image("nats-server", "nats", undefined),
  pullSecrets: z
    .array(z.string().regex(DNS_NAME))
    .meta({ description: "Secrets for pulling images.", title: "list of names", allowed: "a list of Secret names" })
    .default([]),
  preset: z
    .enum(["nano", "small", "medium", "large", "xlarge"])
    .meta({
      description:
        "CPU and memory of each server where `limits.cpu` and `limits.memory` say nothing: 0.25 cores and 256 MiB, 0.5 and 512 MiB, 1 and 1 GiB, 2 and 4 GiB, 4 and 8 GiB.",
    })
    .default("small"),
  storage,
  scheduling,
  service,
  networkPolicy,
  listeners,
  certificates,
  disruptionBudget: toggle("Whether at most one server may be evicted at a time.", true),
  exporter: z
    .strictObject({
      enabled: toggle("Whether each server has a prometheus-nats-exporter beside it.", true),
      port: port("Port of the metrics.", 7777),
      image: image("the exporter", "natsio/prometheus-nats-exporter", "0.20.1"),
      ...resources("the exporter", 0.1, "64MiB"),
    })
    .meta({ description: "Metrics of each server." })
    .prefault({}),
  monitoring,
  probe,
  toolbox: z
    .strictObject({
      enabled: toggle("Whether a Deployment with the `nats` command is made, with a ready context.", false),
      user: z.string().min(1).meta({ description: "User of the catalogue whose credentials it has." }).default("monitoring"),
      image: image("the toolbox", "natsio/nats-box", "0.19.7"),
      ...resources("the toolbox", 0.1, "64MiB"),
    })
    .meta({ description: "A pod for looking around." })
    .prefault({}),
  reloader: z
    .strictObject({
      enabled: toggle(
        "Whether a sidecar reloads a server by itself when its files change. It needs a shared process namespace, and a refused reload is seen in its log only.",
        false,
      ),
      image: image("the reloader", "natsio/nats-server-config-reloader", "0.23.0"),
      ...resources("the reloader", 0.05, "32MiB"),
    })
    .meta({ description: "Reload by a sidecar instead of by natsbus." })
    .prefault({}),
  autoscaling,
  encryption: z
    .strictObject({
      secret: objectName("Secret with the key that streams are encrypted with on disk.").optional().meta({ defaultText: "no encryption" }),
      key: text("Entry of that Secret.").default("key"),
      previousKey: text("Entry of that Secret with the key of before, while servers take a new key over; remove it afterwards.")
        .optional()
        .meta({ defaultText: "none" }),
      cipher: z.enum(["chachapoly", "aes"]).meta({ description: "Cipher." }).default("chachapoly"),
    })
    .meta({ description: "Encryption of the streams on disk." })
    .prefault({}),
  secretStore: z
    .strictObject({
      name: objectName("Store of the External Secrets Operator that holds the content of the Secrets when files are rendered without it.")
        .optional()
        .meta({ defaultText: "none" }),
      kind: z.enum(["SecretStore", "ClusterSecretStore"]).meta({ description: "Kind of that store." }).default("ClusterSecretStore"),
    })
    .meta({ description: "Where rendered files take Secrets from; see `natsbus render --secrets sealed-reference`." })
    .prefault({}),
  profilingPort: z.int().min(1).max(65_535).meta({ description: "Port of Go's profiler." }).optional().meta({ defaultText: "off" }),
  fullRouteNames: toggle("Whether routes use names with the cluster domain instead of the short ones.", false),
  labels: names("Labels of every object."),
  annotations: names("Annotations of every object."),
  podLabels: names("Labels of the servers' pods."),
  podAnnotations: names("Annotations of the servers' pods."),
  env: names("Environment of the servers."),
  serviceAccountAnnotations: names("Annotations of the ServiceAccount."),
  patches: z
    .array(
      z.strictObject({
        kind: z.string().min(1),
        name: z.string().optional(),
        merge: z.record(z.string(), z.unknown()),
      }),
    )
    .meta({
      description:
        "Blocks laid over the objects of a kind, and a name if given: blocks merge, lists of named things merge by name, anything else is replaced, null removes.",
      title: "list of blocks",
      allowed: "a list of blocks with kind, name and merge",
    })
    .default([]),
  extraObjects: blocks("Further Kubernetes objects, declared as they are."),
});

/** What the schema resolves the block to. */
export type KubernetesSettings = z.output<typeof kubernetesSchema>;
