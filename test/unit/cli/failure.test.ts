import { describe, expect, test } from "vitest";
import { describeFailure } from "../../../cli/failure.ts";
import { createPalette } from "../../../cli/reporters/palette.ts";
import { BusError } from "../../../core/errors.ts";

const plain = createPalette(false);

describe("describeFailure", () => {
  test("a known failure tells message, place, remedy and code", () => {
    const error = new BusError("ERR_UNIT", '"3x" is no duration', { path: "streams.A.maxAge", remedy: 'write "3h"' });
    expect(describeFailure(error, plain)).toEqual({
      text: 'error: "3x" is no duration\n  at streams.A.maxAge\n  write "3h"\n  [ERR_UNIT]\n',
      document: { error: { code: "ERR_UNIT", message: '"3x" is no duration', path: "streams.A.maxAge", remedy: 'write "3h"' } },
      exitCode: 1,
    });
  });

  test.each([
    ["ERR_USAGE", 2],
    ["ERR_NO_TERMINAL", 2],
    ["ERR_CONFIG", 2],
    ["ERR_STACK_MISSING", 6],
    ["ERR_INTERRUPTED", 130],
    ["ERR_STATE_LOCKED", 1],
    ["ERR_PASSPHRASE_WRONG", 1],
  ] as const)("%s ends with exit code %i", (code, exitCode) => {
    expect(describeFailure(new BusError(code, "x"), plain).exitCode).toBe(exitCode);
  });

  test.each([new TypeError("x is not a function"), new BusError("ERR_INTERNAL", "x is not a function")])(
    "%s is called a bug, with its stack",
    (error) => {
      const failure = describeFailure(error, plain);
      expect(failure.exitCode).toBe(255);
      expect(failure.text).toMatch(/^bug: /);
      expect(failure.text).toContain("x is not a function\n    at ");
    },
  );

  test("what is no error at all is a bug too", () => {
    expect(describeFailure("text", plain)).toMatchObject({ exitCode: 255, document: { error: { code: "ERR_INTERNAL", message: "text" } } });
  });
});
