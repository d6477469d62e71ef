import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDuration, parseSize, renderDuration, renderSize } from "../../../core/units.ts";

describe("durations", () => {
  test.each([
    ["0", 0],
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5h", 5_400_000],
    ["7d", 604_800_000],
    ["3650d", 315_360_000_000],
  ])("%s", (text, ms) => {
    expect(parseDuration(text, "x")).toBe(ms);
  });

  test.each([
    "",
    "30",
    "s",
    "30 s",
    "-1s",
    "1h30m",
    "1e3s",
    ".5s",
    "0.0001s",
    "5us",
    "30S",
    "999999999999d",
    "20.001y",
    "12345678901234567890s",
  ])("refuses %j", (text) => {
    expect(() => parseDuration(text, "limits.x")).toThrow(
      expect.objectContaining({
        code: "ERR_UNIT",
        path: "limits.x",
        message: expect.stringContaining(text),
        remedy: expect.stringMatching(/./),
      }),
    );
  });

  test("every accepted duration is exact in nanoseconds as a JSON number", () => {
    const unit = fc.constantFrom("ms", "s", "m", "h", "d");
    fc.assert(
      fc.property(fc.nat(), unit, (value, suffix) => {
        let ms: number;
        try {
          ms = parseDuration(`${value}${suffix}`, "x");
        } catch {
          return;
        }
        expect(BigInt(JSON.stringify(ms * 1e6))).toBe(BigInt(ms) * 1_000_000n);
      }),
    );
  });

  test("render then parse gives the same number", () => {
    fc.assert(fc.property(fc.nat(), (ms) => void expect(parseDuration(renderDuration(ms), "x")).toBe(ms)));
    expect(renderDuration(604_800_000)).toBe("7d");
    expect(renderDuration(90_000)).toBe("90s");
  });
});

describe("sizes", () => {
  test.each([
    ["0", 0],
    ["1B", 1],
    ["64KiB", 65_536],
    ["512MB", 512_000_000],
    ["1.5GiB", 1_610_612_736],
    ["2TB", 2e12],
  ])("%s", (text, bytes) => {
    expect(parseSize(text, "x")).toBe(bytes);
  });

  test.each(["", "1", "1K", "1kb", "1 MB", "-1B", "0.3B", "9007199254740993B", "8193TiB"])("refuses %j", (text) => {
    expect(() => parseSize(text, "jetstream.x")).toThrow(expect.objectContaining({ code: "ERR_UNIT", path: "jetstream.x" }));
  });

  test("render then parse gives the same number, in the shortest text", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => void expect(parseSize(renderSize(bytes), "x")).toBe(bytes)));
    expect(renderSize(512_000_000)).toBe("512MB");
    expect(renderSize(1024 ** 3)).toBe("1GiB");
    expect(() => renderSize(-1)).toThrow(expect.objectContaining({ code: "ERR_UNIT" }));
  });
});
