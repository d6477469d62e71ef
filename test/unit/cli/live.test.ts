import { describe, expect, test } from "vitest";
import { arrangeTree, renderFrame } from "../../../cli/reporters/live.ts";
import { createPalette } from "../../../cli/reporters/palette.ts";
import { createRowTable } from "../../../cli/reporters/rows.ts";
import type { EngineEvent, StepOp } from "../../../engine/events.ts";

const palette = createPalette(false);
const STACK = "urn:pulumi:dev::natsbus::pulumi:pulumi:Stack::natsbus-dev";
const BUS = "urn:pulumi:dev::natsbus::natsbus:components:MessageBus::bus";

function child(name: string): string {
  return `urn:pulumi:dev::natsbus::natsbus:components:MessageBus$a:b:Stream::${name}`;
}

function pre(urn: string, op: StepOp, parent: string): EngineEvent {
  const side = { type: "", urn, id: "", parent, provider: "", inputs: {}, outputs: {} };
  return {
    sequence: 0,
    timestamp: 0,
    resourcePreEvent: { metadata: { op, urn, type: "", old: null, new: side, keys: null, diffs: null, detailedDiff: null, provider: "" } },
  };
}

function done(event: EngineEvent): EngineEvent {
  if (!("resourcePreEvent" in event)) throw new Error("not a begin");
  return { sequence: 0, timestamp: 0, resOutputsEvent: event.resourcePreEvent };
}

function frame(
  events: readonly EngineEvent[],
  options: { readonly lines?: number; readonly columns?: number; readonly ended?: boolean } = {},
): string {
  const table = createRowTable(STACK);
  events.forEach((event, index) => void table.apply(event, index * 1000));
  const view = {
    preview: false,
    refresh: false,
    ended: options.ended ?? false,
    nowMs: 5000,
    size: { columns: options.columns ?? 120, lines: options.lines ?? 40 },
  };
  return renderFrame(arrangeTree(table.rows), { palette, preview: false }, view).join("\n");
}

const RUN = [
  pre(STACK, "same", ""),
  pre(BUS, "create", STACK),
  pre(child("A"), "create", BUS),
  pre(child("B"), "same", BUS),
  done(pre(child("A"), "create", BUS)),
];

describe("the live table", () => {
  test("is a tree below the stack without unchanged leaves", () => {
    const progress: EngineEvent = { sequence: 0, timestamp: 0, progressEvent: { urn: BUS, message: "waiting for a meta leader" } };
    expect(frame([...RUN, pre(child("C"), "update", BUS), progress])).toMatchInlineSnapshot(`
      "     Type                              Name         Status         Info
           pulumi:pulumi:Stack               natsbus-dev  running
       +   └─ natsbus:components:MessageBus  bus          creating (4s)  waiting for a meta leader
       +      ├─ a:b:Stream                  A            created (2s)
       ~      └─ a:b:Stream                  C            updating (0s)"
    `);
  });

  test("fits the terminal: lines are cut, ended rows left out first", () => {
    const text = frame([...RUN, pre(child("C"), "update", BUS)], { lines: 5, columns: 40 });
    expect(text.split("\n").length).toBeLessThanOrEqual(5);
    expect(text).toContain("… 2 more");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(40);
  });

  test("counts messages when it has ended", () => {
    const error: EngineEvent = {
      sequence: 0,
      timestamp: 0,
      diagnosticEvent: { urn: child("A"), prefix: "error: ", message: "no room\n", color: "never", severity: "error" },
    };
    expect(frame([...RUN, error])).toContain("error: no room");
    expect(frame([...RUN, error], { ended: true })).toMatch(/A +\*\*creating failed \(2s\)\*\* +1 error/);
  });

  test("has what a change costs below its row, in the last frame of a plan alone", () => {
    const event = pre(child("C"), "update", BUS);
    if (!("resourcePreEvent" in event)) throw new Error("not a begin");
    const { metadata } = event.resourcePreEvent;
    const table = createRowTable(STACK);
    const noted: EngineEvent = { ...event, resourcePreEvent: { metadata: { ...metadata, notes: ["deletes the 3 oldest messages"] } } };
    for (const one of [...RUN, noted]) table.apply(one, 0);
    const view = { refresh: false, nowMs: 0, size: { columns: 40, lines: 40 } };
    const text = (preview: boolean, ended: boolean): string[] =>
      renderFrame(arrangeTree(table.rows), { palette, preview }, { ...view, preview, ended });
    expect(text(true, true).at(-1)).toBe("      deletes the 3 oldest messages");
    for (const other of [text(true, false), text(false, true)]) expect(other.join("\n")).not.toContain("deletes");
  });
});
