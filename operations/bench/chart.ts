/** A benchmark as a picture: shapes with places and colours, which the writers turn into SVG or PNG. Pure. */
import { type BenchDocument, compareRuns } from "./document.ts";
import { type BenchResult, keyOf, labelOf } from "./spec.ts";

/** A shape; places in pixels from the upper left corner, colours as `#rrggbb`. */
export type Shape =
  | {
      readonly kind: "rect";
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly fill: string;
    }
  | {
      readonly kind: "line";
      readonly x1: number;
      readonly y1: number;
      readonly x2: number;
      readonly y2: number;
      readonly stroke: string;
      readonly width: number;
    }
  | { readonly kind: "path"; readonly points: readonly (readonly [number, number])[]; readonly stroke: string; readonly width: number }
  | {
      readonly kind: "text";
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly size: number;
      readonly fill: string;
      readonly anchor: "start" | "middle" | "end";
    };

/** A picture. */
export interface Picture {
  /** What it shows, for readers who do not see it. */
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly background: string;
  readonly shapes: readonly Shape[];
}

const COLORS = {
  ink: "#1f2933",
  faint: "#7b8794",
  grid: "#e4e7eb",
  library: "#2f6f9f",
  raw: "#9fb3c8",
  before: "#cbd2d9",
  latency: "#c99a2e",
} as const;
const LAYOUT = {
  width: 1120,
  top: 92,
  row: 34,
  bar: 16,
  label: 400,
  rateEnd: 770,
  latencyStart: 880,
  latencyEnd: 1030,
  bottom: 44,
} as const;
const TICKS = 4;

/** Bars of the rates, with those of an earlier run behind them, and the slowest hundredth beside them. */
export function drawBench(document: BenchDocument, before?: BenchDocument): Picture {
  const { results } = document;
  const height = LAYOUT.top + results.length * LAYOUT.row + LAYOUT.bottom;
  const old = new Map((before === undefined ? [] : compareRuns(before, document)).map((change) => [change.key, change.was]));
  const most = niceCeiling(Math.max(...results.map(({ rate }) => rate), ...old.values(), 1));
  const slowest = niceCeiling(Math.max(...results.map(({ p99Ms }) => p99Ms), 0.1));
  return {
    title: `natsbus bench: ${document.title}`,
    width: LAYOUT.width,
    height,
    background: "#ffffff",
    shapes: [
      text({ x: 24, y: 34, size: 18, fill: COLORS.ink }, `natsbus bench: ${document.title}`),
      text({ x: 24, y: 56, size: 11, fill: COLORS.faint }, `${document.startedAt.slice(0, 19).replace("T", " ")} UTC, ${document.machine}`),
      ...axis({ from: LAYOUT.label, to: LAYOUT.rateEnd, most, title: "messages/s", height }),
      ...axis({ from: LAYOUT.latencyStart, to: LAYOUT.latencyEnd, most: slowest, title: "p99, ms", height, ticks: 2 }),
      ...results.flatMap((result, index) => row(result, { index, most, slowest, was: old.get(keyOf(result)) })),
    ],
  };
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below a number; 1 for what is not above 0. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((candidate) => candidate >= value * 0.999_999) ?? 10 * power;
}

interface RowPlace {
  readonly index: number;
  readonly most: number;
  readonly slowest: number;
  readonly was: number | undefined;
}

function row(result: BenchResult, { index, most, slowest, was }: RowPlace): readonly Shape[] {
  const middle = LAYOUT.top + index * LAYOUT.row + LAYOUT.row / 2;
  const bar = { y: middle - LAYOUT.bar / 2, height: LAYOUT.bar };
  const rateWidth = ((LAYOUT.rateEnd - LAYOUT.label) * result.rate) / most;
  const lateWidth = ((LAYOUT.latencyEnd - LAYOUT.latencyStart) * result.p99Ms) / slowest;
  const oldBar =
    was === undefined
      ? []
      : [rect(LAYOUT.label, { y: bar.y - 4, height: LAYOUT.bar + 8 }, ((LAYOUT.rateEnd - LAYOUT.label) * was) / most, COLORS.before)];
  const note = was === undefined || was === 0 ? "" : ` (${(result.rate / was).toFixed(2)}x)`;
  return [
    text({ x: LAYOUT.label - 12, y: middle + 4, size: 12, fill: COLORS.ink, anchor: "end" }, labelOf(result)),
    ...oldBar,
    rect(LAYOUT.label, bar, rateWidth, result.library ? COLORS.library : COLORS.raw),
    text(
      {
        x: LAYOUT.label + Math.max(rateWidth, ((LAYOUT.rateEnd - LAYOUT.label) * (was ?? 0)) / most) + 6,
        y: middle + 4,
        size: 11,
        fill: COLORS.ink,
      },
      `${Math.round(result.rate)}${note}`,
    ),
    rect(LAYOUT.latencyStart, { y: middle - 4, height: 8 }, lateWidth, COLORS.latency),
    text({ x: LAYOUT.latencyStart + lateWidth + 6, y: middle + 4, size: 11, fill: COLORS.ink }, round(result.p99Ms)),
  ];
}

function axis(about: {
  readonly from: number;
  readonly to: number;
  readonly most: number;
  readonly title: string;
  readonly height: number;
  readonly ticks?: number;
}): readonly Shape[] {
  const { from, to, most, title, height, ticks = TICKS } = about;
  const places = Array.from({ length: ticks + 1 }, (_, index) => index / ticks);
  return [
    text({ x: from, y: LAYOUT.top - 14, size: 11, fill: COLORS.faint }, title),
    ...places.flatMap((share): readonly Shape[] => {
      const x = from + (to - from) * share;
      return [
        { kind: "line", x1: x, y1: LAYOUT.top - 4, x2: x, y2: height - LAYOUT.bottom + 6, stroke: COLORS.grid, width: 1 },
        text({ x, y: height - LAYOUT.bottom + 22, size: 10, fill: COLORS.faint, anchor: "middle" }, round(most * share)),
      ];
    }),
  ];
}

function rect(x: number, { y, height }: { readonly y: number; readonly height: number }, width: number, fill: string): Shape {
  return { kind: "rect", x, y, width: Math.max(1, width), height, fill };
}

function text(
  at: {
    readonly x: number;
    readonly y: number;
    readonly size: number;
    readonly fill: string;
    readonly anchor?: "start" | "middle" | "end";
  },
  content: string,
): Shape {
  return { kind: "text", anchor: "start", ...at, text: content };
}

function round(value: number): string {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}
