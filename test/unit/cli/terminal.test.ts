import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { askLine } from "../../../cli/terminal.ts";

/** A terminal on which somebody types. */
function typed(keys: string | undefined): { readonly input: PassThrough; readonly output: PassThrough } {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true });
  setImmediate(() => (keys === undefined ? input.end() : input.write(keys)));
  return { input, output };
}

test.each([
  ["a line", "yes\r", "yes"],
  ["an empty line", "\r", ""],
  ["the end of the input by Ctrl-D", "\u0004", ""],
  ["the end of the input", undefined, ""],
])("an answer is %s", async (_what, keys, answer) => {
  expect(await askLine(typed(keys), "Go on? ")).toBe(answer);
});

test("Ctrl-C is no answer", async () => {
  await expect(askLine(typed("ye\u0003"), "Go on? ")).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
});
