import { describe, expect, test } from "vitest";
import type { ErrorCode, Problem } from "../../../core/errors.ts";
import { checkBus, type StreamFacts } from "../../../core/rules.ts";
import { readStackConfig } from "../../../core/stack-config.ts";
import { kubernetesSpec, rawConfig } from "../../support/kubernetes-spec.ts";

type Case = readonly [name: string, blocks: Record<string, unknown>, code: ErrorCode, path: string, message: RegExp, remedy: RegExp];

function problemsOf(blocks: Record<string, unknown>): readonly Problem[] {
  return readStackConfig(rawConfig({ target: "kubernetes", ...blocks }), { stack: "test", project: "natsbus" }).problems;
}

const k8s = (kubernetes: Record<string, unknown>, others: Record<string, unknown> = {}) => ({ kubernetes, ...others });
const listener = (listeners: Record<string, unknown>) => k8s({ listeners });
const LONG = "a".repeat(60);

const cases: readonly Case[] = [
  ["misspelt key", k8s({ nmae: "x" }), "ERR_CONFIG_KEY", "kubernetes.nmae", /unknown key "nmae"/, /did you mean "name"/],
  ["name in capitals", k8s({ name: "NATS" }), "ERR_CONFIG_VALUE", "kubernetes.name", /lower-case letters/, /default/],
  ["name too long for its pods", k8s({ name: LONG }), "ERR_NAME", "kubernetes.name", /60 characters.*room for 52/, /shorter/],
  [
    "namespace of the cluster",
    k8s({ namespace: "kube-system" }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.namespace",
    /cannot be declared/,
    /createNamespace/,
  ],
  [
    "volume without room",
    k8s({ storage: { size: "512MiB" } }, { jetstream: { maxStorage: "512MiB" } }),
    "ERR_STORAGE",
    "kubernetes.storage.size",
    /512MiB holds less than/,
    /at least 569MiB/,
  ],
  [
    "memory limit below JetStream memory",
    k8s({ preset: "nano" }, { jetstream: { maxMemory: "1GiB" } }),
    "ERR_CONFIG_CONFLICT",
    "limits.memory",
    /256MiB keeps 204MiB.*1GiB/,
    /raise limits\.memory/,
  ],
  [
    "one zone",
    k8s({ scheduling: { zones: ["a"] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.scheduling.zones",
    /spreads nothing/,
    /at least two/,
  ],
  ["zone twice", k8s({ scheduling: { zones: ["a", "a", "b"] } }), "ERR_CONFIG_CONFLICT", "kubernetes.scheduling.zones", /twice/, /once/],
  [
    "zones and another tag",
    k8s({ scheduling: { zones: ["a", "b", "c"] } }, { jetstream: { uniqueTag: "rack:" } }),
    "ERR_CONFIG_CONFLICT",
    "jetstream.uniqueTag",
    /"az:".*"rack:"/,
    /remove it/,
  ],
  [
    "ranges without a load balancer",
    k8s({ service: { sourceRanges: ["10.0.0.0/8"] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.service.sourceRanges",
    /ClusterIP/,
    /LoadBalancer/,
  ],
  [
    "load balancer class without one",
    k8s({ service: { type: "NodePort", loadBalancerClass: "x" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.service.loadBalancerClass",
    /NodePort/,
    /LoadBalancer/,
  ],
  [
    "node port inside the cluster",
    k8s({ service: { nodePort: 30_422 } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.service.nodePort",
    /ClusterIP/,
    /NodePort/,
  ],
  [
    "range that is none",
    k8s({ service: { type: "LoadBalancer", sourceRanges: ["ten"] } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.service.sourceRanges[0]",
    /a list of ranges/,
    /correct it/,
  ],
  [
    "unencrypted clients from outside",
    k8s({ service: { type: "LoadBalancer" } }, { tls: { clients: false } }),
    "ERR_CONFIG_CONFLICT",
    "tls.clients",
    /unencrypted/,
    /turn tls\.clients on/,
  ],
  [
    "nobody asked who they are, from outside",
    k8s({ service: { type: "NodePort" } }, { auth: { mode: "none" } }),
    "ERR_CONFIG_CONFLICT",
    "auth.mode",
    /let everybody in/,
    /jwt/,
  ],
  ["direct without URL", k8s({ reach: "direct" }), "ERR_CONFIG_CONFLICT", "kubernetes.urls", /no URL/, /port-forward/],
  ["URLs over a port-forward", k8s({ urls: ["tls://a.example.org:4222"] }), "ERR_CONFIG_CONFLICT", "kubernetes.urls", /directly/, /direct/],
  [
    "host name outside of the certificates",
    k8s({ reach: "direct", urls: ["tls://nats.example.org:4222"] }),
    "ERR_TLS_NAMES",
    "kubernetes.urls",
    /do not cover "nats\.example\.org"/,
    /tls\.hosts/,
  ],
  [
    "scheme that does not fit",
    k8s({ reach: "direct", urls: ["nats://nats:4222"] }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.urls",
    /does not fit tls\.clients/,
    /tls:\/\//,
  ],
  [
    "a key of before without a Secret",
    k8s({ encryption: { previousKey: "old" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.encryption.secret",
    /no Secret/,
    /both keys/,
  ],
  [
    "a key of before that is the present one",
    k8s({ encryption: { secret: "s", previousKey: "key" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.encryption.previousKey",
    /present key too/,
    /entry of its own/,
  ],
  [
    "two listeners on one port",
    listener({ mqtt: { enabled: true, port: 8222 } }),
    "ERR_PORT_CLASH",
    "kubernetes.listeners.mqtt.port",
    /8222.*monitor.*mqtt/,
    /another port/,
  ],
  [
    "exporter on a listener's port",
    k8s({ exporter: { port: 4222 } }),
    "ERR_PORT_CLASH",
    "kubernetes.exporter.port",
    /4222/,
    /another port/,
  ],
  [
    "browsers unencrypted",
    listener({ websocket: { enabled: true, tls: false } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.websocket.tls",
    /unencrypted/,
    /Ingress/,
  ],
  [
    "Ingress without host",
    listener({ websocket: { enabled: true, ingressClass: "nginx" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.websocket.hosts",
    /host name/,
    /list/,
  ],
  [
    "Ingress to a listener that is off",
    listener({ websocket: { ingressClass: "nginx", hosts: ["a.example.org"] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.websocket.enabled",
    /off/,
    /turn it on/,
  ],
  [
    "namespace of no Gateway",
    listener({ monitor: { gatewayNamespace: "infra" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.monitor.gatewayNamespace",
    /no Gateway/,
    /gatewayName/,
  ],
  [
    "certificate of no Ingress",
    listener({ websocket: { enabled: true, tlsSecret: "x" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.websocket.tlsSecret",
    /no Ingress/,
    /ingressClass/,
  ],
  [
    "monitoring pages in clear",
    listener({ monitor: { hosts: ["m.example.org"], ingressClass: "nginx" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.monitor.tlsSecret",
    /unencrypted/,
    /Secret/,
  ],
  [
    "remotes of a gateway that is off",
    listener({ gateway: { remotes: [{ name: "b", urls: ["tls://b:7222"] }] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.gateway.enabled",
    /off/,
    /turn it on/,
  ],
  [
    "gateway to itself",
    { ...listener({ gateway: { enabled: true, remotes: [{ name: "b", urls: ["tls://b:7222"] }] } }), cluster: { name: "b" } },
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.gateway.remotes",
    /itself/,
    /other clusters/,
  ],
  [
    "gateway and leaf nodes without a system account",
    { ...listener({ gateway: { enabled: true }, leafNodes: { enabled: true } }), auth: { mode: "none" } },
    "ERR_CONFIG_CONFLICT",
    "auth.mode",
    /does not start without a system account/,
    /system_account/,
  ],
  [
    "leaf node account by name",
    listener({ leafNodes: { remotes: [{ urls: ["tls://hub:7422"], account: "BUS" }] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.listeners.leafNodes.remotes",
    /"BUS".*public key/,
    /public key/,
  ],
  [
    "leaf node without URL",
    listener({ leafNodes: { remotes: [{ urls: [] }] } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.listeners.leafNodes.remotes[0].urls",
    /list of 0/,
    /correct it/,
  ],
  [
    "cert-manager without issuer",
    k8s({ certificates: { source: "cert-manager" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.certificates.issuer",
    /needs an issuer/,
    /name one/,
  ],
  [
    "issuer without cert-manager",
    k8s({ certificates: { issuer: "x" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.certificates.issuer",
    /"own"/,
    /cert-manager/,
  ],
  [
    "existing certificates nowhere",
    k8s({ certificates: { source: "existing" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.certificates.secret",
    /which Secret/,
    /tls\.crt, tls\.key/,
  ],
  [
    "authority that is no certificate",
    k8s({ certificates: { source: "existing", secret: "x", authority: "hello" } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.certificates.authority",
    /PEM/,
    /correct it/,
  ],
  [
    "image of another version",
    k8s({ image: { tag: "2.14.1-alpine" } }),
    "ERR_SERVER_VERSION",
    "kubernetes.image.tag",
    /another version than cluster\.version 2\.15/,
    /agree/,
  ],
  [
    "digest cut short",
    k8s({ image: { digest: "sha256:abc" } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.image.digest",
    /64 hexadecimal/,
    /default/,
  ],
  [
    "label that Services select by",
    k8s({ podLabels: { "app.kubernetes.io/name": "x" } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.podLabels.app.kubernetes.io/name",
    /select by/,
    /another key/,
  ],
  [
    "label with blanks",
    k8s({ labels: { owner: "team a" } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.labels.owner",
    /"team a" is no label/,
    /annotation/,
  ],
  [
    "peer with a slip",
    k8s({ networkPolicy: { clients: [{ namespaceselector: {} }] } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.networkPolicy.clients",
    /unknown key "namespaceselector"/,
    /namespaceSelector/,
  ],
  [
    "empty peer",
    k8s({ networkPolicy: { metrics: [{}] } }),
    "ERR_CONFIG_VALUE",
    "kubernetes.networkPolicy.metrics",
    /nobody/,
    /podSelector/,
  ],
  [
    "worker that cannot grow",
    k8s({ autoscaling: { prometheus: "http://p", workers: [{ name: "w", deployment: "w", stream: "S", consumer: "c", min: 5, max: 2 }] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.autoscaling.workers",
    /min 5 is above max 2/,
    /at most/,
  ],
  [
    "workers without Prometheus",
    k8s({ autoscaling: { workers: [{ name: "w", deployment: "w", stream: "S", consumer: "c" }] } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.autoscaling.prometheus",
    /backlog/,
    /URL/,
  ],
  [
    "autoscaler below the servers",
    k8s({ autoscaling: { maxServers: 2 } }),
    "ERR_CONFIG_CONFLICT",
    "kubernetes.autoscaling.maxServers",
    /2 is not above cluster\.servers 3/,
    /raise it/,
  ],
  [
    "object without a name",
    k8s({ extraObjects: [{ apiVersion: "v1", kind: "ConfigMap" }] }),
    "ERR_CONFIG_VALUE",
    "kubernetes.extraObjects[0]",
    /metadata\.name missing/,
    /complete it/,
  ],
];

describe("settings of a bus on Kubernetes that cannot be meant", () => {
  test.each(cases)("%s", (...row) => {
    const [, blocks, code, path, message, remedy] = row;
    const problems = problemsOf(blocks);
    expect(problems.map((problem) => problem.path)).toContain(path);
    const found = problems.find((problem) => problem.path === path);
    expect(found?.code).toBe(code);
    expect(found?.message).toMatch(message);
    expect(found?.remedy).toMatch(remedy);
  });

  test("the same settings mean nothing to a bus on another target", () => {
    const conflicts = cases.filter(([, , code]) => code === "ERR_CONFIG_CONFLICT").map(([, blocks]) => ({ ...blocks, target: "process" }));
    for (const blocks of conflicts) expect(problemsOf(blocks).filter(({ path }) => path.startsWith("kubernetes"))).toEqual([]);
  });
});

describe("streams and the target", () => {
  const stream = (facts: Partial<StreamFacts>): StreamFacts => ({
    path: "streams.A",
    name: "A",
    account: "BUS",
    subjects: [],
    replicas: 3,
    storage: "file",
    maxBytes: 1024,
    maxAgeMs: 0,
    needs: [],
    ...facts,
  });

  test("zones fewer than replicas are refused", () => {
    const spec = kubernetesSpec({ kubernetes: { scheduling: { zones: ["a", "b"] } } });
    expect(checkBus(spec, [stream({})]).problems).toMatchObject([
      {
        code: "ERR_CONFIG_CONFLICT",
        path: "streams.A.replicas",
        message: "3 replicas need as many zones, and kubernetes.scheduling.zones lists 2",
      },
    ]);
    expect(checkBus(spec, [stream({ replicas: 2 })]).problems).toEqual([]);
  });

  test("servers that come and go are refused beside streams", () => {
    const spec = kubernetesSpec({ kubernetes: { autoscaling: { maxServers: 9 } } });
    expect(checkBus(spec, [stream({})]).problems).toMatchObject([{ path: "kubernetes.autoscaling.maxServers" }]);
    expect(checkBus(spec, []).problems).toEqual([]);
  });

  test("a worker of a stream that is not declared is refused", () => {
    const worker = { name: "w", deployment: "w", stream: "B", consumer: "c" };
    const spec = kubernetesSpec({ kubernetes: { autoscaling: { prometheus: "http://p", workers: [worker] } } });
    expect(checkBus(spec, [stream({})]).problems).toMatchObject([{ message: 'worker "w": no stream "B" is declared' }]);
    expect(checkBus(spec, [stream({ name: "B" })]).problems).toEqual([]);
  });

  test.each([
    [{ cluster: { servers: 2 } }, /2 servers survive no more losses than 1/],
    [{ cluster: { servers: 4 } }, /4 servers survive no more losses than 3/],
    [{ kubernetes: { storage: { ephemeral: true } } }, /goes with its pod/],
    [{ kubernetes: { storage: { whenDeleted: "Delete" } } }, /deletes every message/],
    [{ kubernetes: { certificates: { source: "existing", secret: "x" } } }, /turn kubernetes\.reloader on/],
    [{ kubernetes: { scheduling: { antiAffinity: "none" } } }, /lost together/],
    [{ kubernetes: { networkPolicy: { enabled: false } } }, /every pod of the cluster reaches every port/],
    [{ kubernetes: { reloader: { enabled: true } } }, /shows in its log only/],
  ])("advice: %j", (blocks, text) => {
    expect(checkBus(kubernetesSpec(blocks), []).warnings.join("\n")).toMatch(text);
  });
});
