/** One panel of a board as shapes. Pure. */
import type { Panel } from "../../observability/dashboards/plan.ts";
import type { Shape } from "../../operations/bench/chart.ts";
import { axisEnd, formatTick, formatTime, formatValue, lastOf, legendOf, runsOf, type Series, stepOf } from "./board-format.ts";

/** Where a panel's content goes, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A panel with what its queries answered, query by query. */
export interface Answered {
  readonly panel: Panel;
  readonly answers: readonly (readonly Series[])[];
  /** First and last second. */
  readonly range: readonly [number, number];
}

/** Colours of ink and surfaces. */
export const INK = {
  title: "#1f2933",
  text: "#52606d",
  faint: "#7b8794",
  grid: "#e4e7eb",
  good: "#2f855a",
  bad: "#c53030",
  plain: "#2b6cb0",
};
const LINES = ["#2b6cb0", "#dd6b20", "#2f855a", "#805ad5", "#d53f8c", "#b7791f", "#319795", "#718096", "#e53e3e"];
const LETTER = 0.54;
const LEGEND_ROW = 14;
const MOST_LEGENDS = 9;

/** What is in the panel. */
export function drawContent(answered: Answered, box: Box): readonly Shape[] {
  const { kind } = answered.panel;
  if (answered.answers.every((series) => series.length === 0)) return [label({ ...box, y: box.y + 18 }, emptyText(answered.panel), 11)];
  if (kind === "stat") return drawStat(answered, box);
  if (kind === "table") return drawTable(answered, box);
  return kind === "states" ? drawStates(answered, box) : drawLines(answered, box);
}

function emptyText({ mayBeEmpty }: Panel): string {
  return `no data: ${mayBeEmpty ?? "not declared"}`;
}

function drawStat({ panel, answers }: Answered, box: Box): readonly Shape[] {
  const texts = named({ panel, answers });
  const step = box.width / Math.max(1, texts.length);
  return texts.flatMap(({ text, series }, index): readonly Shape[] => {
    const value = lastOf(series);
    const middle = box.x + step * (index + 0.5);
    const size = Math.min(26, step / 4.2);
    return [
      {
        kind: "text",
        x: middle,
        y: box.y + box.height / 2 + 4,
        text: formatValue(value, panel),
        size,
        fill: colorOf(panel, value),
        anchor: "middle",
      },
      { kind: "text", x: middle, y: box.y + box.height - 6, text: shorten(text, step, 10), size: 10, fill: INK.faint, anchor: "middle" },
    ];
  });
}

function colorOf({ limits }: Panel, value: number): string {
  if (limits === undefined) return INK.plain;
  return value >= limits.at === limits.isBad ? INK.bad : INK.good;
}

interface Named {
  readonly text: string;
  readonly series: Series;
}

function named({ panel, answers }: Pick<Answered, "panel" | "answers">): Named[] {
  return answers.flatMap((found, index) => found.map((series) => ({ text: legendOf(panel.queries[index]?.legend ?? "", series), series })));
}

function drawLines(answered: Answered, box: Box): readonly Shape[] {
  const { panel, range } = answered;
  const all = named(answered).sort((a, b) => lastOf(b.series) - lastOf(a.series));
  const legends = all.slice(0, MOST_LEGENDS);
  const columns = columnsFor(legends, box.width);
  const rows = Math.ceil(legends.length / columns);
  const plot = { x: box.x + 52, y: box.y + 4, width: box.width - 58, height: box.height - rows * LEGEND_ROW - 24 };
  const values = all.flatMap(({ series }) => series.points.map(([, value]) => value).filter(Number.isFinite));
  const most = axisEnd(Math.max(...values, 0), panel.unit);
  const at = ([second, value]: readonly [number, number]): readonly [number, number] => [
    plot.x + (plot.width * (second - range[0])) / (range[1] - range[0]),
    plot.y + plot.height * (1 - value / most),
  ];
  return [
    ...drawGrid(panel, plot, { most, range }),
    ...all.flatMap(({ series }, index) => drawLine(series, at, LINES[index % LINES.length] as string)).reverse(),
    ...drawLegends(legends, { ...box, y: plot.y + plot.height + 30 }, { columns, more: all.length - legends.length }),
  ];
}

function drawLine(
  { points }: Series,
  at: (point: readonly [number, number]) => readonly [number, number],
  stroke: string,
): readonly Shape[] {
  const known = points.filter(([, value]) => Number.isFinite(value));
  return runsOf(known).map((run): Shape => ({ kind: "path", points: run.map(at), stroke, width: 1.6 }));
}

function columnsFor(legends: readonly Named[], width: number): number {
  const longest = Math.max(4, ...legends.map(({ text }) => text.length));
  return Math.max(1, Math.min(6, legends.length, Math.floor(width / Math.min(220, longest * 5.6 + 30))));
}

function drawGrid(
  panel: Panel,
  plot: Box,
  { most, range }: { readonly most: number; readonly range: readonly [number, number] },
): readonly Shape[] {
  const levels = [0, 0.5, 1].flatMap((share): readonly Shape[] => {
    const y = plot.y + plot.height * (1 - share);
    return [
      { kind: "line", x1: plot.x, y1: y, x2: plot.x + plot.width, y2: y, stroke: INK.grid, width: 1 },
      {
        kind: "text",
        x: plot.x - 6,
        y: y + 3.5,
        text: formatTick(most * share, panel.unit),
        size: 9.5,
        fill: INK.faint,
        anchor: "end",
      },
    ];
  });
  return [...levels, ...drawTimes(plot, range)];
}

/** Minutes and seconds since the picture begins. */
function drawTimes(plot: Box, [from, to]: readonly [number, number]): readonly Shape[] {
  const count = plot.width > 300 ? 5 : 3;
  return Array.from({ length: count }, (_, index): Shape => {
    const share = index / (count - 1);
    const text = formatTime((to - from) * share);
    const anchor = index === 0 ? "start" : index === count - 1 ? "end" : "middle";
    return { kind: "text", x: plot.x + plot.width * share, y: plot.y + plot.height + 13, text, size: 9.5, fill: INK.faint, anchor };
  });
}

function drawLegends(
  legends: readonly Named[],
  box: Box,
  { columns, more }: { readonly columns: number; readonly more: number },
): readonly Shape[] {
  const step = box.width / columns;
  return legends.flatMap(({ text }, index): readonly Shape[] => {
    const [x, y] = [box.x + (index % columns) * step, box.y + Math.floor(index / columns) * LEGEND_ROW];
    const isLast = index === legends.length - 1 && more > 0;
    return [
      { kind: "rect", x: x + 2, y: y - 6, width: 10, height: 3, fill: LINES[index % LINES.length] as string },
      label({ ...box, x: x + 16, y }, shorten(isLast ? `${text} and ${more} more` : text, step - 18, 10), 10),
    ];
  });
}

function drawStates(answered: Answered, box: Box): readonly Shape[] {
  const { panel, range } = answered;
  const lanes = merged(named(answered));
  const labels = Math.min(box.width * 0.36, 10 + 6 * Math.max(...lanes.map(({ text }) => text.length)));
  const plot = { x: box.x + labels, y: box.y, width: box.width - labels - 6, height: box.height - 38 };
  const lane = Math.min(26, plot.height / lanes.length);
  const size = Math.max(7, Math.min(10, lane));
  const words = Object.entries(panel.words ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  return [
    ...lanes.flatMap(({ text, series }, index): readonly Shape[] => {
      const y = plot.y + index * lane;
      return [
        label({ ...box, y: y + lane / 2 + size * 0.35 }, shorten(text, labels - 8, size), size),
        ...drawLane(series, { ...plot, y: y + lane * 0.12, height: lane * 0.76 }, { range, words: panel.words }),
      ];
    }),
    ...drawTimes({ ...plot, height: lane * lanes.length }, range),
    ...words.flatMap(([value, word], index): readonly Shape[] => {
      const x = plot.x + index * 100;
      return [
        { kind: "rect", x, y: box.y + box.height - 17, width: 10, height: 10, fill: stateColor(Number(value), panel.words) },
        label({ ...box, x: x + 15, y: box.y + box.height - 8 }, word, 10),
      ];
    }),
  ];
}

/** Series of one name are one lane: what answers and what does not are two series of one server. */
function merged(lanes: readonly Named[]): Named[] {
  const byText = new Map<string, Named>();
  for (const lane of lanes) {
    const points = [...(byText.get(lane.text)?.series.points ?? []), ...lane.series.points].sort(([a], [b]) => a - b);
    byText.set(lane.text, { text: lane.text, series: { ...lane.series, points } });
  }
  return [...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
}

function stateColor(value: number, words: Panel["words"]): string {
  if (value === 1) return "#68b58a";
  // To follow is no fault.
  return words?.["0"] === "follower" ? "#cbd5e0" : "#e39a9a";
}

function drawLane(
  { points }: Series,
  box: Box,
  { range: [from, to], words }: { readonly range: readonly [number, number]; readonly words: Panel["words"] },
): readonly Shape[] {
  const step = stepOf(points);
  const scale = box.width / (to - from);
  return runsOf(points, (a, b) => a === b).map((run): Shape => {
    const [start, end] = [run[0]?.[0] ?? from, Math.min(to, (run.at(-1)?.[0] ?? from) + step)];
    const fill = stateColor(run[0]?.[1] ?? 0, words);
    return { kind: "rect", x: box.x + (start - from) * scale, y: box.y, width: (end - start) * scale, height: box.height, fill };
  });
}

/** A column a query and a row a stream; or, where there is one query, what it found in the range. */
function drawTable(answered: Answered, box: Box): readonly Shape[] {
  const isList = answered.panel.queries.length === 1;
  const rows = isList ? alertRows(answered) : streamRows(answered);
  const line = isList ? 17 : 22;
  const room = Math.floor(box.height / line);
  const shown = rows.length <= room ? rows : [...rows.slice(0, room - 1), [`and ${rows.length - room + 1} more`]];
  const step = box.width / (rows[0]?.length ?? 1);
  return shown.flatMap((row, at) =>
    row.map((text, column): Shape => {
      const fill = at === 0 ? INK.faint : INK.title;
      return { kind: "text", x: box.x + column * step, y: box.y + 12 + at * line, text, size: 11, fill, anchor: "start" };
    }),
  );
}

function streamRows({ panel, answers }: Answered): string[][] {
  const nameOf = ({ labels }: Series): string => labels["stream_name"] ?? "";
  const names = [...new Set(answers.flat().map(nameOf))].sort();
  const rows = names.map((name) => {
    const of = answers.map((found) => found.filter((series) => nameOf(series) === name).sort((a, b) => endOf(b) - endOf(a))[0]);
    const leader = of.find((series) => series?.labels["stream_leader"] !== undefined)?.labels["stream_leader"] ?? "";
    const cells = of.map((series, index) => (series === undefined ? "-" : formatValue(lastOf(series), { unit: cellUnit(panel, index) })));
    return [name, leader, ...cells];
  });
  return [["Stream", "Leader", ...panel.queries.map(({ legend }) => legend)], ...rows];
}

function alertRows({ answers, range: [from] }: Answered): string[][] {
  const rows = answers
    .flat()
    .sort((a, b) => (a.points[0]?.[0] ?? 0) - (b.points[0]?.[0] ?? 0))
    .map(({ labels, points }) => [
      labels["alertname"] ?? "",
      labels["severity"] ?? "",
      labels["stream_name"] ?? labels["server_id"] ?? "",
      `${formatTime((points[0]?.[0] ?? from) - from)} to ${formatTime((points.at(-1)?.[0] ?? from) - from)}`,
    ]);
  return [["Alert", "Severity", "About", "Fired"], ...rows];
}

function endOf({ points }: Series): number {
  return points.at(-1)?.[0] ?? 0;
}

function cellUnit({ queries }: Panel, index: number): string {
  return queries[index]?.legend === "Bytes" ? "bytes" : "short";
}

function label({ x, y }: Pick<Box, "x" | "y">, text: string, size: number): Shape {
  return { kind: "text", x, y, text, size, fill: INK.text, anchor: "start" };
}

function shorten(text: string, width: number, size: number): string {
  const most = Math.floor(width / (size * LETTER));
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}
