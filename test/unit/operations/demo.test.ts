import fc from "fast-check";
import { expect, test } from "vitest";
import { wrap } from "../../../cli/commands/demo.ts";
import { createScreen } from "../../../cli/reporters/demo.ts";
import { createPalette } from "../../../cli/reporters/palette.ts";
import { bar, slots, sparkline } from "../../../operations/demo/draw.ts";
import { TOUR } from "../../../operations/demo/tour.ts";
import { demoSchema, demoSubject, measurement, SHOWCASE } from "../../../operations/demo/traffic.ts";

test.each([
  [0, "░░░░"],
  [0.5, "██░░"],
  [1, "████"],
  [7, "████"],
  [-1, "░░░░"],
])("a bar of %d", (share, text) => {
  expect(bar(share, 4)).toBe(text);
});

test.each([
  [[], ""],
  [[0, 0], "··"],
  [[1, 8], "▁█"],
  [[4, 0, 8], "▄·█"],
])("a sparkline of %j", (counts, text) => {
  expect(sparkline(counts)).toBe(text);
});

test("slots count every moment of their span once", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 999, noNaN: true })), fc.integer({ min: 1, max: 300 }), (moments, slotMs) => {
      const counts = slots(moments, { fromMs: 0, toMs: 1000, slotMs });
      expect(counts).toHaveLength(Math.ceil(1000 / slotMs));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(moments.length);
    }),
  );
});

test("all four kinds of traffic are shown, and fit their schema and their streams' subjects", () => {
  expect(new Set(SHOWCASE.map(({ family }) => family))).toEqual(
    new Set(["consciousness", "security", "performance", "ai", "orchestrator"]),
  );
  for (const message of [...SHOWCASE, measurement(3)]) {
    expect(demoSchema.safeParse(message.value).success).toBe(true);
    expect(demoSubject("root", message)).toMatch(/^root\.[a-z]+\.(critical|high|normal|low)\.[a-z]+$/);
  }
  expect(TOUR.map(({ title }) => title)).toEqual([
    "The bus",
    "Publishing",
    "Lanes",
    "A bad message",
    "Replay",
    "A server fails",
    "Figures",
  ]);
});

test("text is wrapped between words and keeps every word", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }), fc.integer({ min: 12, max: 80 }), (words, columns) => {
      const lines = wrap(words.join(" "), columns);
      expect(lines.join(" ")).toBe(words.join(" "));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }),
  );
});

function screenOf(outIsLive: boolean): { readonly screen: ReturnType<typeof createScreen>; readonly written: () => string } {
  let text = "";
  const out = (more: string): void => {
    text += more;
  };
  return {
    screen: createScreen({ out, outIsLive, outPalette: createPalette(false), size: () => ({ columns: 12, lines: 24 }) }),
    written: () => text,
  };
}

test("without a terminal only the last state of what is live is written", () => {
  const { screen, written } = screenOf(false);
  screen.live(["a 1", "b 1"]);
  screen.live(["a 2", "b 2"]);
  screen.say("done");
  expect(written()).toBe("  a 2\n  b 2\n  done\n");
});

test("on a terminal live lines are drawn over, and cut at the width from the left", () => {
  const { screen, written } = screenOf(true);
  screen.live(["0123456789abc"]);
  screen.live(["short"]);
  expect(written()).toBe("\u001b[2K  456789abc\n\u001b[1A\u001b[2K  short\n");
});
