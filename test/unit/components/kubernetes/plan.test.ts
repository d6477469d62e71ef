import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../../../../components/kubernetes/manifest.ts";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { podPorts } from "../../../../components/kubernetes/ports.ts";
import { kubernetesReach } from "../../../../components/kubernetes/reach.ts";
import { routeKey, serverConfig, serverHosts } from "../../../../components/kubernetes/server-files.ts";
import type { BusSpec } from "../../../../core/bus-spec.ts";
import { isBusError } from "../../../../core/errors.ts";
import { coversHost, serverHost, serverNames } from "../../../../core/kubernetes-names.ts";
import { parseStackConfig } from "../../../../core/stack-config.ts";
import { fakeMaterial, KITCHEN_SINK, kubernetesSpec, objectsOf, rawConfig, type StackBlocks } from "../../../support/kubernetes-spec.ts";

interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly requests: unknown; readonly limits: { readonly memory: string; readonly cpu: string } };
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly [key: string]: unknown;
}

interface Workload {
  readonly spec: {
    readonly serviceName: string;
    readonly selector: { readonly matchLabels: Record<string, string> };
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: {
        readonly containers: readonly Container[];
        readonly volumes: readonly Record<string, unknown>[];
        readonly terminationGracePeriodSeconds: number;
      };
    };
    readonly volumeClaimTemplates?: readonly {
      readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } };
    }[];
  };
}

function find<T>(objects: readonly Manifest[], kind: string, name?: string): T {
  const found = objects.find((object) => object.kind === kind && (name === undefined || object.metadata.name === name));
  if (found === undefined) throw new Error(`no ${kind} ${name ?? ""}`);
  return found as unknown as T;
}

/** Bytes of a quantity. */
function bytes(quantity: string): number {
  const [, number = "", unit = ""] = /^(\d+)(Mi|Gi)?$/.exec(quantity) ?? [];
  return Number(number) * { "": 1, Mi: 1024 ** 2, Gi: 1024 ** 3 }[unit as "" | "Mi" | "Gi"];
}

const toggle = fc.boolean();
const listenerArbitrary = fc.record({
  websocket: fc.record({ enabled: toggle, port: fc.integer({ min: 1024, max: 30_000 }), hosts: fc.constantFrom([], ["ws.example.org"]) }),
  mqtt: fc.record({ enabled: toggle }),
  leafNodes: fc.record({ enabled: toggle, remotes: fc.constantFrom([], [{ urls: ["tls://hub.example.org"], credentialsSecret: "hub" }]) }),
  gateway: fc.record({ enabled: toggle, advertise: fc.constantFrom(undefined, "gw.example.org:7222") }, { requiredKeys: ["enabled"] }),
  monitor: fc.constantFrom({}, { hosts: ["monitor.example.org"], gatewayName: "public" }),
});

/** Stack files of every shape that the rules accept. */
const specArbitrary: fc.Arbitrary<BusSpec> = fc
  .record({
    cluster: fc.record({ servers: fc.integer({ min: 1, max: 7 }) }),
    jetstream: fc.record({ maxStorage: fc.constantFrom("512MiB", "3GiB", "2GB"), maxMemory: fc.constantFrom("0", "64MiB", "256MB") }),
    limits: fc.record(
      { memory: fc.constantFrom("512MiB", "700MB", "2GiB"), cpu: fc.constantFrom(0.1, 0.5, 1.25, 3) },
      { requiredKeys: [] },
    ),
    lameDuck: fc.record({ duration: fc.constantFrom("30s", "2m"), gracePeriod: fc.constantFrom("1s", "10s") }),
    tls: fc.record({ clients: toggle, hosts: fc.constantFrom([], ["nats.example.org"]) }),
    kubernetes: fc.record({
      name: fc.constantFrom("nats", "bus-a"),
      namespace: fc.constantFrom("messaging", "b"),
      fullRouteNames: toggle,
      listeners: listenerArbitrary,
      exporter: fc.record({ enabled: toggle, port: fc.integer({ min: 1024, max: 30_000 }) }),
      toolbox: fc.record({ enabled: toggle }),
      reloader: fc.record({ enabled: toggle }),
      storage: fc.record({ ephemeral: toggle }),
      networkPolicy: fc.record({ egress: toggle }),
      certificates: fc.constantFrom({ source: "own" }, { source: "existing", secret: "tls" }, { source: "cert-manager", issuer: "ca" }),
      scheduling: fc.record({
        zones: fc.constantFrom([], ["a", "b", "c"]),
        antiAffinity: fc.constantFrom("required", "preferred", "none"),
      }),
      encryption: fc.constantFrom({}, { secret: "store-key" }),
    }),
  })
  .map(parse)
  .filter((spec) => spec !== undefined);

function parse(blocks: StackBlocks): BusSpec | undefined {
  try {
    return parseStackConfig(rawConfig({ target: "kubernetes", ...blocks }), { stack: "test", project: "natsbus" });
  } catch (error) {
    if (isBusError(error)) return undefined;
    throw error;
  }
}

function check(property: (spec: BusSpec, objects: readonly Manifest[]) => void): void {
  fc.assert(
    fc.property(specArbitrary, (spec) => property(spec, objectsOf(spec))),
    { numRuns: 150 },
  );
}

describe("whatever the stack file says", () => {
  test("every Service, budget and policy selects the pods of its part", () => {
    check((_spec, objects) => {
      const pods = objects.filter(({ kind }) => kind === "StatefulSet" || kind === "Deployment") as unknown as Workload[];
      const selectors = objects.flatMap((object): Record<string, string>[] => {
        const spec = object["spec"] as Record<string, never> | undefined;
        if (object.kind === "Service") return [spec?.["selector"] ?? {}];
        if (object.kind === "PodDisruptionBudget" || object.kind === "StatefulSet" || object.kind === "Deployment")
          return [spec?.["selector"]?.["matchLabels"] ?? {}];
        return object.kind === "NetworkPolicy" ? [spec?.["podSelector"]?.["matchLabels"] ?? {}] : [];
      });
      expect(selectors.length).toBeGreaterThan(3);
      for (const selector of selectors) {
        const chosen = pods.filter(({ spec }) =>
          Object.entries(selector).every(([key, value]) => spec.template.metadata.labels[key] === value),
        );
        expect(chosen).toHaveLength(1);
      }
    });
  });

  test("ports agree between containers, Services, policies and the configuration", () => {
    check((spec, objects) => {
      const { containers } = find<Workload>(objects, "StatefulSet").spec.template.spec;
      const declared = new Map(
        containers.flatMap(({ ports = [] }) => ports.map(({ name, containerPort }) => [name, containerPort] as const)),
      );
      expect(new Set(declared.values()).size).toBe(declared.size);
      for (const name of declared.keys()) expect(name.length).toBeLessThanOrEqual(15);
      for (const service of objects.filter(({ kind }) => kind === "Service")) {
        const { ports } = service["spec"] as { readonly ports: readonly { readonly port: number; readonly targetPort: string }[] };
        for (const { port, targetPort } of ports) expect(declared.get(targetPort)).toBe(port);
      }
      const config = serverConfig(spec, serverNames(spec)[0] ?? "", fakeMaterial(spec));
      expect(declared.get("nats")).toBe(config.client.port);
      expect(declared.get("monitor")).toBe(config.monitor?.port);
      expect(declared.get("websocket")).toBe(config.websocket?.port);
      expect(declared.get("mqtt")).toBe(config.mqtt?.port);
      expect(declared.get("leafnodes")).toBe(config.leafNodes?.listener?.port);
      expect(declared.get("gateway")).toBe(config.gateway?.port);
      const policy = find<Manifest>(objects, "NetworkPolicy", `${spec.kubernetes.name}-servers`)["spec"] as {
        readonly ingress: readonly { readonly ports: readonly { readonly port: number }[] }[];
      };
      const open = policy.ingress.flatMap(({ ports }) => ports.map(({ port }) => port));
      const wanted = podPorts(spec).filter(({ audience }) => audience !== "nobody");
      expect(open.sort()).toEqual(wanted.map(({ port }) => port).sort());
    });
  });

  test("certificates cover every route and every name clients use", () => {
    check((spec) => {
      const hosts = serverHosts(spec);
      const { name, namespace, clusterDomain } = spec.kubernetes;
      for (const server of serverNames(spec)) {
        const own = hosts[server] ?? [];
        for (const other of serverNames(spec)) {
          const { cluster } = serverConfig(spec, other, fakeMaterial(spec));
          const toServer = cluster?.routes.map((route) => new URL(route).hostname).filter((host) => host.startsWith(`${server}.`)) ?? [];
          expect(toServer).toHaveLength(other === server || cluster === undefined ? 0 : 1);
          for (const host of toServer) expect(coversHost(hosts[routeKey(server)] ?? [], host)).toBe(true);
        }
        const clients = [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.${clusterDomain}`];
        const { websocket, monitor, gateway } = spec.kubernetes.listeners;
        const outside = [...spec.tls.hosts, ...websocket.hosts, ...monitor.hosts, ...(gateway.advertise?.split(":").slice(0, 1) ?? [])];
        // Where natsbus itself, and the probe, connect.
        const watchers = [...kubernetesReach(spec).servers.map((url) => new URL(url).hostname), serverHost(spec, server)];
        for (const host of [...clients, "localhost", "127.0.0.1", ...outside, ...watchers])
          expect([host, coversHost(own, host)]).toEqual([host, true]);
      }
    });
  });

  test("probes ask a port that exists, and never about streams", () => {
    check((_spec, objects) => {
      for (const { ports = [], ...container } of find<Workload>(objects, "StatefulSet").spec.template.spec.containers) {
        for (const key of ["startupProbe", "readinessProbe", "livenessProbe"]) {
          const probe = container[key] as { readonly httpGet: { readonly path: string; readonly port: string } } | undefined;
          expect(probe === undefined).toBe(container.name !== "nats");
          if (probe === undefined) continue;
          expect(ports.map(({ name }) => name)).toContain(probe.httpGet.port);
          expect(probe.httpGet.path).toMatch(/^\/healthz\?js-(server|enabled)-only=true$/);
        }
      }
    });
  });

  test("no secret stands outside of a Secret", () => {
    check((spec, objects) => {
      const open = JSON.stringify(objects.filter(({ kind }) => kind !== "Secret"));
      expect(open).not.toMatch(/SECRET|system\.jwt|operator\.jwt/);
      expect(open).not.toContain(Buffer.from("SECRET").toString("base64"));
      const closed = JSON.stringify(objects.filter(({ kind }) => kind === "Secret"));
      expect(closed.includes(Buffer.from("SECRET ke").toString("base64"))).toBe(
        spec.kubernetes.certificates.source === "own" || spec.cluster.servers > 1,
      );
    });
  });

  test("limits fit each other: requests and limits, Go's share, JetStream, volume, grace", () => {
    check((spec, objects) => {
      const { spec: body } = find<Workload>(objects, "StatefulSet");
      for (const { resources } of body.template.spec.containers) expect(resources.requests).toEqual(resources.limits);
      const nats = body.template.spec.containers.find(({ name }) => name === "nats");
      const env = new Map(nats?.env?.map(({ name, value }) => [name, value ?? ""]));
      const goMemory = bytes((env.get("GOMEMLIMIT") ?? "").replace("MiB", "Mi"));
      expect(goMemory).toBeLessThan(bytes(nats?.resources.limits.memory ?? ""));
      expect(goMemory).toBeGreaterThan(spec.jetstream.maxMemoryBytes);
      expect(Number(env.get("GOMAXPROCS"))).toBeGreaterThanOrEqual(1);
      const claim = body.volumeClaimTemplates?.[0]?.spec.resources.requests.storage;
      expect(claim === undefined).toBe(spec.kubernetes.storage.ephemeral);
      if (claim !== undefined) expect(spec.jetstream.maxStorageBytes).toBeLessThanOrEqual(bytes(claim) * 0.9);
      const leaving = (spec.lameDuck.durationMs + spec.lameDuck.gracePeriodMs) / 1000;
      expect(body.template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(leaving + 30);
    });
  });

  test("every name that an object refers to is declared", () => {
    check((spec, objects) => {
      const set = find<Workload>(objects, "StatefulSet");
      expect(objects.some(({ kind, metadata }) => kind === "Service" && metadata.name === set.spec.serviceName)).toBe(true);
      const text = JSON.stringify(set);
      const { source } = spec.kubernetes.certificates;
      const secrets = [...text.matchAll(/"secret":\{"name":"([^"]+)"/g)].map(([, name]) => name);
      const declared = objects.filter(({ kind }) => kind === "Secret").map(({ metadata }) => metadata.name);
      expect(secrets.filter((name) => !declared.includes(name ?? ""))).toEqual(
        source === "own" ? [] : [source === "existing" ? "tls" : `${spec.kubernetes.name}-tls`],
      );
    });
  });

  test("every object has a namespace, and the labels that say whose it is", () => {
    check((spec, objects) => {
      for (const { kind, metadata } of objects) {
        expect(metadata.namespace).toBe(kind === "Namespace" ? undefined : spec.kubernetes.namespace);
        expect(metadata.labels?.["app.kubernetes.io/managed-by"]).toBe("natsbus");
      }
    });
  });
});

test("routes have certificates of their own, which cover nothing else, whoever makes the others", () => {
  for (const source of [{ source: "own" }, { source: "existing", secret: "tls" }, { source: "cert-manager", issuer: "ca" }]) {
    const spec = kubernetesSpec({ tls: { hosts: ["nats.example.org"] }, kubernetes: { certificates: source } });
    const { clientTls, cluster } = serverConfig(spec, "nats-0", fakeMaterial(spec));
    expect(cluster?.tls?.certFile).toMatch(/^\/etc\/nats\/[0-9a-f]{12}\.pem$/);
    expect(cluster?.tls?.certFile).not.toBe(clientTls?.certFile);
    const routes = serverHosts(spec)[routeKey("nats-0")] ?? [];
    expect(routes[0]).toBe("nats-0");
    expect(routes.filter((host) => host !== "nats-0" && !host.startsWith("nats-0.nats-headless"))).toEqual([]);
    const names = objectsOf(spec).flatMap(({ kind, metadata }) => (kind === "Secret" ? [metadata.name] : []));
    expect(names).toContain("nats-routes");
  }
  expect(objectsOf(kubernetesSpec({ cluster: { servers: 1 } })).some(({ metadata }) => metadata.name === "nats-routes")).toBe(false);
});

describe("the official chart's gaps", () => {
  const objects = objectsOf(kubernetesSpec());
  const set = find<Workload>(objects, "StatefulSet");

  test("pods are as restricted as Pod Security asks", () => {
    const pod = set.spec.template.spec as unknown as Record<string, unknown>;
    expect(pod["securityContext"]).toEqual({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod["automountServiceAccountToken"]).toBe(false);
    expect(pod).not.toHaveProperty("shareProcessNamespace");
    for (const container of set.spec.template.spec.containers)
      expect(container["securityContext"]).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
  });

  test("servers start together and are restarted by the rollout alone", () => {
    expect(set.spec).toMatchObject({ podManagementPolicy: "Parallel", updateStrategy: { type: "OnDelete" } });
    expect(find<Manifest>(objects, "Service", "nats-headless")["spec"]).toMatchObject({
      clusterIP: "None",
      publishNotReadyAddresses: true,
    });
  });

  test("a server leaves in lame duck mode, with time for it", () => {
    const [nats] = set.spec.template.spec.containers;
    expect(nats?.["lifecycle"]).toEqual({ preStop: { exec: { command: ["nats-server", "-sl=ldm=/var/run/nats/nats.pid"] } } });
    expect(set.spec.template.spec.terminationGracePeriodSeconds).toBe(70);
  });

  test("nothing but the route port is open to the other servers alone, and the monitor port to nobody", () => {
    const policy = find<Manifest>(objects, "NetworkPolicy")["spec"] as {
      readonly ingress: readonly { readonly ports: readonly { readonly port: number }[]; readonly from: unknown }[];
    };
    const rule = (port: number) => policy.ingress.find(({ ports }) => ports[0]?.port === port);
    expect(rule(6222)?.from).toEqual([{ podSelector: { matchLabels: set.spec.selector.matchLabels } }]);
    expect(rule(8222)).toBeUndefined();
    expect(rule(4222)?.from).toEqual([{ namespaceSelector: {} }]);
  });

  test("zones become tags, placement and spread", () => {
    const spec = kubernetesSpec({ kubernetes: { scheduling: { zones: ["a", "b", "c"] } } });
    const text = JSON.stringify(objectsOf(spec).find(({ kind }) => kind === "StatefulSet"));
    expect(text).toContain('"fieldPath":"metadata.labels[\'topology.kubernetes.io/zone\']"');
    expect(text).toContain('"whenUnsatisfiable":"DoNotSchedule"');
    expect(serverConfig(spec, "nats-0", fakeMaterial(spec)).extra).toMatchObject({ jetstream: { unique_tag: "az:" } });
  });

  test("the autoscaler of core servers only adds, and the set leaves the number to it", () => {
    const grown = objectsOf(kubernetesSpec({ kubernetes: { autoscaling: { maxServers: 9 } } }));
    expect(find<Workload>(grown, "StatefulSet").spec).not.toHaveProperty("replicas");
    expect(find<Manifest>(grown, "HorizontalPodAutoscaler")["spec"]).toMatchObject({
      minReplicas: 3,
      maxReplicas: 9,
      behavior: { scaleDown: { selectPolicy: "Disabled" } },
    });
  });
});

describe("the way out", () => {
  test("a transform sees every object once, and its answer is used", () => {
    const seen: string[] = [];
    const spec = kubernetesSpec(KITCHEN_SINK);
    const plan = planKubernetes(spec, {
      transform: (object) => {
        seen.push(`${object.kind}/${object.metadata.name}`);
        return { ...object, metadata: { ...object.metadata, annotations: { seen: "yes" } } };
      },
    });
    const all = [...plan.before, ...plan.secrets.map(({ manifest }) => manifest), ...plan.after];
    expect(seen.sort()).toEqual(all.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort());
    expect(new Set(all.map(({ metadata }) => metadata.annotations?.["seen"]))).toEqual(new Set(["yes"]));
  });

  test("patches merge blocks, lists of named things by name, and remove with null", () => {
    const merge = {
      spec: {
        revisionHistoryLimit: 3,
        template: {
          spec: {
            containers: [
              { name: "nats", livenessProbe: null },
              { name: "extra", image: "x" },
            ],
          },
        },
      },
    };
    const [first, ...others] = find<Workload>(
      objectsOf(kubernetesSpec({ kubernetes: { patches: [{ kind: "StatefulSet", merge }] } })),
      "StatefulSet",
    ).spec.template.spec.containers;
    expect(first?.name).toBe("nats");
    expect(first).not.toHaveProperty("livenessProbe");
    expect(first).toHaveProperty("readinessProbe");
    expect(others.map(({ name }) => name)).toEqual(["exporter", "extra"]);
  });

  test("a patch that fits nothing is a slip", () => {
    const spec = kubernetesSpec({ kubernetes: { patches: [{ kind: "Statefulset", merge: {} }] } });
    expect(() => planKubernetes(spec)).toThrow(/no Statefulset is declared; declared are Namespace/);
  });

  test("an object of the same name as an own one is refused", () => {
    const object = { apiVersion: "v1", kind: "Service", metadata: { name: "nats", namespace: "natsbus-test" } };
    expect(() => planKubernetes(kubernetesSpec({ kubernetes: { extraObjects: [object] } }))).toThrow(/Service nats is declared twice/);
  });
});
