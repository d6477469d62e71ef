import { stripVTControlCharacters } from "node:util";
import type { Check, Section } from "../../operations/verify/check.ts";
import { allChecks, countChecks, isAccepted, renderFigures } from "../../operations/verify/report.ts";
import type { CheckResult, RunListener, SectionResult, VerifyResult } from "../../operations/verify/run.ts";
import type { Terminal } from "../terminal.ts";
import type { Palette } from "./palette.ts";

const MARKS = { passed: "✓", failed: "✗", skipped: "–" } as const;
const INDENT = "    ";

/** Shows a run as it goes on: the check at work on one line that is redrawn, or plain lines without a terminal. */
export interface VerifyProgress extends RunListener {
  /** What the check at work is doing. */
  note(text: string): void;
  /** Clears the line at work. */
  end(): void;
}

/** Progress on stderr. */
export function createVerifyProgress(terminal: Pick<Terminal, "err" | "errIsLive" | "errPalette" | "size">): VerifyProgress {
  const { errPalette: palette, errIsLive } = terminal;
  let current = "";
  const draw = (text: string): void => {
    if (errIsLive) terminal.err(`\r\u001b[2K${cut(text, terminal.size().columns - 1)}`);
  };
  const line = (text: string): void => terminal.err(`${errIsLive ? "\r\u001b[2K" : ""}${text}\n`);
  return {
    onSection({ title }: Pick<Section, "name" | "title">, { number, of }) {
      line(`${number === 1 ? "" : "\n"}${palette.bold(title)} ${palette.faint(`${number}/${of}`)}`);
    },
    onCheck({ title }: Pick<Check, "name" | "title">) {
      current = title;
      draw(`  ${palette.faint("·")} ${title} ${palette.faint("…")}`);
    },
    onResult(result) {
      line(renderCheck(result, palette));
    },
    note(text) {
      if (errIsLive) draw(`  ${palette.faint("·")} ${current} ${palette.faint(`… ${text}`)}`);
      else line(`${INDENT}${text}`);
    },
    end() {
      if (errIsLive) terminal.err("\r\u001b[2K");
    },
  };
}

function cut(text: string, columns: number): string {
  const plain = stripVTControlCharacters(text);
  return plain.length <= columns ? text : plain.slice(0, Math.max(0, columns - 1)).concat("…");
}

/** One check: its mark and title, what was seen, and for a failure what to do. */
function renderCheck({ status, title, detail, figures, remedy, durationMs }: CheckResult, palette: Palette): string {
  const paint = { passed: palette.create, failed: palette.error, skipped: palette.warning }[status];
  const told = [detail, renderFigures(figures)].filter((text) => text !== "").join(": ");
  const seconds = durationMs >= 1000 ? ` ${palette.faint(`${(durationMs / 1000).toFixed(1)} s`)}` : "";
  const lines = [`  ${paint(MARKS[status])} ${title}${seconds}`, `${INDENT}${status === "failed" ? told : palette.faint(told)}`];
  if (status === "failed" && remedy !== undefined) lines.push(`${INDENT}${palette.warning("→")} ${remedy}`);
  return lines.join("\n");
}

/** The result on stdout: a table with one line a section, what failed and what was skipped, and the verdict. */
export function renderVerifyTable(result: VerifyResult, palette: Palette): string {
  const checks = allChecks(result);
  const counts = countChecks(checks);
  const width = Math.max(...result.sections.map(({ title }) => title.length), "SECTION".length);
  const head = palette.bold(`${"SECTION".padEnd(width)}  PASSED  FAILED  SKIPPED      TIME`);
  const rows = result.sections.map((section) => sectionRow(section, width, palette));
  const told = (["failed", "skipped"] as const).flatMap((status) =>
    checks.filter((check) => check.status === status).map((check) => tellCheck(check, palette)),
  );
  const verdict = isAccepted(result)
    ? palette.create(
        `${result.title} is accepted: ${counts.passed} checks passed${counts.skipped > 0 ? `, ${counts.skipped} could not be done here` : ""}.`,
      )
    : palette.error(`${result.title} is not accepted: ${result.cancelled ? "the run was cancelled" : notAccepted(counts)}.`);
  return [head, ...rows, "", ...told, ...(told.length > 0 ? [""] : []), verdict, ""].join("\n");
}

function notAccepted({ passed, failed }: { readonly passed: number; readonly failed: number }): string {
  return failed === 0 && passed === 0 ? "nothing could be checked" : `${failed} of ${failed + passed} checks failed`;
}

function sectionRow({ title, checks, durationMs }: SectionResult, width: number, palette: Palette): string {
  const { passed, failed, skipped } = countChecks(checks);
  const cells = [
    String(passed).padStart(6),
    failed === 0 ? "0".padStart(6) : palette.error(String(failed).padStart(6)),
    String(skipped).padStart(7),
  ];
  return [title.padEnd(width), ...cells, `${(durationMs / 1000).toFixed(1)} s`.padStart(8)].join("  ");
}

function tellCheck({ status, section, name, detail, remedy }: CheckResult, palette: Palette): string {
  const paint = status === "failed" ? palette.error : palette.warning;
  return `${paint(`${status}:`)} ${section}/${name}: ${detail}${status === "failed" && remedy !== undefined ? `\n        ${remedy}` : ""}`;
}
