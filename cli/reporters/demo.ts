import { stripVTControlCharacters } from "node:util";
import type { Screen } from "../../operations/demo/tour.ts";
import type { Terminal } from "../terminal.ts";

const INDENT = "  ";

/** The tour on stdout: lines that are redrawn on a terminal, and only their last state elsewhere. */
export function createScreen({ out, outIsLive, outPalette, size }: Pick<Terminal, "out" | "outIsLive" | "outPalette" | "size">): Screen {
  let shown = 0;
  let last: readonly string[] = [];
  const line = (text: string): void => out(`${text === "" ? "" : `${INDENT}${text}`}\n`);
  const keep = (): void => {
    if (!outIsLive) for (const text of last) line(text);
    shown = 0;
    last = [];
  };
  return {
    say(text = "") {
      if (last.length > 0) keep();
      line(text);
    },
    live(lines) {
      if (outIsLive) {
        const fitted = lines.map((text) => clip(text, size().columns - INDENT.length - 1));
        out(`${shown > 0 ? `\u001b[${shown}A` : ""}${fitted.map((text) => `\u001b[2K${INDENT}${text}\n`).join("")}`);
        shown = lines.length;
      }
      last = lines;
    },
    keep,
    paint: { strong: outPalette.bold, faint: outPalette.faint, good: outPalette.create, bad: outPalette.error, accent: outPalette.read },
  };
}

/** A line that is redrawn must not wrap; its newest part is at its end. */
function clip(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text);
  return plain.length <= columns ? text : plain.slice(plain.length - columns);
}
