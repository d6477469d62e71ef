/** What a check of the acceptance suite is, and what it can answer. Plain values; only `run` touches a bus. */
import type { Context } from "./context.ts";
import { THRESHOLDS, type ThresholdName, type Thresholds } from "./thresholds.ts";

/** Names of the sections, in the order they run. */
export const SECTION_NAMES = [
  "connection",
  "jetstream",
  "publishing",
  "consumption",
  "latency",
  "availability",
  "monitoring",
  "security",
  "errors",
  "scalability",
] as const;

/** Name of a section. */
export type SectionName = (typeof SECTION_NAMES)[number];

/** A number a check measured. */
export interface Figure {
  /** What it is, for instance `p99`. */
  readonly name: string;
  readonly value: number;
  /** `ms`, `messages/s`, `%`, `x` (a ratio) or "" for a count. */
  readonly unit: string;
  /** Threshold it is held against, with the limit that was in force.
   * @default - it is only told */
  readonly threshold?: { readonly name: ThresholdName; readonly limit: number };
}

/** What a check found. */
export interface Outcome {
  /** `skipped` means that it could not be done here; it never counts as passed. */
  readonly status: "passed" | "failed" | "skipped";
  /** What was seen, what is wrong, or why it was skipped; one sentence, never a secret. */
  readonly detail: string;
  /** What a person can do about it.
   * @default - nothing to do */
  readonly remedy?: string;
  /** What was measured.
   * @default [] */
  readonly figures?: readonly Figure[];
}

/** One thing that a bus must do. */
export interface Check {
  /** Unique within its section, kebab-case. */
  readonly name: string;
  /** What holds when it passes, one line. */
  readonly title: string;
  /** Tries it. A thrown error counts as a failure with its message. */
  readonly run: (context: Context) => Promise<Outcome>;
}

/** Checks that belong together, run in their order. */
export interface Section {
  readonly name: SectionName;
  /** One line. */
  readonly title: string;
  /** Whether it stops servers.
   * @default false */
  readonly disruptive?: boolean;
  readonly checks: readonly Check[];
}

/** An outcome that passed. */
export function passed(detail: string, figures: readonly Figure[] = []): Outcome {
  return { status: "passed", detail, ...(figures.length === 0 ? {} : { figures }) };
}

/** An outcome that failed. */
export function failed(detail: string, remedy?: string, figures: readonly Figure[] = []): Outcome {
  return { status: "failed", detail, ...(remedy === undefined ? {} : { remedy }), ...(figures.length === 0 ? {} : { figures }) };
}

/** An outcome of what cannot be done here. */
export function skipped(reason: string): Outcome {
  return { status: "skipped", detail: reason };
}

/** A figure that is held against a threshold. */
export function measured(thresholds: Thresholds, name: ThresholdName, value: number, label: string = name): Figure {
  return { name: label, value, unit: THRESHOLDS[name].unit, threshold: { name, limit: thresholds[name] } };
}

/** Whether a figure keeps its threshold; one without a threshold always does. */
export function isWithin({ value, threshold }: Figure): boolean {
  if (threshold === undefined) return true;
  return THRESHOLDS[threshold.name].bound === "least" ? value >= threshold.limit : value <= threshold.limit;
}

/** Passed when every figure keeps its threshold, else failed with those that do not in words. */
export function judged(detail: string, figures: readonly Figure[]): Outcome {
  const missed = figures.filter((figure) => !isWithin(figure));
  if (missed.length === 0) return passed(detail, figures);
  const words = missed.map((figure) => `${figure.name} is ${renderFigure(figure)}, ${renderLimit(figure)}`);
  const names = [...new Set(missed.flatMap(({ threshold }) => threshold?.name ?? []))];
  return failed(
    `${words.join("; ")} (${detail})`,
    `look for load on the machines; if the figure is right for them, set natsbus:verify.${names.join(", natsbus:verify.")} in the stack file`,
    figures,
  );
}

/** Value and unit for people: three significant digits below a hundred, whole numbers above. */
export function renderFigure({ value, unit }: Pick<Figure, "value" | "unit">): string {
  return `${renderNumber(value)}${unit === "" ? "" : unit === "%" || unit === "x" ? unit : ` ${unit}`}`;
}

function renderNumber(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function renderLimit({ threshold, unit }: Figure): string {
  if (threshold === undefined) return "";
  const bound = THRESHOLDS[threshold.name].bound === "least" ? "at least" : "at most";
  return `${bound} ${renderFigure({ value: threshold.limit, unit })} is wanted`;
}
