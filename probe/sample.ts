/** Samples and their text as Prometheus reads it. */

/** Label names and values. */
export type Labels = Readonly<Record<string, string>>;

/** One sample of a series. */
export interface Sample {
  /** Metric. */
  readonly name: string;
  /** Labels of the series. */
  readonly labels: Labels;
  /** Value. */
  readonly value: number;
}

/** The samples as a page of gauges, grouped by metric as the format wants it. */
export function renderSamples(samples: readonly Sample[]): string {
  const byName = new Map<string, string[]>();
  for (const { name, labels, value } of samples) {
    const lines = byName.get(name) ?? [`# TYPE ${name} gauge`];
    byName.set(name, lines);
    lines.push(`${name}{${labelText(labels)}} ${valueText(value)}`);
  }
  return [...byName.values()].map((lines) => `${lines.join("\n")}\n`).join("");
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function valueText(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : value < 0 ? "-Inf" : "NaN";
}
