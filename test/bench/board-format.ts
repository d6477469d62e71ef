/** Numbers and legends as a board shows them. Pure. */
import type { Panel } from "../../observability/dashboards/plan.ts";
import { niceCeiling } from "../../operations/bench/chart.ts";

/** A series with its labels. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970 and value, rising in time. */
  readonly points: readonly (readonly [number, number])[];
}

const STEPS: Readonly<Record<string, readonly [number, readonly string[]]>> = {
  bytes: [1024, ["B", "KiB", "MiB", "GiB", "TiB"]],
  Bps: [1000, ["B/s", "kB/s", "MB/s", "GB/s"]],
  short: [1000, ["", "k", "M", "G"]],
};
const WORDS: Readonly<Record<string, string>> = { mps: "msg/s", ops: "/s", reqps: "req/s", none: "", s: "s" };

/** The unit in words, for a heading; empty where the values of the axis bear their own. */
export function unitOf(unit: string): string {
  return unit === "s" ? "" : (WORDS[unit] ?? "");
}

/** A value on an axis under a heading with the unit. */
export function formatTick(value: number, unit: string): string {
  return formatValue(value, { unit: unitOf(unit) === "" ? unit : "none" });
}

/** The end of an axis: a round number in the unit's own steps. */
export function axisEnd(most: number, unit: string): number {
  const step = unit === "bytes" ? 1024 : 1;
  const scale = step === 1 || most < step ? 1 : step ** Math.floor(Math.log(most) / Math.log(step));
  return niceCeiling(most / scale) * scale;
}

/** A value with its unit. */
export function formatValue(value: number, { unit, words }: Pick<Panel, "unit" | "words">): string {
  const word = words?.[String(value)];
  if (word !== undefined) return word;
  if (unit === "percentunit") return `${digits(value * 100)} %`;
  if (unit === "s") return value >= 120 ? `${digits(value / 60)} min` : `${digits(value)} s`;
  const [step, names] = STEPS[unit] ?? [1, [WORDS[unit] ?? ""]];
  const power =
    step === 1 || Math.abs(value) < step ? 0 : Math.min(names.length - 1, Math.floor(Math.log(Math.abs(value)) / Math.log(step)));
  return `${digits(value / step ** power)} ${names[power] ?? ""}`.trim();
}

/** The legend with the series' labels in it. */
export function legendOf(template: string, { labels }: Series): string {
  return template
    .replaceAll(/\{\{(\w+)\}\}/g, (_all, name: string) => labels[name] ?? "")
    .replace("$G ", "")
    .trim();
}

/** The last value of a series. */
export function lastOf({ points }: Series): number {
  return points.at(-1)?.[1] ?? Number.NaN;
}

function digits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}

/** Neighbouring samples together; where the series is silent a new run begins. */
export function runsOf(points: Series["points"], isSame: (a: number, b: number) => boolean = () => true): (readonly [number, number])[][] {
  const step = stepOf(points);
  const runs: (readonly [number, number])[][] = [];
  for (const point of points) {
    const last = runs.at(-1)?.at(-1);
    if (last !== undefined && point[0] - last[0] <= step * 1.5 && isSame(last[1], point[1])) runs.at(-1)?.push(point);
    else runs.push([point]);
  }
  return runs;
}

/** Minutes and seconds. */
export function formatTime(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Seconds between two samples that are not apart; 1 with fewer than two. */
export function stepOf(points: Series["points"]): number {
  return points.length < 2 ? 1 : Math.min(...points.slice(1).map(([second], index) => second - (points[index]?.[0] ?? 0)));
}
