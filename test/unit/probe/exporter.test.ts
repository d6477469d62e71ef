/** The probe's series under the official exporter's names are the ones the exporter was recorded with: same names, same labels. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { metricNames } from "../../../observability/promql.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { exporterSamples } from "../../../probe/exporter/samples.ts";
import type { ServerPages } from "../../../probe/pages.ts";
import type { Sample } from "../../../probe/sample.ts";
import { EVERY_OPTION, EXAMPLE_BUS } from "../observability/example-bus.ts";
import { recorded } from "../observability/scrapes.ts";

const PAGES = JSON.parse(readFileSync(new URL("../../fixtures/probe/pages.json", import.meta.url), "utf8")) as Record<string, ServerPages>;
const NAMES = Object.keys(PAGES);
const TARGET = ["nats_cluster", "job", "instance"];

const served = NAMES.flatMap((name) => exporterSamples({ server: serverOf(name), pages: PAGES[name] as ServerPages }));
const dead = exporterSamples({ server: serverOf("n3") });

function serverOf(name: string) {
  return { name, clientUrl: "nats://127.0.0.1:4222", monitorUrl: "http://127.0.0.1:8222" };
}

/** Label names of each metric; a metric of the exporter always has the same ones. */
function labelsOf(samples: readonly Pick<Sample, "name" | "labels">[]): Map<string, string> {
  return new Map(
    samples.map(({ name, labels }) => [
      name,
      Object.keys(labels)
        .filter((label) => !TARGET.includes(label))
        .sort()
        .join(","),
    ]),
  );
}

const recordedLabels = labelsOf((["healthy", "one-down", "quorum-lost"] as const).flatMap(recorded));

describe("the probe in the exporter's place", () => {
  test.each([...labelsOf([...served, ...dead])])("serves %s with the recorded labels", (name, labels) => {
    expect(labels).toBe(recordedLabels.get(name));
  });

  test("serves everything that rules and boards read", () => {
    const options = resolveMonitoringOptions(EVERY_OPTION);
    const rules = planRules(EXAMPLE_BUS, options).flatMap((group) => group.rules);
    const panels = planBoards(EXAMPLE_BUS, options).flatMap(({ rows }) => rows.flatMap((row) => row.panels));
    const read = [...rules.map(({ expr }) => expr), ...panels.flatMap(({ queries }) => queries.map(({ expr }) => expr))].flatMap(
      metricNames,
    );
    const names = new Set(served.map(({ name }) => name));
    const missing = [...new Set(read)].filter((name) => recordedLabels.has(name) && name !== "up" && !names.has(name));
    expect(missing).toEqual([]);
  });

  test("agrees with the recording on how a dead server looks, and shows nothing it said before", () => {
    const gone = recorded("one-down").filter(({ name, labels }) => name.startsWith("nats_healthz") && labels["server_id"] === "bus-3");
    expect(dead.map(({ name, labels, value }) => [name, labels["value"], value])).toEqual(
      gone
        .map(({ name, labels, value }) => [name, labels["value"], Number(value)])
        .sort()
        .reverse(),
    );
  });

  test("marks leaders as the recording does: one a stream and consumer", () => {
    const leaders = (metric: string, mark: string) =>
      served.filter(({ name, labels }) => name === metric && labels[mark] === "true").length;
    const streams = new Set(served.filter(({ name }) => name === "nats_stream_last_seq").map(({ labels }) => labels["stream_name"]));
    expect(leaders("nats_stream_last_seq", "is_stream_leader")).toBe(streams.size);
    expect(leaders("nats_consumer_num_pending", "is_consumer_leader")).toBe(2);
    expect(leaders("nats_server_total_streams", "is_meta_leader")).toBe(1);
  });
});
