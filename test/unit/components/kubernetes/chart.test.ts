import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { kubernetesSpec, objectsOf } from "../../../support/kubernetes-spec.ts";

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
const [, TABLE = ""] = read("docs/kubernetes.md").split("| chart value ");
const ROWS = TABLE.split("\n\n", 1)[0]?.split("\n").slice(2) ?? [];

/** Values of the official chart, as deep as somebody looks them up. */
const CHART_VALUES = [
  ...["nameOverride", "fullnameOverride", "namespaceOverride", "global.image", "global.labels", "container.image", "container.env"],
  ...["config.cluster.enabled", "config.cluster.routeURLs.user", "config.cluster.routeURLs.useFQDN", "config.cluster.noAdvertise"],
  ...["config.jetstream.enabled", "config.jetstream.fileStore", "config.jetstream.memoryStore", "config.nats.port", "config.*.tls"],
  ...["config.leafnodes", "config.websocket", "config.mqtt", "config.gateway", "config.monitor", "config.profiling", "config.resolver"],
  ...["config.serverNamePrefix", "config.merge", "config.patch", "reloader", "promExporter", "promExporter.podMonitor"],
  ...["service", "headlessService", "statefulSet", "podTemplate.merge", "podTemplate.topologySpreadConstraints"],
  ...["podTemplate.configChecksumAnnotation", "podDisruptionBudget", "serviceAccount", "natsBox", "tlsCA", "extraResources"],
];

interface Container {
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly args: readonly string[];
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
}

/** Whether a stack file may hold this key. */
function isKey(path: string): boolean {
  const root = JSON.parse(read("docs/reference/stack-config.schema.json")) as Schema;
  const config = root.properties?.["config"]?.properties ?? {};
  const [block = "", ...rest] = path.split(".");
  let schema = config[`natsbus:${block}`];
  for (const key of rest) {
    const places = [schema, ...(schema?.anyOf ?? [])];
    schema = places.find((place) => place?.properties?.[key] !== undefined)?.properties?.[key];
  }
  return schema !== undefined;
}

describe("the table of the official chart's values", () => {
  test.each(CHART_VALUES)("answers %s", (value) => {
    const parts = value.split(".");
    const known = parts.map((_, index) => parts.slice(0, index + 1).join("."));
    // A row for all of a block answers each of its values.
    const forms = new Set([`\`${value}\``, `\`${value}.*\``, ...known.map((prefix) => `\`${prefix}.*\``), `\`${parts.at(-1)}\``]);
    const left = ROWS.map((row) => row.split(" | ")[0] ?? "").join("\n");
    expect([...forms].some((form) => left.includes(form))).toBe(true);
  });

  test("names only keys that exist", () => {
    const named = ROWS.flatMap((row) => [
      ...(row.split(" | ")[1] ?? "").matchAll(/`((?:kubernetes|cluster|jetstream|limits|tls|auth)\.[A-Za-z.*]+)`/g),
    ]);
    const keys = named.map(([, key = ""]) => key.replace(/\.\*$/, ""));
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter((key) => !isKey(key))).toEqual([]);
  });
});

describe("what the official chart gives without being asked, and more", () => {
  const listeners = { websocket: { enabled: true }, mqtt: { enabled: true }, leafNodes: { enabled: true }, gateway: { enabled: true } };
  const objects = objectsOf(kubernetesSpec({ kubernetes: { listeners, profilingPort: 65_432 } }));
  const spec = (kind: string, name = "nats") =>
    (objects.find((object) => object.kind === kind && object.metadata.name === name)?.["spec"] ?? {}) as Readonly<Record<string, unknown>>;
  const pod = (spec("StatefulSet")["template"] as { readonly spec: Readonly<Record<string, unknown>> }).spec;
  const [nats, exporter] = pod["containers"] as readonly Container[];
  const ports = (container: Container | undefined) =>
    Object.fromEntries((container?.ports ?? []).map(({ name, containerPort }) => [name, containerPort]));

  test("the same ports under the same names", () => {
    const own = {
      nats: 4222,
      cluster: 6222,
      monitor: 8222,
      websocket: 8080,
      mqtt: 1883,
      leafnodes: 7422,
      gateway: 7222,
      profiling: 65_432,
    };
    expect(ports(nats)).toEqual(own);
    expect(ports(exporter)).toEqual({ "prom-metrics": 7777 });
  });

  test("the same Services: every port by the headless one, also while servers are not ready, and clients' ports by the other", () => {
    const names = (name: string) => (spec("Service", name)["ports"] as readonly { name: string }[]).map((port) => port.name).sort();
    expect(names("nats-headless")).toEqual(Object.keys(ports(nats)).sort());
    expect(names("nats")).toEqual(["leafnodes", "mqtt", "nats", "websocket"]);
    expect(spec("Service", "nats-headless")).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
    expect(spec("PodDisruptionBudget")).toMatchObject({ maxUnavailable: 1 });
  });

  test("the same pod, and what the chart leaves to its user", () => {
    expect(spec("StatefulSet")).toMatchObject({ podManagementPolicy: "Parallel", serviceName: "nats-headless" });
    expect(pod).toMatchObject({ enableServiceLinks: false, automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    expect(Object.keys(pod)).toEqual(expect.arrayContaining(["affinity", "topologySpreadConstraints", "terminationGracePeriodSeconds"]));
    const env = new Map((nats?.env ?? []).map(({ name, value }) => [name, value]));
    expect([...env.keys()]).toEqual(expect.arrayContaining(["POD_NAME", "GOMEMLIMIT", "GOMAXPROCS"]));
    expect(objects.filter(({ kind }) => kind === "ConfigMap")).toEqual([]);
    expect(JSON.stringify(spec("StatefulSet"))).not.toContain("checksum/config");
  });

  test("the exporter asks for what the chart's does, and for health", () => {
    const wanted = ["-port=7777", "-varz", "-connz", "-jsz=all", "-healthz", "-accstatz", "-leafz", "-gatewayz", "-prefix=nats"];
    expect(exporter?.args).toEqual(expect.arrayContaining(wanted));
  });
});
