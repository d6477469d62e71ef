import { describe, expect, test } from "vitest";
import { createInterrupts } from "../../../cli/interrupts.ts";

function press(...times: readonly number[]) {
  const heard: number[] = [];
  const interrupts = createInterrupts((count) => heard.push(count));
  for (const time of times) interrupts.press(time);
  return { heard, graceful: interrupts.cancellation.graceful.aborted, now: interrupts.cancellation.now.aborted };
}

describe("createInterrupts", () => {
  test.each([
    { times: [], expected: { heard: [], graceful: false, now: false } },
    { times: [0], expected: { heard: [1], graceful: true, now: false } },
    { times: [0, 3, 200], expected: { heard: [1], graceful: true, now: false } },
    { times: [0, 300], expected: { heard: [1, 2], graceful: true, now: true } },
    { times: [0, 300, 600], expected: { heard: [1, 2], graceful: true, now: true } },
  ])("$times", ({ times, expected }) => {
    expect(press(...times)).toEqual(expected);
  });
});
