/** The operators' objects in the shape of their resource definitions: fields that do not exist there would be dropped without a word. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderMonitoringFiles } from "../../../observability/writers/files.ts";
import type { Manifest, OperatorOptions } from "../../../observability/writers/operator.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "./example-bus.ts";
import { everyReceiver } from "./receivers.ts";

const OPERATOR: OperatorOptions = { namespace: "nats", podLabels: { app: "nats" }, probeLabels: { app: "natsbus-probe" } };
const alerting = everyReceiver((name) => ({ secret: "alerting", key: name }));

function objectsOf(operator: Partial<OperatorOptions>): Manifest[] {
  const files = renderMonitoringFiles(EXAMPLE_BUS, { ...EVERY_OPTION, operator: { ...OPERATOR, ...operator }, alerting });
  return files.map(({ content }) => parse(content) as Manifest);
}

const kindsOf = (objects: readonly Manifest[]): string[] => [...new Set(objects.map(({ kind }) => kind))].sort();

/** Paths of fields that may stand in `spec`, `*` for any index or key; from the definitions of Prometheus Operator 0.93 and Grafana Operator 5.24. */
const MONITOR = ["selector.matchLabels.*", "sampleLimit"];
const ENDPOINT = [
  ...["port", "interval", "scrapeTimeout"],
  ...["relabelings", "metricRelabelings"].flatMap((list) =>
    ["action", "regex", "replacement", "sourceLabels.*", "targetLabel"].map((field) => `${list}.*.${field}`),
  ),
];
const MATCHER = ["name", "value", "matchType"];
const ROUTE = [
  ...["receiver", "groupBy.*", "groupWait", "groupInterval", "repeatInterval", "continue", "muteTimeIntervals.*"],
  ...MATCHER.map((field) => `matchers.*.${field}`),
];
const SECRET = ["name", "key"];
const RECEIVER = [
  "name",
  ...["url", "sendResolved", "httpConfig.authorization.type"].map((field) => `webhookConfigs.*.${field}`),
  ...SECRET.map((field) => `webhookConfigs.*.httpConfig.authorization.credentials.${field}`),
  ...["channel", "title", "text", "sendResolved"].map((field) => `slackConfigs.*.${field}`),
  ...SECRET.map((field) => `slackConfigs.*.apiURL.${field}`),
  ...["description", "severity", "sendResolved"].map((field) => `pagerdutyConfigs.*.${field}`),
  ...SECRET.map((field) => `pagerdutyConfigs.*.routingKey.${field}`),
  ...["to", "from", "smarthost", "authUsername", "requireTLS", "sendResolved"].map((field) => `emailConfigs.*.${field}`),
  ...SECRET.map((field) => `emailConfigs.*.authPassword.${field}`),
];
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  PodMonitor: [...MONITOR, ...ENDPOINT.map((field) => `podMetricsEndpoints.*.${field}`)],
  ServiceMonitor: [...MONITOR, ...ENDPOINT.map((field) => `endpoints.*.${field}`)],
  PrometheusRule: [
    ...["name", "interval"].map((field) => `groups.*.${field}`),
    ...["alert", "record", "expr", "for", "labels.*", "annotations.*"].map((field) => `groups.*.rules.*.${field}`),
  ],
  AlertmanagerConfig: [
    ...ROUTE.map((field) => `route.${field}`),
    ...ROUTE.map((field) => `route.routes.*.${field}`),
    ...RECEIVER.map((field) => `receivers.*.${field}`),
    ...["sourceMatch", "targetMatch"].flatMap((list) => MATCHER.map((field) => `inhibitRules.*.${list}.*.${field}`)),
    "inhibitRules.*.equal.*",
    ...["name", "timeIntervals.*.weekdays.*", "timeIntervals.*.times.*.startTime", "timeIntervals.*.times.*.endTime"].map(
      (field) => `muteTimeIntervals.*.${field}`,
    ),
  ],
  GrafanaDashboard: ["instanceSelector.matchLabels.*", "folder", "allowCrossNamespaceImport", "json"],
};

/** Paths of all plain values in an object. */
function leaves(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value !== "object" || value === null) return [path.join("/")];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}

function isKnown(kind: string, leaf: string): boolean {
  const parts = leaf.split("/");
  return (FIELDS[kind] ?? []).some((field) => {
    const wanted = field.split(".");
    return wanted.length === parts.length && wanted.every((part, index) => part === "*" || part === parts[index]);
  });
}

describe("the objects of the operators", () => {
  test.each<[string, Partial<OperatorOptions>, readonly string[]]>([
    ["as they come", {}, ["AlertmanagerConfig", "ConfigMap", "PodMonitor", "PrometheusRule"]],
    ["with Services", { scrapeBy: "services" }, ["AlertmanagerConfig", "ConfigMap", "PrometheusRule", "ServiceMonitor"]],
    [
      "with the Grafana Operator",
      { grafanaInstances: { dashboards: "nats" } },
      ["AlertmanagerConfig", "GrafanaDashboard", "PodMonitor", "PrometheusRule"],
    ],
  ])("%s are of these kinds, and have no field that the definitions lack", (_what, operator, kinds) => {
    const objects = objectsOf(operator);
    expect(kindsOf(objects)).toEqual(kinds);
    const unknown = objects.flatMap(({ kind, spec }) => (spec === undefined ? [] : leaves(spec).filter((leaf) => !isKnown(kind, leaf))));
    expect(unknown).toEqual([]);
  });

  test("name each object once, as Kubernetes allows, in the bus's namespace", () => {
    const objects = objectsOf({ scrapeBy: "services" });
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of objects) {
      expect(metadata.name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      expect(metadata.namespace).toBe("nats");
    }
  });
});

test("a ServiceMonitor selects Services and scrapes them as a PodMonitor does pods", () => {
  const [pods, services] = [{}, { scrapeBy: "services" } as const].map((operator) => objectsOf(operator));
  const pairs = ["bus-servers", "bus-probe"].map((name) =>
    [pods, services].map((objects) => objects?.find(({ kind, metadata }) => kind.endsWith("Monitor") && metadata.name === name)?.spec),
  );
  for (const [pod, service] of pairs) {
    expect(service?.["endpoints"]).toEqual(pod?.["podMetricsEndpoints"]);
    expect(service?.["selector"]).toEqual(pod?.["selector"]);
    expect(service).not.toHaveProperty("podMetricsEndpoints");
  }
  expect(pairs[0]?.[1]).toMatchObject({
    selector: { matchLabels: { app: "nats" } },
    endpoints: [{ port: "prom-metrics", interval: "15s", scrapeTimeout: "10s" }],
  });
});

test("a GrafanaDashboard holds its board whole, for the instances that are asked for", () => {
  const boards = objectsOf({ grafanaInstances: { dashboards: "nats" }, dashboardAnnotations: { team: "bus" } }).filter(
    ({ kind }) => kind === "GrafanaDashboard",
  );
  expect(boards).toHaveLength(5);
  for (const { apiVersion, metadata, spec } of boards) {
    expect(apiVersion).toBe("grafana.integreatly.org/v1beta1");
    expect(metadata.annotations).toEqual({ team: "bus" });
    expect(spec).toMatchObject({ instanceSelector: { matchLabels: { dashboards: "nats" } }, allowCrossNamespaceImport: true });
    expect((JSON.parse(String(spec?.["json"])) as { uid: string }).uid).toBe(`natsbus-${metadata.name.replace("bus-board-", "")}`);
  }
});

test("an AlertmanagerConfig says of each receiver what it needs, and mutes by name", () => {
  const [config] = objectsOf({}).filter(({ kind }) => kind === "AlertmanagerConfig");
  const { route, receivers, muteTimeIntervals } = (config?.spec ?? {}) as {
    route: { receiver: string; routes: { receiver: string; muteTimeIntervals?: string[] }[] };
    receivers: Record<string, unknown>[];
    muteTimeIntervals: { name: string }[];
  };
  const names = receivers.map(({ name }) => name);
  for (const used of [route, ...route.routes]) expect(names).toContain(used.receiver);
  expect(new Set(route.routes.flatMap((one) => one.muteTimeIntervals ?? []))).toEqual(new Set(muteTimeIntervals.map(({ name }) => name)));
  expect(
    receivers.filter(({ name }) => name !== "nobody").map((receiver) => Object.keys(receiver).filter((key) => key !== "name")),
  ).toEqual([["pagerdutyConfigs"], ["slackConfigs"], ["emailConfigs"], ["webhookConfigs"], ["webhookConfigs"]]);
});
