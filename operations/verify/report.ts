/** A run as a document, as JUnit for continuous integration, and as Markdown. Pure. */
import { type Figure, isWithin, renderFigure } from "./check.ts";
import type { CheckResult, SectionResult, VerifyResult } from "./run.ts";

/** How many checks ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts the checks of a run or of one section. */
export function countChecks(checks: readonly Pick<CheckResult, "status">[]): Counts {
  const of = (status: CheckResult["status"]): number => checks.filter((check) => check.status === status).length;
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}

/** Every check of a run, in order. */
export function allChecks({ sections }: Pick<VerifyResult, "sections">): readonly CheckResult[] {
  return sections.flatMap(({ checks }) => checks);
}

/** Whether the bus is accepted: something was checked, nothing failed, and the run came to its end. */
export function isAccepted(result: VerifyResult): boolean {
  const { passed, failed } = countChecks(allChecks(result));
  return failed === 0 && passed > 0 && !result.cancelled;
}

/** The run as one JSON value. */
export function reportDocument(result: VerifyResult): Readonly<Record<string, unknown>> {
  return { accepted: isAccepted(result), counts: countChecks(allChecks(result)), ...result };
}

/** JUnit XML: a suite a section, a case a check. */
export function renderJunit(result: VerifyResult): string {
  const total = countChecks(allChecks(result));
  const suites = result.sections.map((section) => junitSuite(section, result.startedAt));
  const head = `tests="${allChecks(result).length}" failures="${total.failed}" skipped="${total.skipped}" time="${seconds(result.durationMs)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeXml(`natsbus verify: ${result.title}`)}" ${head}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

/** Markdown: a summary table, then a table a section, then what to do about failures. */
export function renderMarkdown(result: VerifyResult): string {
  const counts = countChecks(allChecks(result));
  const verdict = isAccepted(result) ? "accepted" : "not accepted";
  const summary = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds(result.durationMs)} s${result.quick ? ", quick" : ""}${result.cancelled ? ", cancelled" : ""}`;
  return [
    `# ${escapeCell(result.title)}: ${verdict}`,
    "",
    `${summary}, ${result.startedAt}`,
    ...result.sections.flatMap(markdownSection),
    "",
  ].join("\n");
}

/** Figures in one line, those beyond their threshold marked with `!`. */
export function renderFigures(figures: readonly Figure[] = []): string {
  return figures.map((figure) => `${figure.name} ${renderFigure(figure)}${isWithin(figure) ? "" : " !"}`).join(", ");
}

function junitSuite({ name, title, checks, durationMs }: SectionResult, startedAt: string): string {
  const counts = countChecks(checks);
  const head = `name="${escapeXml(`${name}: ${title}`)}" tests="${checks.length}" failures="${counts.failed}" skipped="${counts.skipped}" time="${seconds(durationMs)}" timestamp="${startedAt.replace(/\.\d+Z$/, "")}"`;
  return [`  <testsuite ${head}>`, ...checks.map(junitCase), "  </testsuite>"].join("\n");
}

function junitCase(check: CheckResult): string {
  const head = `    <testcase classname="natsbus.verify.${check.section}" name="${escapeXml(`${check.name}: ${check.title}`)}" time="${seconds(check.durationMs)}"`;
  const told = [check.detail, renderFigures(check.figures), check.remedy ?? ""].filter((text) => text !== "").join("\n");
  if (check.status === "passed") return `${head}>\n      <system-out>${escapeXml(told)}</system-out>\n    </testcase>`;
  const child =
    check.status === "failed"
      ? `<failure message="${escapeXml(check.detail)}">${escapeXml(told)}</failure>`
      : `<skipped message="${escapeXml(check.detail)}"/>`;
  return `${head}>\n      ${child}\n    </testcase>`;
}

const MARKS = { passed: "✓", failed: "✗", skipped: "–" } as const;

function markdownSection({ title, checks }: SectionResult): readonly string[] {
  const rows = checks.map(
    (check) =>
      `| ${MARKS[check.status]} ${check.status} | ${escapeCell(check.title)} | ${escapeCell(cell(check))} | ${seconds(check.durationMs)} s |`,
  );
  return ["", `## ${title}`, "", "| result | check | what was seen | time |", "| --- | --- | --- | --- |", ...rows];
}

function cell({ detail, figures, remedy, status }: CheckResult): string {
  const parts = [detail, renderFigures(figures), status === "failed" ? (remedy ?? "") : ""];
  return parts.filter((text) => text !== "").join(". ");
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);
}

function escapeCell(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll("|", "\\|")
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll("<", "&lt;");
}

/** Also drops the characters XML 1.0 cannot hold at all. */
function escapeXml(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\n": "&#10;",
    "\t": "&#9;",
    "\r": "&#13;",
  };
  return [...text]
    .filter((letter) => isXmlCharacter(letter.codePointAt(0) ?? 0))
    .map((letter) => escapes[letter] ?? letter)
    .join("");
}

function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code < 0xd800 || (code > 0xdfff && code !== 0xfffe && code !== 0xffff);
}
