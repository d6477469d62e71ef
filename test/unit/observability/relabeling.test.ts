import { describe, expect, test } from "vitest";
import { metricRelabeling } from "../../../observability/relabeling.ts";
import { EXAMPLE_BUS } from "./example-bus.ts";
import { type Moment, recorded, relabel, type Sample, seriesText } from "./scrapes.ts";

const MOMENTS: readonly Moment[] = ["healthy", "one-down", "quorum-lost"];
const consumer = (consumer_name: string, stream_name = "ORDERS"): Sample => ({
  name: "nats_consumer_num_pending",
  labels: { account_name: "APP", stream_name, consumer_name },
  value: "1",
});

describe("relabelling", () => {
  test.each(MOMENTS)("keeps every recorded series of %s apart from the others", (moment) => {
    const kept = recorded(moment).map((sample) => relabel(sample, metricRelabeling(EXAMPLE_BUS, "all")));
    expect(kept).not.toContain(undefined);
    const texts = kept.map((sample) => (sample === undefined ? "" : seriesText(sample)));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test("takes the leader of the meta group off streams, and leaves it on servers", () => {
    const kept = recorded("healthy").flatMap((sample) => relabel(sample, metricRelabeling(EXAMPLE_BUS, "all")) ?? []);
    const withLeader = new Set(kept.filter(({ labels }) => labels["meta_leader"] !== undefined).map(({ name }) => name.split("_")[1]));
    expect([...withLeader]).toEqual(["server"]);
  });

  test("makes the series of streams and consumers a third shorter", () => {
    const size = (samples: readonly Sample[]): number => samples.map(seriesText).join("\n").length;
    const before = recorded("healthy").filter(({ name }) => /^nats_(stream|consumer)_/.test(name));
    const after = before.flatMap((sample) => relabel(sample, metricRelabeling(EXAMPLE_BUS, "all")) ?? []);
    expect(size(after) / size(before)).toBeLessThan(0.67);
  });

  test.each([
    ["worker", true],
    ["payments", true],
    ["oc_5W2bXkQ1", false],
    ["VKwVk3VQ1rFS2y1mXoZQx0_12", false],
  ])("of all consumers: %s is kept: %s", (name, kept) => {
    expect(relabel(consumer(name), metricRelabeling(EXAMPLE_BUS, "all")) !== undefined).toBe(kept);
  });

  test.each<[string, string, boolean]>([
    ["worker", "ORDERS", true],
    ["slow", "ORDERS", true],
    ["worker", "AUDIT", false],
    ["payments", "ORDERS", false],
  ])("of declared consumers: %s of %s is kept: %s", (name, stream, kept) => {
    const result = relabel(consumer(name, stream), metricRelabeling(EXAMPLE_BUS, "declared"));
    expect(result !== undefined).toBe(kept);
    if (kept) expect(Object.keys(result?.labels ?? {})).toEqual(["account_name", "stream_name", "consumer_name"]);
  });

  test("of declared consumers touches nothing but consumers", () => {
    const steps = metricRelabeling({ ...EXAMPLE_BUS, streams: [] }, "declared");
    const left = recorded("healthy").flatMap((sample) => relabel(sample, steps) ?? []);
    expect(left.some(({ name }) => name.startsWith("nats_consumer_"))).toBe(false);
    expect(left.length).toBe(recorded("healthy").filter(({ name }) => !name.startsWith("nats_consumer_")).length);
  });
});
