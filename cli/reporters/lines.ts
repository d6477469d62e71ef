import type { EngineEvent } from "../../engine/events.ts";
import { parseUrn } from "../../engine/urn.ts";
import type { Palette } from "./palette.ts";
import { type RowView, rowInfo, rowNotes, rowStatus, rowWords } from "./row-text.ts";
import { createRowTable, type Row, type RowTable } from "./rows.ts";

/** What a progress display needs to know about the run. */
export interface ProgressOptions {
  readonly kind: "up" | "refresh" | "destroy";
  readonly preview: boolean;
  readonly stack: string;
  readonly stackUrn: string;
  readonly palette: Palette;
  /** Milliseconds on any steady clock. */
  readonly now: () => number;
  /** Receives text to show, line ends included. */
  readonly write: (text: string) => void;
}

/** Shows a run while it goes on. */
export interface ProgressDisplay {
  readonly table: RowTable;
  onEvent(event: EngineEvent): void;
  /** The run has ended: shows what is still open as ended. */
  end(): void;
}

const BANNERS = {
  up: ["Updating", "Previewing update"],
  refresh: ["Refreshing", "Previewing refresh"],
  destroy: ["Destroying", "Previewing destroy"],
} as const;

/** `Updating (dev):` and its siblings. */
export function renderBanner(options: Pick<ProgressOptions, "kind" | "preview" | "stack" | "palette">): string {
  return options.palette.headline(`${BANNERS[options.kind][options.preview ? 1 : 0]} (${options.stack}):`);
}

/** ` +  TYPE NAME STATUS INFO`, as the CLI prints it without a terminal. */
function renderRowLine(row: Row, view: RowView, palette: Palette): string {
  const { symbol, color } = rowWords(row);
  const mark = color === undefined ? symbol : palette[color](symbol);
  const parts = [row.type, row.name, rowStatus(row, view), rowInfo(row, view)];
  return ` ${mark} ${parts.join(" ").trimEnd()}`;
}

function renderStackLine(urn: string): string {
  const { type, name } = parseUrn(urn);
  return `    ${type} ${name}`;
}

/** Plain lines, one a change of status; for output that is not a terminal. */
export function createLineDisplay(options: ProgressOptions): ProgressDisplay {
  const table = createRowTable(options.stackUrn);
  const printed = new Map<string, string>();
  const noted = new Set<string>();
  const view = (ended: boolean): RowView => ({
    preview: options.preview,
    refresh: options.kind === "refresh",
    ended,
    nowMs: options.now(),
  });

  function print(row: Row, ended: boolean): void {
    // The time a step has taken so far is no change of status.
    const key = renderRowLine({ ...row, startedMs: 0, endedMs: 0 }, view(ended), options.palette);
    if (printed.get(row.urn) === key) return;
    printed.set(row.urn, key);
    options.write(`${renderRowLine(row, view(ended), options.palette)}\n`);
    for (const note of rowNotes(row, view(ended))) {
      if (noted.has(`${row.urn} ${note}`)) continue;
      noted.add(`${row.urn} ${note}`);
      options.write(`${note}\n`);
    }
  }

  options.write(`${renderBanner(options)}\n`);
  return {
    table,
    onEvent(event) {
      const isFirst = table.rows.size === 0;
      const row = table.apply(event, options.now());
      if (isFirst && row !== undefined && !row.isStack) options.write(`${renderStackLine(options.stackUrn)}\n`);
      if (row === undefined || !row.visible) return;
      const isQuietStack = row.isStack && (row.step?.op ?? "same") === "same" && row.messages.worst === undefined && !printed.has(row.urn);
      if (!isQuietStack) print(row, false);
    },
    end() {
      for (const row of table.rows.values())
        if (row.isStack || (row.visible && row.state !== "done" && row.state !== "failed")) print(row, true);
    },
  };
}
