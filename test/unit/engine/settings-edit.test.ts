import { describe, expect, it } from "vitest";
import { editSetting } from "../../../engine/settings-edit.ts";

const FILE = `# dev
config:
  bus:tight: [1, 2]
  # how many
  bus:servers: 3 # three

  bus:loose: { a: [ 1 ], b: 2 }
  bus:deep:
    a:   1
    # inside
    b: 2
  # of the next
  bus:end: x
`;

describe("one setting of a file", () => {
  it.each<[string, string, unknown, readonly [string, string]]>([
    ["replaces a value and keeps its comment", "bus:servers", "5", ["  bus:servers: 3 #", '  bus:servers: "5" #']],
    [
      "becomes a block",
      "bus:servers",
      { a: [1], b: "x" },
      ["bus:servers: 3 # three\n", "bus:servers: # three\n    a:\n      - 1\n    b: x\n"],
    ],
    ["replaces a block", "bus:deep", { level: "info" }, ["    a:   1\n    # inside\n    b: 2\n", "    level: info\n"]],
    ["is added at the end", "bus:new", { secure: "v1:x" }, ["bus:end: x\n", "bus:end: x\n  bus:new:\n    secure: v1:x\n"]],
    ["is removed", "bus:loose", undefined, ["  bus:loose: { a: [ 1 ], b: 2 }\n", ""]],
    ["that is not there is removed without a change", "bus:gone", undefined, ["", ""]],
  ])("%s, and every other line stays", (_what, key, value, [before, after]) => {
    expect(editSetting(FILE, key, value)).toBe(FILE.replace(before, after));
  });

  it.each<[string, string, unknown, string]>([
    ["an empty file", "", "x", "config:\n  bus:a: x\n"],
    ["a file without settings", "encryptionsalt: v1:x\n", { b: 1 }, "encryptionsalt: v1:x\nconfig:\n  bus:a:\n    b: 1\n"],
    ["settings on one line", "config: { bus:b: 1 }\n", "x", "config: { bus:b: 1, bus:a: x }\n"],
    ["a file without a last line end", "config:\n  bus:b: 1", "x", "config:\n  bus:b: 1\n  bus:a: x"],
    ["the only setting, removed", "config:\n  bus:a: 1\n", undefined, "config: {}\n"],
  ])("goes into %s", (_what, text, value, expected) => {
    expect(editSetting(text, "bus:a", value)).toBe(expected);
  });
});
