import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderMonitoringFiles } from "../../../observability/writers/files.ts";
import { anyBus, anyOptions } from "./arbitrary-bus.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "./example-bus.ts";
import { everyReceiver } from "./receivers.ts";

const operator = {
  namespace: "nats",
  podLabels: { app: "nats" },
  probeLabels: { app: "natsbus-probe" },
  labels: { release: "monitoring" },
};
const alerting = everyReceiver((name) => ({ secret: "alerting", key: name }));

describe("files", () => {
  test("are these, sorted", () => {
    expect(renderMonitoringFiles(EXAMPLE_BUS).map(({ path }) => path)).toEqual([
      "alertmanager/alertmanager.yml",
      "grafana/dashboards/natsbus-accounts.json",
      "grafana/dashboards/natsbus-cluster.json",
      "grafana/dashboards/natsbus-consumers.json",
      "grafana/dashboards/natsbus-jetstream.json",
      "grafana/dashboards/natsbus-slo.json",
      "grafana/provisioning/dashboards/natsbus.yml",
      "grafana/provisioning/datasources/natsbus.yml",
      "prometheus/prometheus.yml",
      "prometheus/rules.yml",
      "prometheus/targets/nats.yml",
      "prometheus/targets/probe.yml",
    ]);
  });

  test("are the same bytes for the same bus, and readable", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, (facts, options) => {
        const files = renderMonitoringFiles(facts, options);
        expect(renderMonitoringFiles(structuredClone(facts), options)).toEqual(files);
        for (const { path, content } of files) {
          expect(content.endsWith("\n")).toBe(true);
          expect(typeof (path.endsWith(".json") ? JSON.parse(content) : parse(content))).toBe("object");
        }
      }),
      { numRuns: 15 },
    );
  });

  test("of targets name the bus and keep the path", () => {
    const files = renderMonitoringFiles(EXAMPLE_BUS, {
      scrape: { exporters: [{ address: "127.0.0.1:7777" }, { address: "127.0.0.1:7778", path: "/nats", name: "n2" }] },
    });
    expect(parse(files.find(({ path }) => path.endsWith("nats.yml") && path.includes("targets"))?.content ?? "")).toEqual([
      { targets: ["127.0.0.1:7777"], labels: { nats_cluster: "bus" } },
      { targets: ["127.0.0.1:7778"], labels: { nats_cluster: "bus", __metrics_path__: "/nats", instance: "n2" } },
    ]);
  });
});

describe("manifests of the operator", () => {
  const files = renderMonitoringFiles(EXAMPLE_BUS, { ...EVERY_OPTION, operator, alerting });
  const objects = files.map(({ content }) => parse(content));
  const of = (kind: string) => objects.filter((object) => object.kind === kind);

  test("are these", () => {
    expect(files.map(({ path }) => path)).toEqual([
      "manifests/alertmanagerconfig-bus-alerts.yml",
      "manifests/configmap-bus-board-accounts.yml",
      "manifests/configmap-bus-board-cluster.yml",
      "manifests/configmap-bus-board-consumers.yml",
      "manifests/configmap-bus-board-jetstream.yml",
      "manifests/configmap-bus-board-slo.yml",
      "manifests/podmonitor-bus-probe.yml",
      "manifests/podmonitor-bus-servers.yml",
      "manifests/prometheusrule-bus-rules-1.yml",
    ]);
    for (const { metadata } of objects) expect(metadata).toMatchObject({ namespace: "nats", labels: { release: "monitoring" } });
  });

  test("carry the namespace on every alert, because the operator routes by it", () => {
    const alerts = of("PrometheusRule")[0].spec.groups.flatMap((group: { rules: { alert?: string; labels: object }[] }) =>
      group.rules.filter(({ alert }) => alert),
    );
    expect(alerts.length).toBeGreaterThan(50);
    for (const { labels } of alerts) expect(labels).toMatchObject({ namespace: "nats" });
  });

  test("spread the rules of a large bus over objects that the operator takes", () => {
    const consumers = Array.from({ length: 10 }, (_, index) => ({ name: `consumer-${index}`, backlogLimit: 1000, maxAckPending: 1000 }));
    const [template] = EXAMPLE_BUS.streams;
    const streams = Array.from({ length: 100 }, (_, index) => ({ ...template!, name: `STREAM-${index}`, consumers }));
    const written = renderMonitoringFiles({ ...EXAMPLE_BUS, streams }, { operator }).filter(({ path }) => path.includes("prometheusrule"));
    expect(written.length).toBeGreaterThan(2);
    for (const { content } of written) expect(content.length).toBeLessThan(512 * 1024);
    const groups = written.flatMap(({ content }) => parse(content).spec.groups.map(({ name }: { name: string }) => name));
    expect(new Set(groups).size).toBe(groups.length);
  });

  test("give the scraped series the job and bus that the rules select by", () => {
    const [probe, servers] = of("PodMonitor").map(({ spec }) => spec.podMetricsEndpoints[0]);
    expect(servers.relabelings).toEqual([
      { action: "replace", targetLabel: "job", replacement: "nats" },
      { action: "replace", targetLabel: "nats_cluster", replacement: "bus" },
    ]);
    expect(probe.relabelings[0].replacement).toBe("natsbus-probe");
    expect(servers.metricRelabelings.length).toBeGreaterThan(2);
  });

  test("hold each board once, found by Grafana's sidecar", () => {
    for (const { metadata, data } of of("ConfigMap")) {
      expect(metadata.labels.grafana_dashboard).toBe("1");
      const [[name, text]] = Object.entries<string>(data) as [[string, string]];
      expect(`${JSON.parse(text).uid}.json`).toBe(name);
      expect(text.length).toBeLessThan(1024 * 1024);
    }
  });
});
