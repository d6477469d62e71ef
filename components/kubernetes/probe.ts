/** The probe as a pod: it reads every server's monitoring pages, and publishes as a user that may do nothing else. It has no right at the API server. Pure. */
import { createHash } from "node:crypto";
import type { types } from "@pulumi/kubernetes";
import { inboxPrefix } from "../../accounts/roles.ts";
import type { BusSpec } from "../../core/bus-spec.ts";
import { objectNames, serverHost } from "../../core/kubernetes-names.ts";
import { KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";
import type { BusFacts } from "../../observability/facts.ts";
import type { CanaryConfig, ProbeConfig } from "../../observability/probe-config.ts";
import { CANARY_SUBJECT, CANARY_USER } from "../monitoring-catalogue.ts";
import { serverDigests, steadyServers } from "./digests.ts";
import { guaranteed, imageName, metadataOf, objectLabels, selectorLabels } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { authoritySource, CONTAINER_SECURITY, POD_SECURITY } from "./pod.ts";
import { METRICS_PORT } from "./ports.ts";
import type { Material } from "./server-files.ts";

const CONFIG_FOLDER = "/etc/natsbus-probe";
const SECRET_FOLDER = "/etc/natsbus-probe-secret";
const CONFIG_FILE = "probe.json";
const CREDENTIALS_FILE = "canary.creds";
const READY_PATH = "/-/ready";
/** Longest time between two looks at a server; a fresh page serves every scrape. */
const LONGEST_POLL_MS = 5000;
const component = "probe";

/** What the probe is told: no secret. */
export function probeConfigMap(spec: BusSpec, facts: BusFacts): Manifest {
  const { probe } = objectNames(spec);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadataOf(spec, probe, { component }),
    data: { [CONFIG_FILE]: configText(spec, facts) },
  };
}

/** Map keyed by entry: credentials of the canary's user, the authorities to trust, and the digest of each server's configuration. */
export function probeFiles(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  const notes = Object.entries(serverDigests(spec, material)).map(([server, digest]) => [
    noteFile(server),
    `${JSON.stringify(digest === "" ? {} : { digest })}\n`,
  ]);
  const credentials = material.credentials[CANARY_USER];
  return {
    ...(needsCredentials(spec) ? { [CREDENTIALS_FILE]: credentials ?? "" } : {}),
    "ca.pem": material.authority,
    ...(Object.fromEntries(notes) as Record<string, string>),
  };
}

/** The Deployment. Its pod is made anew when what it is told changes. */
export function probeDeployment(spec: BusSpec, facts: BusFacts): Manifest {
  const annotations = { "natsbus/config-digest": createHash("sha256").update(configText(spec, facts)).digest("hex") };
  const body: types.input.apps.v1.DeploymentSpec = {
    replicas: 1,
    // Two at once would publish, and count, twice.
    strategy: { type: "Recreate" },
    selector: { matchLabels: selectorLabels(spec, component) },
    template: { metadata: { labels: { ...objectLabels(spec, component) }, annotations }, spec: probePod(spec) },
  };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: metadataOf(spec, objectNames(spec).probe, { component }), spec: body };
}

/** Where its page is, and its metrics. */
export function probeService(spec: BusSpec): Manifest {
  const { port } = spec.kubernetes.probe;
  const body: types.input.core.v1.ServiceSpec = {
    type: "ClusterIP",
    selector: selectorLabels(spec, component),
    ports: [{ name: METRICS_PORT, port, targetPort: METRICS_PORT, protocol: "TCP", appProtocol: "http" }],
  };
  return { apiVersion: "v1", kind: "Service", metadata: metadataOf(spec, objectNames(spec).probe, { component }), spec: body };
}

function probePod(spec: BusSpec): types.input.core.v1.PodSpec {
  const { probe, pullSecrets } = spec.kubernetes;
  const ask = { httpGet: { path: READY_PATH, port: METRICS_PORT }, timeoutSeconds: 5 };
  return {
    serviceAccountName: objectNames(spec).set,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: POD_SECURITY,
    terminationGracePeriodSeconds: 30,
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    containers: [
      {
        name: component,
        image: imageName(probe.image),
        imagePullPolicy: probe.image.pullPolicy,
        args: [`${CONFIG_FOLDER}/${CONFIG_FILE}`],
        ports: [{ name: METRICS_PORT, containerPort: probe.port, protocol: "TCP" }],
        resources: guaranteed(Math.round(probe.cpu * 1000), probe.memory),
        securityContext: CONTAINER_SECURITY,
        // Neither asks for the servers: a probe that cannot reach them is what alerts are made of.
        readinessProbe: { ...ask, periodSeconds: 10, failureThreshold: 3 },
        livenessProbe: { ...ask, periodSeconds: 30, failureThreshold: 3 },
        volumeMounts: [
          { name: "config", mountPath: CONFIG_FOLDER, readOnly: true },
          { name: "secret", mountPath: SECRET_FOLDER, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "config", configMap: { name: objectNames(spec).probe } },
      { name: "secret", projected: { defaultMode: 0o440, sources: secretSources(spec) } },
    ],
  };
}

function secretSources(spec: BusSpec): types.input.core.v1.VolumeProjection[] {
  const name = objectNames(spec).probe;
  const files = [...(needsCredentials(spec) ? [CREDENTIALS_FILE] : []), ...steadyServers(spec).map(noteFile)];
  return [{ secret: { name, items: files.map((file) => ({ key: file, path: file })) } }, authoritySource(spec, name)];
}

function configText(spec: BusSpec, facts: BusFacts): string {
  return `${JSON.stringify(probeConfig(spec, facts), null, 2)}\n`;
}

function probeConfig(spec: BusSpec, facts: BusFacts): ProbeConfig {
  const { monitoring, kubernetes } = spec;
  const scheme = spec.tls.clients ? "tls" : "nats";
  return {
    facts,
    listen: { host: "0.0.0.0", port: kubernetes.probe.port },
    servers: steadyServers(spec).map((name) => ({
      name,
      clientUrl: `${scheme}://${serverHost(spec, name)}:${KUBERNETES_PORTS.client}`,
      monitorUrl: `http://${serverHost(spec, name)}:${KUBERNETES_PORTS.monitor}`,
      noteFile: `${SECRET_FOLDER}/${noteFile(name)}`,
    })),
    pollMs: Math.min(LONGEST_POLL_MS, monitoring.scrapeIntervalMs / 2),
    // The exporters beside the servers have those names.
    exporter: false,
    latencySeconds: monitoring.slo.latencyMs / 1000,
    ...(monitoring.canary.enabled ? { canary: canaryConfig(spec) } : {}),
    ...(kubernetes.autoscaling.prometheus === undefined ? {} : { prometheusUrl: kubernetes.autoscaling.prometheus }),
  };
}

function canaryConfig(spec: BusSpec): CanaryConfig {
  const { intervalMs, timeoutMs } = spec.monitoring.canary;
  return {
    subject: CANARY_SUBJECT,
    ...(needsCredentials(spec) ? { credsFile: `${SECRET_FOLDER}/${CREDENTIALS_FILE}`, inboxPrefix: inboxPrefix(CANARY_USER) } : {}),
    ...(spec.tls.clients ? { caFile: `${SECRET_FOLDER}/ca.pem` } : {}),
    intervalMs,
    timeoutMs,
  };
}

function needsCredentials({ monitoring, auth }: BusSpec): boolean {
  return monitoring.canary.enabled && auth.mode !== "none";
}

function noteFile(server: string): string {
  return `${server}.json`;
}
