/** The picture of a board: every panel with heading and unit, everything inside the picture, and what is empty says why. */
import { describe, expect, test } from "vitest";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import type { Shape } from "../../../operations/bench/chart.ts";
import { renderSvg } from "../../../operations/bench/svg.ts";
import { formatValue, legendOf, type Series } from "../../bench/board-format.ts";
import { drawBoard } from "../../bench/board-picture.ts";
import { EXAMPLE_BUS } from "./example-bus.ts";

const RANGE = [1_000, 1_100] as const;
const LABELS = { server_id: "n1", stream_name: "ORDERS", account_name: "$G", stream_leader: "n1", value: "2.15.2", listener: "client" };

function seriesOf(index: number): Series {
  const points = Array.from({ length: 51 }, (_, at) => [1_000 + 2 * at, at === 20 ? 0 : 1 + index] as const);
  return { labels: { ...LABELS, server_id: `n${index + 1}` }, points };
}

const boards = planBoards(EXAMPLE_BUS, resolveMonitoringOptions({}));

describe.each(boards.filter(({ name }) => name === "cluster" || name === "jetstream"))("$name", (board) => {
  const panels = board.rows.flatMap((row) => row.panels);
  const draw = (series: readonly Series[]) => {
    const answers = panels.map((panel) => [panel.key, { panel, answers: panel.queries.map(() => series), range: RANGE }] as const);
    return drawBoard(board, new Map(answers), "a note");
  };
  const { width, height, shapes } = draw([seriesOf(0), seriesOf(1), seriesOf(2)]);
  const texts = shapes.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));

  test("shows every panel and row", () => {
    for (const { title } of [...board.rows, ...panels]) expect(texts.some((text) => text.startsWith(title))).toBe(true);
  });

  test("keeps everything inside", () => {
    const ends = (shape: Shape): readonly (readonly [number, number])[] => {
      if (shape.kind === "path") return shape.points;
      if (shape.kind === "line") return [[shape.x1, shape.y1], [shape.x2, shape.y2]]; // biome-ignore format: a pair a line end
      if (shape.kind === "text") return [[shape.x, shape.y]];
      return [[shape.x, shape.y], [shape.x + shape.width, shape.y + shape.height]]; // biome-ignore format: two corners
    };
    const outside = shapes.filter((shape) => ends(shape).some(([x, y]) => !(x >= 0 && x <= width && y >= 0 && y <= height)));
    expect(outside).toEqual([]);
    expect(renderSvg({ title: board.title, width, height, background: "#ffffff", shapes })).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("says why a panel is empty", () => {
    const empty = draw([]).shapes.flatMap((shape) => (shape.kind === "text" && shape.text.startsWith("no data") ? [shape.text] : []));
    expect(empty).toHaveLength(panels.length);
    for (const { mayBeEmpty } of panels) if (mayBeEmpty !== undefined) expect(empty).toContain(`no data: ${mayBeEmpty}`);
  });
});

test.each<[number, string, string]>([
  [0.123, "percentunit", "12 %"],
  [2048, "bytes", "2 KiB"],
  [1500, "Bps", "1.5 kB/s"],
  [12.34, "mps", "12 msg/s"],
  [180, "s", "3 min"],
  [0, "none", "0"],
  [1_234_567, "short", "1.2 M"],
])("%d of %s reads %s", (value, unit, text) => {
  expect(formatValue(value, { unit })).toBe(text);
});

test("words and legends", () => {
  expect(formatValue(1, { unit: "none", words: { 1: "ok" } })).toBe("ok");
  expect(legendOf("{{account_name}} {{stream_name}}", seriesOf(0))).toBe("ORDERS");
});
