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

/** The samples as a page of gauges, a part for each metric: whole pages are too large to be put together just to be sent. */
export function renderSamples(samples: readonly Sample[], helpOf: (metric: string) => string = () => ""): string[] {
  const byName = new Map<string, string>();
  const texts = new Map<Labels, string>();
  for (const { name, labels, value } of samples) {
    // Samples of one stream share their labels.
    const text = texts.get(labels) ?? labelText(labels);
    texts.set(labels, text);
    byName.set(name, `${byName.get(name) ?? head(name, helpOf(name))}${name}{${text}} ${valueText(value)}\n`);
  }
  return [...byName.values()];
}

function head(name: string, help: string): string {
  return `${help === "" ? "" : `# HELP ${name} ${help}\n`}# TYPE ${name} gauge\n`;
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
