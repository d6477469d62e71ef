import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawBench, niceCeiling } from "../../../operations/bench/chart.ts";
import { type BenchDocument, compareRuns, parseBenchDocument } from "../../../operations/bench/document.ts";
import { renderPng } from "../../../operations/bench/png.ts";
import {
  type BenchResult,
  type BenchSpec,
  combine,
  keyOf,
  labelOf,
  parseNumbers,
  parseWords,
  SCENARIOS,
} from "../../../operations/bench/spec.ts";
import { strokesOf } from "../../../operations/bench/stroke-font.ts";
import { renderSvg } from "../../../operations/bench/svg.ts";

const spec: BenchSpec = { scenario: "publish", size: 128, clients: 1, mode: "async", replicas: 3, library: true, messages: 100 };
const resultOf = (over: Partial<BenchResult> = {}): BenchResult => ({
  ...spec,
  rate: 1000,
  meanMs: 1,
  p50Ms: 1,
  p95Ms: 2,
  p99Ms: 4,
  failed: 0,
  ...over,
});
const documentOf = (results: readonly BenchResult[]): BenchDocument => ({
  ...{ version: 1, title: "stack <dev> & more", startedAt: "2026-01-02T03:04:05.678Z", machine: "linux", results },
});

describe("combinations", () => {
  const choice = {
    scenarios: [...SCENARIOS],
    sizes: [128],
    clients: [1],
    modes: ["sync", "async"] as const,
    replicas: [1, 3],
    library: [true, false],
    messages: 1000,
  };

  test("differ in what matters to their scenario only", () => {
    const count = (scenario: string) => combine(choice).filter((one) => one.scenario === scenario).length;
    expect(SCENARIOS.map(count)).toEqual([8, 4, 2, 1]);
  });

  test("are named once each, and one at a time does a tenth", () => {
    const all = combine(choice);
    expect(new Set(all.map(keyOf)).size).toBe(all.length);
    expect(all.every(({ mode, messages }) => messages === (mode === "sync" ? 100 : 1000))).toBe(true);
    expect(all.map(labelOf)).toContain("publish, 128 B, 1 client, sync, R1, raw");
  });

  test.each([
    ["1,2", [1, 2]],
    ["7", [7]],
  ])("%s are numbers", (text, numbers) => {
    expect(parseNumbers("--clients", text, { min: 1, max: 9 })).toEqual(numbers);
  });

  test.each(["", "0", "10", "1.5", "a", "1,,2"])("%j is refused as numbers", (text) => {
    expect(() => parseNumbers("--clients", text, { min: 1, max: 9 })).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
  });

  test("words are checked, with the nearest one", () => {
    expect(parseWords("--mode", "sync, async", ["sync", "async"])).toEqual(["sync", "async"]);
    expect(() => parseWords("--scenario", "pubish", SCENARIOS)).toThrow(/did you mean publish/);
  });
});

describe("comparing runs", () => {
  test("pairs equal measurements, whatever their order and number of messages", () => {
    const before = documentOf([resultOf({ scenario: "consume", rate: 10 }), resultOf({ rate: 500, p99Ms: 8, messages: 7 })]);
    const [change, ...rest] = compareRuns(before, documentOf([resultOf({ size: 1024 }), resultOf({})]));
    expect(change).toEqual({ key: keyOf(spec), was: 500, is: 1000, ratio: 2, p99Ratio: 0.5 });
    expect(rest).toEqual([]);
  });

  test("reads back what was written", () => {
    const document = documentOf([resultOf()]);
    expect(parseBenchDocument(JSON.stringify(document), "f")).toEqual(document);
  });

  test.each(["", "null", "{}", '{"version":2,"results":[]}', '{"version":1,"results":[null]}', '{"version":1,"results":[{"rate":"1"}]}'])(
    "%j is refused",
    (text) => {
      expect(() => parseBenchDocument(text, "f")).toThrow(expect.objectContaining({ code: "ERR_REPORT_FILE" }));
    },
  );
});

describe("pictures", () => {
  const results = [
    resultOf(),
    resultOf({ library: false, rate: 1500 }),
    resultOf({ scenario: "fan-out", replicas: 0, library: false, rate: 0, p99Ms: 0 }),
  ];

  test("the axis ends at a round number that nothing exceeds", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (value) => {
        const end = niceCeiling(value);
        expect(end).toBeGreaterThanOrEqual(value * 0.999);
        expect(end).toBeLessThanOrEqual(value * 2.6);
      }),
    );
    expect([niceCeiling(0), niceCeiling(-1), niceCeiling(Number.NaN), niceCeiling(3399), niceCeiling(100)]).toEqual([1, 1, 1, 5000, 100]);
  });

  test("bars grow with their figures and stay within their part, with an earlier run too", () => {
    const rate = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(rate, { minLength: 1, maxLength: 6 }), rate, (rates, old) => {
        const rows = rates.map((one, index) => resultOf({ rate: one, size: index + 1 }));
        const { shapes, width, height } = drawBench(documentOf(rows), documentOf([resultOf({ rate: old, size: 1 })]));
        for (const shape of shapes) {
          if (shape.kind !== "rect") continue;
          expect(shape.x + shape.width).toBeLessThanOrEqual(width);
          expect(shape.y + shape.height).toBeLessThanOrEqual(height);
        }
        const bars = shapes.flatMap((shape) => (shape.kind === "rect" && shape.height === 16 ? [shape.width] : []));
        const order = (values: readonly number[]) => values.map((value) => values.filter((other) => other < value - 1e-9).length);
        for (const [a, rankA] of order(rates).entries())
          for (const [b, rankB] of order(rates).entries()) if (rankA < rankB) expect(bars[a]).toBeLessThanOrEqual(bars[b] ?? 0);
      }),
      { numRuns: 40 },
    );
  });

  test("SVG has every row, its figures, and nothing unescaped", () => {
    const svg = renderSvg(drawBench(documentOf(results)));
    expect(svg).toContain("natsbus bench: stack &lt;dev&gt; &amp; more");
    for (const result of results) expect(svg).toContain(`>${labelOf(result)}</text>`);
    expect(svg).toContain(">1500</text>");
    expect(svg.match(/<[^>]*$/m)).toBeNull();
  });

  test("PNG is a file of the right size whose pixels hold the bars' colours", () => {
    const picture = drawBench(documentOf(results));
    const png = renderPng(picture);
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([picture.width * 2, picture.height * 2]);
    const length = png.readUInt32BE(33);
    const pixels = inflateSync(png.subarray(41, 41 + length));
    expect(pixels.length).toBe(picture.height * 2 * (picture.width * 2 * 3 + 1));
    expect(pixels.includes(Buffer.from([0x2f, 0x6f, 0x9f]))).toBe(true);
    expect(pixels.includes(Buffer.from([0xc9, 0x9a, 0x2e]))).toBe(true);
  });

  test("every letter a label can hold is drawn, within its box", () => {
    const letters = new Set(`${results.map(labelOf).join("")}natsbus bench: stack messages/s p99, ms (0.5x) 2026-01-02 UTC`);
    const frame = JSON.stringify(strokesOf("\u0001"));
    for (const letter of letters) {
      const strokes = strokesOf(letter);
      if (letter === " ") expect(strokes).toEqual([]);
      else expect(JSON.stringify(strokes)).not.toBe(frame);
      for (const [x, y] of strokes.flat()) expect(x >= 0 && x <= 4 && y >= 0 && y <= 7, letter).toBe(true);
    }
  });
});
