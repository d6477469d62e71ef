/** What watches a bus on Kubernetes: objects of the Prometheus Operator, dashboards, and the probe. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { isProbed } from "../../core/kubernetes-rules.ts";
import type { BusFacts } from "../../observability/facts.ts";
import type { MonitoringOptions } from "../../observability/options.ts";
import { monitoringManifests } from "../../observability/writers/files.ts";
import type { OperatorOptions } from "../../observability/writers/operator.ts";
import { monitoringChoices, monitoringFacts } from "../monitoring.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { metadataOf, selectorLabels } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { probePolicy } from "./network-policy.ts";
import { type KubernetesPlan, type PlanOptions, planKubernetes, planSecret } from "./plan.ts";
import { METRICS_PORT, podPorts } from "./ports.ts";
import { probeConfigMap, probeDeployment, probeFiles, probeService } from "./probe.ts";

const DASHBOARD_KINDS: ReadonlySet<string> = new Set(["ConfigMap", "GrafanaDashboard"]);

/**
 * The plan of a whole bus, with what watches it where `monitoring.enabled` asks for it.
 * @throws what {@link planKubernetes} throws, and ERR_CONFIG_VALUE when a receiver's secret is a file
 */
export function planBus(bus: ResolvedBus, options: Omit<PlanOptions, "further"> = {}): KubernetesPlan {
  return planKubernetes(bus.spec, bus.spec.monitoring.enabled ? { ...options, further: planWatching(bus) } : options);
}

function planWatching(bus: ResolvedBus): KubernetesPlan {
  const { spec } = bus;
  const facts = monitoringFacts(bus);
  const probe = isProbed(spec) ? planProbe(spec, facts) : { before: [], secrets: [], after: [] };
  return {
    before: [...probe.before, ...(spec.kubernetes.monitoring.scrapeBy === "services" ? [metricsService(spec)] : [])],
    secrets: probe.secrets,
    after: [...probe.after, ...operatorObjects(bus, facts)],
  };
}

function planProbe(spec: BusSpec, facts: BusFacts): KubernetesPlan {
  const content = planSecret(spec, objectNames(spec).probe, { content: (material) => probeFiles(spec, material), component: "probe" });
  return {
    before: [...(spec.kubernetes.networkPolicy.enabled ? [probePolicy(spec)] : []), probeService(spec), probeConfigMap(spec, facts)],
    secrets: [content],
    after: [probeDeployment(spec, facts)],
  };
}

/** PodMonitors or ServiceMonitors, rules, routes, and dashboards. */
function operatorObjects(bus: ResolvedBus, facts: BusFacts): Manifest[] {
  const { dashboards } = bus.spec.kubernetes.monitoring;
  const objects = monitoringManifests(facts, {
    ...monitoringChoices(bus),
    ...clusterChoices(bus.spec),
    operator: operatorOptions(bus.spec),
  });
  return objects.filter(({ kind }) => dashboards !== "none" || !DASHBOARD_KINDS.has(kind)).map((object) => ({ ...object }));
}

function clusterChoices(spec: BusSpec): MonitoringOptions {
  const { namespace, storage, monitoring } = spec.kubernetes;
  const claims = `${objectNames(spec).claim}-${spec.kubernetes.name}-[0-9]+`;
  const watchesDisks = monitoring.freeDisk && !storage.ephemeral;
  return { probe: isProbed(spec), ...(watchesDisks ? { volumes: { kind: "kubelet", namespace, claims } } : {}) };
}

function operatorOptions(spec: BusSpec): OperatorOptions {
  const { namespace, labels, monitoring } = spec.kubernetes;
  const { dashboards, grafanaInstances, dashboardLabels, dashboardAnnotations, scrapeBy } = monitoring;
  return {
    namespace,
    podLabels: selectorLabels(spec, "server"),
    ...(isProbed(spec) ? { probeLabels: selectorLabels(spec, "probe") } : {}),
    labels: { ...labels, ...monitoring.labels },
    port: METRICS_PORT,
    scrapeSeconds: Math.max(1, Math.round(spec.monitoring.scrapeIntervalMs / 1000)),
    consumers: spec.monitoring.consumerSeries,
    scrapeBy,
    ...(dashboards === "grafana-operator" ? { grafanaInstances, dashboardLabels: {} } : { dashboardLabels }),
    ...(Object.keys(dashboardAnnotations).length === 0 ? {} : { dashboardAnnotations }),
  };
}

/** The exporters as a Service, for ServiceMonitors; servers that are not ready are scraped as well. */
function metricsService(spec: BusSpec): Manifest {
  const ports = podPorts(spec).filter(({ name }) => name === METRICS_PORT);
  const body: types.input.core.v1.ServiceSpec = {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: selectorLabels(spec, "server"),
    ports: ports.map(({ name, port, appProtocol }) => ({ name, port, targetPort: name, protocol: "TCP", appProtocol })),
  };
  return { apiVersion: "v1", kind: "Service", metadata: metadataOf(spec, `${spec.kubernetes.name}-metrics`), spec: body };
}
