import type { Palette } from "./palette.ts";

/** Columns padded to their widest cell, two blanks apart, a bold head. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[], palette: Palette): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [palette.bold(line(head)), ...rows.map(line), ""].join("\n");
}
