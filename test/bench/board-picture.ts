/** A whole board as one picture, laid out as Grafana lays it out. Pure. */
import type { Board } from "../../observability/dashboards/plan.ts";
import { layOut } from "../../observability/writers/grafana.ts";
import type { Picture, Shape } from "../../operations/bench/chart.ts";
import { unitOf } from "./board-format.ts";
import { type Answered, drawContent, INK } from "./board-panels.ts";

const COLUMN = 50;
const UNIT = 28;
const MARGIN = 20;
const HEAD = 74;
const COLUMNS = 24;

/** The board with what its panels' queries answered. */
export function drawBoard(board: Board, answered: ReadonlyMap<string, Answered>, note: string): Picture {
  const shapes: Shape[] = [
    { kind: "text", x: MARGIN, y: 34, text: board.title, size: 20, fill: INK.title, anchor: "start" },
    { kind: "text", x: MARGIN, y: 56, text: note, size: 11, fill: INK.faint, anchor: "start" },
  ];
  let top = 0;
  for (const { title, panels } of board.rows) {
    shapes.push({ kind: "text", x: MARGIN, y: HEAD + top * UNIT + 19, text: title, size: 14, fill: INK.title, anchor: "start" });
    const { places, end } = layOut(panels, top + 1);
    for (const [index, panel] of panels.entries()) {
      const place = places[index];
      const found = answered.get(panel.key);
      if (place !== undefined && found !== undefined) shapes.push(...drawPanel(found, place));
    }
    top = end;
  }
  return {
    title: `${board.title}. ${note}`,
    width: 2 * MARGIN + COLUMNS * COLUMN,
    height: HEAD + top * UNIT + MARGIN,
    background: "#f4f6f8",
    shapes,
  };
}

function drawPanel(
  answered: Answered,
  { x, y, w, h }: { readonly x: number; readonly y: number; readonly w: number; readonly h: number },
): Shape[] {
  const { panel } = answered;
  const frame = { x: MARGIN + x * COLUMN + 4, y: HEAD + y * UNIT + 4, width: w * COLUMN - 8, height: h * UNIT - 8 };
  const unit = panel.kind === "lines" || panel.kind === "bars" ? unitOf(panel.unit) : "";
  const title = unit === "" ? panel.title : `${panel.title} (${unit})`;
  return [
    { kind: "rect", ...frame, fill: "#ffffff" },
    { kind: "text", x: frame.x + 12, y: frame.y + 20, text: title, size: 12, fill: INK.title, anchor: "start" },
    ...drawContent(answered, { x: frame.x + 12, y: frame.y + 32, width: frame.width - 24, height: frame.height - 40 }),
  ];
}
