/** Reads the recorded scrapes, and does to them what Prometheus does before it stores them. */
import { readFileSync } from "node:fs";
import type { RelabelStep } from "../../../observability/relabeling.ts";

/** One sample of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

/** A moment of the recording. */
export type Moment = "healthy" | "one-down" | "quorum-lost";

const SERVERS = ["bus-1", "bus-2", "bus-3"];

/** Samples of all three exporters, each with the target labels Prometheus would add. */
export function recorded(moment: Moment): Sample[] {
  return SERVERS.flatMap((server) => {
    const text = readFileSync(new URL(`../../fixtures/exporter/${moment}-${server}.prom`, import.meta.url), "utf8");
    const target = { nats_cluster: "bus", job: "nats", instance: `${server}:7777` };
    const samples = parseSamples(text);
    return [
      { name: "up", labels: target, value: "1" },
      ...samples.map((sample) => ({ ...sample, labels: { ...sample.labels, ...target } })),
    ];
  });
}

/** Samples of a page as it is served. */
export function parseSamples(text: string): Sample[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(parseSample);
}

/** `name{label="value"}`. */
export function seriesText({ name, labels }: Pick<Sample, "name" | "labels">): string {
  const pairs = Object.entries(labels)
    .filter(([, value]) => value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",")}}`;
}

/** Applies relabelling steps as Prometheus does; undefined when the sample is dropped. */
export function relabel(sample: Sample, steps: readonly RelabelStep[]): Sample | undefined {
  let labels: Record<string, string> = { __name__: sample.name, ...sample.labels };
  for (const { action, sourceLabels = [], regex, targetLabel, replacement = "" } of steps) {
    const pattern = new RegExp(`^(?:${regex})$`);
    const matches = pattern.test(sourceLabels.map((label) => labels[label] ?? "").join(";"));
    if (action === "labeldrop") labels = Object.fromEntries(Object.entries(labels).filter(([label]) => !pattern.test(label)));
    else if (matches && action === "drop") return undefined;
    else if (matches && targetLabel !== undefined) labels[targetLabel] = replacement;
  }
  const { __name__: name = "", ...rest } = labels;
  return { name, labels: Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== "")), value: sample.value };
}

function parseSample(line: string): Sample {
  const match = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const pairs = [...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return {
    name: match[1] ?? "",
    labels: Object.fromEntries(pairs.map(([, label = "", value = ""]) => [label, value])),
    value: match[3] ?? "",
  };
}
