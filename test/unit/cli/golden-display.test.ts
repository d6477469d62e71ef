import { describe, expect, test } from "vitest";
import { createLineDisplay } from "../../../cli/reporters/lines.ts";
import { createPalette } from "../../../cli/reporters/palette.ts";
import { createRunRecord, renderClosing } from "../../../cli/reporters/run-report.ts";
import { type GoldenStep, goldenNames, readGolden, rebuildEvents } from "../../support/golden-events.ts";

const STACK_URN = "urn:pulumi:dev::goldens::pulumi:pulumi:Stack::goldens-dev";
const palette = createPalette(false);

interface Case {
  readonly title: string;
  readonly golden: string;
  readonly step: GoldenStep;
  readonly before: GoldenStep | undefined;
  readonly kind: "up" | "refresh" | "destroy";
}

/** Steps whose events cannot be rebuilt from what the golden keeps, or that depart on purpose. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "fail-update: 1 fails": "the event of the stack had no outputs, the state keeps the old ones",
  "program-error-after: 2 exit code 3": "the event of the stack had no outputs, the state keeps the old ones",
  "large-output: 0 create": "the golden holds a digest of the output",
  "large-output: 1 no change": "the golden holds a digest of the output",
  "killed-create: 0 killed": "the events were taken from the journal, the display ended with the kill",
  "round-trip: 0 killed": "the events were taken from the journal, the display ended with the kill",
  "alias-rename: 5 rename and update": "the old entry has another URN",
  "read: 7 destroy": "the discarded read has a line here, and so the stack above it",
  "expect-no-changes: 5 refresh with drift": "the golden cannot tell why the difference is not shown",
};

function kindOf(step: GoldenStep): Case["kind"] | undefined {
  const lines = step.display?.progress ?? [];
  if (lines.includes("Updating (dev):")) return "up";
  if (lines.includes("Refreshing (dev):")) return "refresh";
  return lines.includes("Destroying (dev):") ? "destroy" : undefined;
}

function cases(): Case[] {
  return goldenNames().flatMap((golden) => {
    const steps = readGolden(golden);
    return steps.flatMap((step, index) => {
      const kind = kindOf(step);
      const title = `${golden}: ${index} ${step.step}`;
      return kind === undefined || title in LEFT_OUT || step.summary === undefined
        ? []
        : [{ title, golden, step, before: steps[index - 1], kind }];
    });
  });
}

function normalise(text: string): string {
  return text
    .replace(/\(\d+(\.\d+)?(ms|s|m\d+s)\)/g, "(<duration>)")
    .replace(/(Duration: )\S+/g, "$1<duration>")
    .replace("natsbus stacks rm", "pulumi stack rm");
}

/** The golden keeps messages sorted, and several of one resource came in another order: lines are compared as a set, frames left out. */
function comparable(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines.filter((line) => line.trim() !== "" && !line.includes("at <frames>")).sort();
}

/** On purpose: components get a line when they are done, reads get lines of their own. */
function withoutDepartures(lines: readonly string[]): readonly string[] {
  return lines.filter(
    (line) => !/gold:index:Component \S+ (created|updated|deleted) |^ (> |>>|< |<<) |(creating \(<duration>\)|running) read /.test(line),
  );
}

describe("closing sections of the recorded runs", () => {
  test.each(cases().filter(({ step }) => step.display?.closing !== undefined && step.eventOrder !== undefined))(
    "$title",
    ({ step, before, kind }) => {
      const record = createRunRecord({ kind, stack: "dev", stackUrn: STACK_URN });
      for (const event of rebuildEvents(step, before)) record.onEvent(event);
      const { diagnostics, result } = renderClosing(record.facts(), 1000, palette);
      const text = normalise([diagnostics, result].filter((part) => part !== "").join("\n"));
      const recorded = step.display?.closing ?? "";
      expect(comparable(text)).toEqual(comparable(recorded));
      if ((step.diagnostics?.length ?? 0) === 0) expect(text.trimEnd()).toBe(recorded.trimEnd());
    },
  );
});

describe("progress lines of the recorded runs without messages", () => {
  const quiet = cases().filter(
    ({ step }) => step.display?.progress !== undefined && step.eventOrder !== undefined && step.diagnostics?.length === 0,
  );
  test.each(quiet)("$title", ({ step, before, kind }) => {
    const lines: string[] = [];
    const display = createLineDisplay({
      kind,
      preview: false,
      stack: "dev",
      stackUrn: STACK_URN,
      palette,
      now: () => 0,
      write: (text) => lines.push(normalise(text.trimEnd())),
    });
    for (const event of rebuildEvents(step, before)) display.onEvent(event);
    display.end();
    expect(withoutDepartures([...new Set(lines)].sort())).toEqual(withoutDepartures(step.display?.progress ?? []));
  });
});
