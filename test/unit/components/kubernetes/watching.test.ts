import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../../components/kubernetes/manifest.ts";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { clusterProblems } from "../../../../components/kubernetes/preflight.ts";
import { renderKubernetes } from "../../../../components/kubernetes/render.ts";
import { serverHosts } from "../../../../components/kubernetes/server-files.ts";
import { planBus } from "../../../../components/kubernetes/watching.ts";
import type { ResolvedBus } from "../../../../components/resolved-bus.ts";
import { serverNames } from "../../../../core/kubernetes-names.ts";
import { kubernetesAdvice, kubernetesProblems } from "../../../../core/kubernetes-rules.ts";
import type { ProbeConfig } from "../../../../observability/probe-config.ts";
import {
  fakeMaterial,
  kubernetesBus,
  kubernetesSpec,
  type StackBlocks,
  stackFile,
  WATCHED,
  watchedObjectsOf,
} from "../../../support/kubernetes-spec.ts";

interface Port {
  readonly name: string;
  readonly containerPort: number;
}

interface Workload extends Manifest {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly { readonly ports?: readonly Port[]; readonly volumeMounts: readonly Mount[] }[];
        readonly volumes: readonly Volume[];
      };
    };
  };
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly projected?: {
    readonly sources: readonly {
      readonly secret: { readonly name: string; readonly items: readonly { readonly key: string; readonly path: string }[] };
    }[];
  };
}

interface Service extends Manifest {
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  };
}

interface Monitor extends Manifest {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints?: readonly { readonly port: string }[];
    readonly podMetricsEndpoints?: readonly { readonly port: string }[];
  };
}

interface Policy extends Manifest {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly ingress: readonly { readonly ports: readonly { readonly port: number }[]; readonly from?: readonly object[] }[];
  };
}

const PROBE_IMAGE = { image: { repository: "registry.example.org/natsbus-probe", tag: "0.1.0" } };
const ON = { enabled: true };

function watched(kubernetes: object = {}, more: StackBlocks = {}): ResolvedBus {
  return kubernetesBus({ monitoring: ON, kubernetes, ...more });
}

function ofKind<T extends Manifest>(objects: readonly Manifest[], ...kinds: readonly string[]): readonly T[] {
  return objects.filter(({ kind }) => kinds.includes(kind)) as unknown as readonly T[];
}

function named<T extends Manifest>(objects: readonly Manifest[], kind: string, name: string): T {
  const found = ofKind<T>(objects, kind).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function probeConfig(objects: readonly Manifest[]): ProbeConfig {
  const config = named<Manifest>(objects, "ConfigMap", "nats-probe")["data"] as Readonly<Record<string, string>>;
  return JSON.parse(config["probe.json"] ?? "") as ProbeConfig;
}

const peers = fc.constantFrom([], [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }]);

const busArbitrary = fc
  .record({
    cluster: fc.record({ servers: fc.constantFrom(3, 5) }),
    tls: fc.record({ clients: fc.boolean() }),
    monitoring: fc.record({ enabled: fc.constant(true), canary: fc.record({ enabled: fc.boolean() }) }),
    kubernetes: fc.record({
      namespace: fc.constantFrom("messaging", "b"),
      exporter: fc.record({ port: fc.integer({ min: 10_000, max: 30_000 }) }),
      probe: fc.record({ image: fc.constantFrom({}, PROBE_IMAGE.image), port: fc.integer({ min: 1024, max: 30_000 }) }),
      monitoring: fc.record({
        scrapeBy: fc.constantFrom("pods", "services"),
        dashboards: fc.constantFrom("configmaps", "grafana-operator", "none"),
        labels: fc.constantFrom({}, { release: "monitoring" }),
        freeDisk: fc.boolean(),
      }),
      networkPolicy: fc.record({ enabled: fc.boolean(), clients: peers, metrics: peers, egress: fc.boolean() }),
      storage: fc.record({ ephemeral: fc.boolean() }),
      certificates: fc.constantFrom({ source: "own" }, { source: "existing", secret: "tls" }, { source: "cert-manager", issuer: "ca" }),
    }),
  })
  .map((blocks) => kubernetesBus(blocks));

function check(property: (bus: ResolvedBus, objects: readonly Manifest[]) => void): void {
  fc.assert(
    fc.property(busArbitrary, (bus) => property(bus, watchedObjectsOf(bus))),
    { numRuns: 40 },
  );
}

describe("whatever the stack file says about monitoring", () => {
  test("Services, policies and monitors select pods of one part, at ports that these pods have", () => {
    check((_bus, objects) => {
      const pods = ofKind<Workload>(objects, "StatefulSet", "Deployment");
      const chosenBy = (selector: Readonly<Record<string, string>>) =>
        pods.filter(({ spec }) => selects(selector, spec.template.metadata.labels));
      const portsOf = (workload: Workload | undefined) =>
        new Map(
          workload?.spec.template.spec.containers.flatMap(({ ports = [] }) =>
            ports.map((port) => [port.name, port.containerPort] as const),
          ),
        );
      for (const { spec } of ofKind<Service>(objects, "Service")) {
        const [pod, ...others] = chosenBy(spec.selector);
        expect(others).toEqual([]);
        for (const { port, targetPort } of spec.ports) expect(portsOf(pod).get(targetPort)).toBe(port);
      }
      for (const { spec } of ofKind<Policy>(objects, "NetworkPolicy")) expect(chosenBy(spec.podSelector.matchLabels)).toHaveLength(1);
      for (const { spec } of ofKind<Monitor>(objects, "PodMonitor")) {
        const [pod, ...others] = chosenBy(spec.selector.matchLabels);
        expect(others).toEqual([]);
        for (const { port } of spec.podMetricsEndpoints ?? []) expect(portsOf(pod).has(port)).toBe(true);
      }
      for (const { spec } of ofKind<Monitor>(objects, "ServiceMonitor")) {
        const offering = ofKind<Service>(objects, "Service").filter(
          (service) =>
            selects(spec.selector.matchLabels, service.metadata.labels) &&
            service.spec.ports.some(({ name }) => spec.endpoints?.some(({ port }) => port === name)),
        );
        expect(offering).toHaveLength(1);
      }
    });
  });

  test("Prometheus gets in, and the probe reaches what it watches", () => {
    check((bus, objects) => {
      const { networkPolicy, probe, exporter } = bus.spec.kubernetes;
      const policies = ofKind<Policy>(objects, "NetworkPolicy");
      expect(policies.length > 0).toBe(networkPolicy.enabled);
      if (!networkPolicy.enabled) return;
      const everybody = [{ namespaceSelector: {} }];
      const scrapers = networkPolicy.metrics.length === 0 ? everybody : networkPolicy.metrics;
      const rule = (policy: string, port: number) =>
        named<Policy>(objects, "NetworkPolicy", policy).spec.ingress.find(({ ports }) => ports[0]?.port === port)?.from;
      expect(rule("nats-servers", exporter.port)).toEqual(scrapers);
      if (probe.image.repository === undefined) {
        expect(rule("nats-servers", 8222)).toBeUndefined();
        return;
      }
      const isProbe = { podSelector: { matchLabels: named<Policy>(objects, "NetworkPolicy", "nats-probe").spec.podSelector.matchLabels } };
      expect(rule("nats-probe", probe.port)).toEqual(scrapers);
      expect(rule("nats-servers", 8222)).toEqual([isProbe]);
      expect(rule("nats-servers", 4222)).toEqual(networkPolicy.clients.length === 0 ? everybody : [isProbe, ...networkPolicy.clients]);
    });
  });

  test("every file and server that the probe is told of is there, under a name its certificate has", () => {
    check((bus, objects) => {
      if (bus.spec.kubernetes.probe.image.repository === undefined) return;
      const config = probeConfig(objects);
      const { spec } = named<Workload>(objects, "Deployment", "nats-probe");
      const [container] = spec.template.spec.containers;
      const { source } = bus.spec.kubernetes.certificates;
      const entries = (secret: string): readonly string[] =>
        secret === "nats-probe" || source === "own"
          ? Object.keys(named<Manifest>(objects, "Secret", secret)["data"] as object)
          : ["tls.crt", "tls.key", "ca.crt"];
      const files = spec.template.spec.volumes.flatMap(({ name, projected }) => {
        const folder = container?.volumeMounts.find((mount) => mount.name === name)?.mountPath;
        return (projected?.sources ?? []).flatMap(({ secret }) =>
          secret.items.map(({ key, path }) => {
            expect(entries(secret.name)).toContain(key);
            return `${folder}/${path}`;
          }),
        );
      });
      const told = [
        ...config.servers.map(({ noteFile }) => noteFile),
        ...[config.canary?.caFile, config.canary?.credsFile].filter((file) => file !== undefined),
      ];
      for (const file of told) expect(files).toContain(file);
      expect(config.canary === undefined).toBe(!bus.spec.monitoring.canary.enabled);
      expect(config.servers.map(({ name }) => name)).toEqual(serverNames(bus.spec));
      for (const { name, clientUrl } of config.servers) {
        const { hostname, protocol, port } = new URL(clientUrl ?? "");
        expect(serverHosts(bus.spec)[name]).toContain(hostname);
        expect([protocol, port]).toEqual([bus.spec.tls.clients ? "tls:" : "nats:", "4222"]);
      }
      expect(JSON.stringify(config)).not.toContain("SECRET");
    });
  });

  test("no rule or board speaks of a probe that does not run, and the canary's stream goes with it", () => {
    check((bus, objects) => {
      const probed = bus.spec.kubernetes.probe.image.repository !== undefined;
      const text = JSON.stringify(ofKind(objects, "PrometheusRule"));
      expect(text.includes("natsbus_meta_peer_current")).toBe(probed);
      expect(text.includes("nats_client_publish_total")).toBe(probed && bus.spec.monitoring.canary.enabled);
      const names = bus.streams.streams.map(({ spec }) => spec.name);
      expect(names.includes("NATSBUS_CANARY")).toBe(probed && bus.spec.monitoring.canary.enabled);
      const { storage, monitoring } = bus.spec.kubernetes;
      expect(text.includes("kubelet_volume_stats")).toBe(monitoring.freeDisk && !storage.ephemeral);
    });
  });
});

describe("monitoring on Kubernetes", () => {
  test("looks as it did, but for rules and boards, which are shown elsewhere", async () => {
    const bus = kubernetesBus(WATCHED, "watched");
    const files = renderKubernetes(bus, planBus(bus), { secrets: "plain", material: fakeMaterial(bus.spec) });
    const own = files.filter(({ name }) => /probe|monitor|metrics|toolbox|networkpolicy|alertmanager|-box/.test(name));
    const text = own.map((file) => `# file: ${file.name}\n${file.text}`);
    await expect(text.join("---\n")).toMatchFileSnapshot("../../../fixtures/kubernetes/watched.yaml");
  });

  test("is nothing where it is off", () => {
    const bus = kubernetesBus({ kubernetes: { probe: PROBE_IMAGE } });
    expect(JSON.stringify(planBus(bus))).toBe(JSON.stringify(planKubernetes(bus.spec)));
  });

  test.each([
    ["PodMonitors and ConfigMaps", {}, ["ConfigMap", "PodMonitor", "PrometheusRule"]],
    ["ServiceMonitors", { scrapeBy: "services" }, ["ConfigMap", "PrometheusRule", "ServiceMonitor"]],
    ["GrafanaDashboards", { dashboards: "grafana-operator" }, ["GrafanaDashboard", "PodMonitor", "PrometheusRule"]],
    ["no dashboards", { dashboards: "none" }, ["PodMonitor", "PrometheusRule"]],
  ])("declares %s", (_name, monitoring, kinds) => {
    const plain = new Set(planKubernetes(kubernetesSpec()).after.map(({ kind }) => kind));
    const { after } = planBus(watched({ monitoring }));
    expect([...new Set(after.map(({ kind }) => kind))].filter((kind) => !plain.has(kind)).sort()).toEqual(kinds);
  });

  test("carries the labels that operator and sidecar look for, and the namespace on every alert", () => {
    const monitoring = { labels: { release: "monitoring" }, dashboardAnnotations: { folder: "NATS" } };
    const objects = watchedObjectsOf(watched({ monitoring, namespace: "messaging", labels: { team: "platform" } }));
    for (const { metadata } of ofKind(objects, "PodMonitor", "PrometheusRule"))
      expect(metadata.labels).toMatchObject({ release: "monitoring", team: "platform" });
    const boards = ofKind(objects, "ConfigMap");
    expect(boards.length).toBeGreaterThan(3);
    for (const { metadata } of boards) {
      expect(metadata.labels).toMatchObject({ grafana_dashboard: "1" });
      expect(metadata.annotations).toEqual({ folder: "NATS" });
    }
    const rules = named<Manifest>(objects, "PrometheusRule", "natsbus-test-rules-1");
    const groups = (rules["spec"] as { groups: { rules: { alert?: string; labels?: Record<string, string> }[] }[] }).groups;
    const alerts = groups.flatMap((group) => group.rules).filter(({ alert }) => alert !== undefined);
    expect(alerts.length).toBeGreaterThan(10);
    for (const { labels } of alerts) expect(labels?.["namespace"]).toBe("messaging");
  });

  test("takes patches like every other object", () => {
    const patches = [{ kind: "PodMonitor", name: "natsbus-test-servers", merge: { spec: { sampleLimit: 9 } } }];
    const objects = watchedObjectsOf(watched({ patches }, { cluster: { name: "natsbus-test" } }));
    expect(named<Monitor>(objects, "PodMonitor", "natsbus-test-servers").spec).toMatchObject({ sampleLimit: 9 });
  });

  test("lets the probe publish as a user that may do nothing else, and gives it no token", () => {
    const bus = watched({ probe: PROBE_IMAGE });
    const users = bus.accounts.flatMap(({ users: own }) => Object.keys(own));
    expect(users).toContain("canary");
    const objects = watchedObjectsOf(bus);
    expect(named<Workload>(objects, "Deployment", "nats-probe").spec.template.spec).toMatchObject({ automountServiceAccountToken: false });
    const content = named<Manifest>(objects, "Secret", "nats-probe")["data"] as Readonly<Record<string, string>>;
    expect(Buffer.from(content["canary.creds"] ?? "", "base64").toString()).toBe("SECRET canary\n");
    expect(JSON.stringify(content)).not.toContain(Buffer.from("SECRET admin\n").toString("base64"));
  });

  test("starts the probe anew when what it is told changes, and only then", () => {
    const digest = (bus: ResolvedBus) =>
      named<Workload>(watchedObjectsOf(bus), "Deployment", "nats-probe").spec.template.metadata.annotations["natsbus/config-digest"];
    const before = digest(watched({ probe: PROBE_IMAGE }));
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(watched({ probe: PROBE_IMAGE, labels: { team: "a" } }))).toBe(before);
    expect(digest(watched({ probe: PROBE_IMAGE }, { cluster: { servers: 5 } }))).not.toBe(before);
  });

  test("reads the memory limit of the pods, also where only a preset says it", () => {
    const { facts } = probeConfig(watchedObjectsOf(watched({ probe: PROBE_IMAGE, preset: "large" })));
    expect(facts.memoryLimitBytes).toBe(4 * 1024 ** 3);
  });

  test("refuses a receiver's secret that is a file", () => {
    const alerting = { receivers: [{ name: "pager", pagerduty: { routingKey: { file: "/etc/key" } } }], critical: "pager" };
    const bus = kubernetesBus({ monitoring: { enabled: true, alerting } });
    expect(() => planBus(bus)).toThrow(
      expect.objectContaining({
        code: "ERR_CONFIG_VALUE",
        path: "monitoring.alerting.receivers.pager",
        remedy: expect.stringContaining("Kubernetes Secret"),
      }),
    );
  });

  test("refuses a probe of no version, and monitoring without exporters; advises where no probe runs", () => {
    const problems = (kubernetes: object) => {
      try {
        return kubernetesProblems(kubernetesSpec({ monitoring: ON, kubernetes })).map(({ code, path }) => `${code} ${path}`);
      } catch (error) {
        return [`${(error as { code: string }).code} ${(error as { path: string }).path}`];
      }
    };
    expect(problems({ probe: { image: { repository: "x" } } })).toEqual(["ERR_CONFIG_MISSING kubernetes.probe.image.tag"]);
    expect(problems({ exporter: { enabled: false } })).toEqual(["ERR_CONFIG_CONFLICT kubernetes.exporter.enabled"]);
    expect(kubernetesAdvice(kubernetesSpec({ monitoring: ON })).join()).toContain("kubernetes.probe.image");
    expect(kubernetesAdvice(kubernetesSpec({ monitoring: ON, kubernetes: { probe: PROBE_IMAGE } })).join()).not.toContain("probe");
  });

  test("is told at preview when the cluster does not know its kinds", () => {
    const bus = watched({ monitoring: { dashboards: "grafana-operator" } });
    const facts = { namespace: undefined, groups: [], priorityClasses: [], secrets: {}, claims: [] };
    const storageClasses = [{ name: "standard", grows: true, isDefault: true }];
    expect(clusterProblems(bus.spec, { ...facts, storageClasses }, planBus(bus))).toMatchObject([
      { code: "ERR_KUBERNETES_OBJECT", path: "monitoring.enabled", remedy: expect.stringContaining("install the Prometheus Operator") },
      { path: "kubernetes.monitoring.dashboards", remedy: expect.stringContaining("install the Grafana Operator") },
    ]);
    expect(clusterProblems(bus.spec, { ...facts, storageClasses }, planKubernetes(bus.spec))).toEqual([]);
  });

  test("goes with the shipped prod stack", () => {
    const { kubernetes = {}, ...rest } = stackFile("prod");
    const bus = kubernetesBus({ ...rest, monitoring: ON, kubernetes: { ...(kubernetes as object), probe: PROBE_IMAGE } }, "prod");
    expect(ofKind(watchedObjectsOf(bus), "PodMonitor")).toHaveLength(2);
  });
});
