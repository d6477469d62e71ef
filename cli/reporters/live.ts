import type { EngineEvent } from "../../engine/events.ts";
import { type ProgressDisplay, type ProgressOptions, renderBanner } from "./lines.ts";
import { stripEscapes } from "./palette.ts";
import { type RowView, rowInfo, rowNotes, rowStatus, rowWords } from "./row-text.ts";
import { createRowTable, type Row } from "./rows.ts";

/** A row of the tree with the lines that lead to it. */
export interface TreeRow {
  readonly row: Row;
  /** `│  ├─ ` and the like. */
  readonly lead: string;
}

/** Rows as a tree under the stack; unchanged leaves are left out. */
export function arrangeTree(rows: ReadonlyMap<string, Row>): readonly TreeRow[] {
  const children = new Map<string, Row[]>();
  for (const row of rows.values()) {
    const parent = rows.has(row.parent) ? row.parent : "";
    children.set(parent, [...(children.get(parent) ?? []), row]);
  }
  const isShown = (row: Row): boolean => row.visible || (children.get(row.urn) ?? []).some(isShown);
  const below = (row: Row, lead: string): TreeRow[] => {
    const shown = (children.get(row.urn) ?? []).filter(isShown);
    return shown.flatMap((child, index) => {
      const isLast = index === shown.length - 1;
      return [{ row: child, lead: `${lead}${isLast ? "└─ " : "├─ "}` }, ...below(child, `${lead}${isLast ? "   " : "│  "}`)];
    });
  };
  return (children.get("") ?? []).filter(isShown).flatMap((top) => [{ row: top, lead: "" }, ...below(top, "")]);
}

/** How wide and high a frame may be. */
export interface FrameSize {
  readonly columns: number;
  readonly lines: number;
}

/** The table as lines no longer than the terminal is wide. Too many rows: ended ones are left out first, with a line that says so. */
export function renderFrame(
  rows: readonly TreeRow[],
  options: Pick<ProgressOptions, "palette" | "preview">,
  view: RowView & { readonly size: FrameSize },
): string[] {
  const { palette } = options;
  const [shown, hidden] = fitRows(rows, view.size.lines - 2);
  const cells = shown.map(({ row, lead }) => ({
    mark: paintMark(row, options),
    type: `${lead}${row.type}`,
    name: row.name,
    status: rowStatus(row, view),
    info: rowInfo(row, view),
    // A frame that is drawn again must fit; the last one may be as long as it is.
    notes: view.ended ? rowNotes(row, view) : [],
  }));
  const width = (pick: (cell: (typeof cells)[number]) => string, title: string): number =>
    Math.max(title.length, ...cells.map((cell) => pick(cell).length));
  const statusTitle = options.preview ? "Plan" : "Status";
  const widths = { type: width((c) => c.type, "Type"), name: width((c) => c.name, "Name"), status: width((c) => c.status, statusTitle) };
  const line = (mark: string, texts: readonly [string, string, string, string]): string => {
    const [type, name, status, info] = texts;
    const text = `${type.padEnd(widths.type)}  ${name.padEnd(widths.name)}  ${status.padEnd(widths.status)}  ${info}`.trimEnd();
    return ` ${mark}  ${text.slice(0, Math.max(0, view.size.columns - 6))}`;
  };
  const head = palette.headline(line("  ", ["Type", "Name", statusTitle, "Info"]));
  const body = cells.flatMap((cell) => [line(cell.mark, [cell.type, cell.name, cell.status, cell.info]), ...cell.notes]);
  return [head, ...body, ...(hidden === 0 ? [] : [palette.faint(`     … ${hidden} more`)])];
}

function paintMark(row: Row, options: Pick<ProgressOptions, "palette">): string {
  const { symbol, color } = rowWords(row);
  return color === undefined ? symbol : options.palette[color](symbol);
}

function fitRows(rows: readonly TreeRow[], room: number): readonly [readonly TreeRow[], number] {
  if (rows.length <= room) return [rows, 0];
  const busy = rows.filter(({ row }) => row.isStack || row.state === "running" || row.state === "failed");
  const kept = new Set([...busy, ...rows.filter((row) => !busy.includes(row)).reverse()].slice(0, Math.max(1, room - 1)));
  return [rows.filter((row) => kept.has(row)), rows.length - kept.size];
}

/** A table that redraws itself in place, at most ten times a second; for terminals. */
export function createLiveDisplay(options: ProgressOptions & { readonly size: () => FrameSize }): ProgressDisplay {
  const table = createRowTable(options.stackUrn);
  let drawn = 0;
  let shown = "";
  let dirty = false;

  function draw(ended: boolean): void {
    const size = ended ? { columns: options.size().columns, lines: Number.POSITIVE_INFINITY } : options.size();
    const view = { preview: options.preview, refresh: options.kind === "refresh", ended, nowMs: options.now(), size };
    const frame = renderFrame(arrangeTree(table.rows), options, view);
    const text = frame.join("\n");
    dirty = false;
    if (text === shown) return;
    shown = text;
    const back = drawn === 0 ? "" : `\u001b[${drawn}A\r\u001b[J`;
    options.write(`${back}${text}\n`);
    drawn = frame.length;
  }

  options.write(`${renderBanner(options)}\n`);
  const isWaiting = (): boolean => [...table.rows.values()].some((row) => row.state === "running");
  const timer = setInterval(() => {
    if (dirty || isWaiting()) draw(false);
  }, 100);
  timer.unref();
  return {
    table,
    onEvent(event: EngineEvent) {
      const output = programOutput(event);
      if (table.apply(event, options.now()) !== undefined || output !== undefined) dirty = true;
    },
    end() {
      clearInterval(timer);
      draw(true);
    },
  };
}

/** What the program itself printed, without escape codes; undefined for other events. */
export function programOutput(event: EngineEvent): string | undefined {
  return "stdoutEvent" in event ? stripEscapes(event.stdoutEvent.message) : undefined;
}
