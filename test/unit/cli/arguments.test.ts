import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertArguments, parseCount, splitArguments } from "../../../cli/arguments.ts";
import { COMMON_ARGS, defineVerb } from "../../../cli/verb.ts";

const verb = defineVerb({
  name: "make",
  summary: "",
  synopsis: "[THING]",
  args: {
    ...COMMON_ARGS,
    thing: { type: "positional", required: false },
    yes: { type: "boolean", alias: "y" },
    expectNoChanges: { type: "boolean" },
  },
  examples: [],
  run: async () => 0,
});
const withCommand = defineVerb({ ...verb, takesCommand: true });

describe("assertArguments", () => {
  test.each([
    [[]],
    [["word"]],
    [["--stack", "dev", "-y", "word"]],
    [["--stack=dev", "--yes=false"]],
    [["-s", "dev", "--expect-no-changes"]],
    [["--no-yes"]],
    [["--color=never"]],
  ])("accepts %j", (words) => {
    expect(() => assertArguments(verb, words)).not.toThrow();
  });

  test.each([
    [["--stak", "dev"], "unknown option --stak; did you mean --stack?"],
    [["--nonsense"], "unknown option --nonsense"],
    [["--no-stack"], "unknown option --no-stack"],
    [["--stack"], "--stack needs a value"],
    [["--stack", "--yes"], "--stack needs a value"],
    [["--yes=perhaps"], "--yes is a switch and takes no value"],
    [["one", "two"], 'unexpected word "two"'],
    [["--", "ls"], "takes no command behind `--`"],
    [["--color=purple"], '--color is "purple"; allowed is auto, always, never'],
    [["--color", "purple", "word"], '--color is "purple"; allowed is auto, always, never'],
    [["--color", "--yes"], "--color needs a value"],
  ])("refuses %j", (words, message) => {
    expect(() => assertArguments(verb, words)).toThrow(
      expect.objectContaining({ code: "ERR_USAGE", message: expect.stringContaining(message) }),
    );
  });

  test("names the word that is missing, and where its help is", () => {
    const args = { ...COMMON_ARGS, thing: { type: "positional" }, size: { type: "positional", description: "how large" } } as const;
    const strict = defineVerb({ name: "make", summary: "", synopsis: "THING SIZE", args, examples: [], run: async () => 0 });
    expect(() => assertArguments(strict, ["one", "two"])).not.toThrow();
    expect(() => assertArguments(strict, ["one", "-"])).not.toThrow();
    expect(() => assertArguments(strict, ["--stack", "dev", "one"])).toThrow(
      expect.objectContaining({ message: "natsbus make: SIZE is missing: how large", remedy: "see `natsbus make --help`" }),
    );
  });

  test("does not miss a word that has a default", () => {
    const args = { ...COMMON_ARGS, thing: { type: "positional", default: "it" } } as const;
    const lenient = defineVerb({ name: "make", summary: "", synopsis: "[THING]", args, examples: [], run: async () => 0 });
    expect(() => assertArguments(lenient, [])).not.toThrow();
  });

  test("leaves the command behind -- alone", () => {
    expect(() => assertArguments(withCommand, ["--yes", "--", "ls", "--nonsense", "a", "b"])).not.toThrow();
  });
});

test("splitArguments cuts at the first -- only and loses nothing", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const { own, command } = splitArguments(words);
      expect(own).not.toContain("--");
      expect(words.includes("--") ? [...own, "--", ...command] : own).toEqual(words);
    }),
  );
});

describe("parseCount", () => {
  test.each([
    [undefined, undefined],
    ["1", 1],
    ["64", 64],
  ])("reads %j", (text, count) => {
    expect(parseCount("--parallel", text, { min: 1, max: 64 })).toBe(count);
  });

  test.each(["0", "65", "-1", "1.5", "x", "", "1e3"])("refuses %j", (text) => {
    expect(() => parseCount("--parallel", text, { min: 1, max: 64 })).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
  });
});
