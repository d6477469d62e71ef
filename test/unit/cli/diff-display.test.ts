import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderChanges } from "../../../cli/reporters/changes.ts";
import { renderStepDiff } from "../../../cli/reporters/diff.ts";
import { diffObjects, hasChanges, type JsonObject } from "../../../cli/reporters/object-diff.ts";
import { createPalette, stripEscapes } from "../../../cli/reporters/palette.ts";
import { objectLines } from "../../../cli/reporters/values.ts";
import type { StepEventMetadata } from "../../../engine/events.ts";

const palette = createPalette(false);
const URN = "urn:pulumi:dev::natsbus::natsbus:components:MessageBus$pulumi-nodejs:dynamic/natsbus/streams:Stream::ORDERS";

function step(
  op: StepEventMetadata["op"],
  old: JsonObject | null,
  current: JsonObject | null,
  more: Partial<StepEventMetadata> = {},
): StepEventMetadata {
  const type = "pulumi-nodejs:dynamic/natsbus/streams:Stream";
  const side = (bag: JsonObject | null, id: string) =>
    bag === null ? null : { type, urn: URN, id, parent: "", provider: "", inputs: bag, outputs: bag };
  return {
    op,
    urn: URN,
    type,
    old: side(old, "ORDERS"),
    new: side(current, ""),
    keys: null,
    diffs: null,
    detailedDiff: null,
    logical: true,
    provider: "urn:p::id",
    ...more,
  };
}

const OLD = { __provider: "text", name: "ORDERS", maxAge: "7d", limits: { a: 1, b: [1, 2], gone: "x" } };
const NEW = { __provider: "text 2", name: "ORDERS", maxAge: "3d", limits: { a: 1, b: [1, 3], come: null } };

describe("renderStepDiff", () => {
  test("an update names exactly what differs, old => new", () => {
    expect(renderStepDiff({ metadata: step("update", OLD, NEW), depth: 0 }, palette)).toMatchInlineSnapshot(`
      "  ~ pulumi-nodejs:dynamic/natsbus/streams:Stream: (update)
              [id=ORDERS]
              [urn=urn:pulumi:dev::natsbus::natsbus:components:MessageBus$pulumi-nodejs:dynamic/natsbus/streams:Stream::ORDERS]
              [provider=urn:p::id]
            ~ limits: {
                ~ b   : [
                    ~ [1]: 2 => 3
                  ]
                + come: <null>
                - gone: "x"
              }
            ~ maxAge: "7d" => "3d""
    `);
  });

  test("a creation shows all inputs, a replacement what forces it", () => {
    expect(renderStepDiff({ metadata: step("create", null, { name: "ORDERS", secret: "[secret]" }), depth: 0 }, palette)).toContain(
      "      + secret: [secret]",
    );
    expect(renderStepDiff({ metadata: step("replace", OLD, NEW, { keys: ["maxAge"] }), depth: 1 }, palette)).toContain(
      "[replaces: maxAge]",
    );
  });
});

describe("renderChanges", () => {
  test("names updates only, and drift without a difference of inputs", () => {
    const steps = [
      step("create", null, NEW),
      step("same", OLD, OLD),
      step("update", OLD, { ...OLD, maxAge: "3d" }),
      step("update", OLD, OLD),
    ];
    const text = renderChanges({ steps, drift: [] }, palette);
    expect(text).toMatchInlineSnapshot(`
      "Changes:
        ~ pulumi-nodejs:dynamic/natsbus/streams:Stream ORDERS
            ~ maxAge: "7d" => "3d"
        ~ pulumi-nodejs:dynamic/natsbus/streams:Stream ORDERS
              what is there differs from what was last written
      "
    `);
  });

  test("does not call drift what may be a changed secret", () => {
    const hidden = { ...OLD, connection: "[secret]" };
    expect(renderChanges({ steps: [step("update", hidden, hidden)], drift: [] }, palette)).toContain(
      "a secret property differs, or what is there differs from what was last written",
    );
  });

  test("names what drifted and what is gone", () => {
    const drift = [step("refresh", OLD, { ...OLD, maxAge: "1d" }), step("delete", OLD, null), step("refresh", OLD, OLD)];
    expect(renderChanges({ steps: [], drift }, palette)).toMatchInlineSnapshot(`
      "Changes:
        - pulumi-nodejs:dynamic/natsbus/streams:Stream ORDERS is gone
        ~ pulumi-nodejs:dynamic/natsbus/streams:Stream ORDERS
            ~ maxAge: "7d" => "1d"
      "
    `);
  });

  test("is nothing when nothing changes", () => expect(renderChanges({ steps: [step("same", OLD, OLD)], drift: [] }, palette)).toBe(""));
});

const json = fc.jsonValue() as fc.Arbitrary<JsonObject[string]>;
const bag = fc.dictionary(
  fc.string().filter((key) => key !== "__proto__"),
  json,
);

describe("object differences", () => {
  test("a bag does not differ from itself, and hiding what is the same leaves nothing", () => {
    fc.assert(
      fc.property(bag, (value) => {
        const diff = diffObjects(value, structuredClone(value));
        expect(hasChanges(diff)).toBe(false);
        expect(objectLines(diff, 4, { palette, hideSame: true })).toEqual([]);
      }),
    );
  });

  test("what is added one way is deleted the other way", () => {
    fc.assert(
      fc.property(bag, bag, (left, right) => {
        const opposite = { add: "delete", delete: "add", update: "update", same: "same" } as const;
        const there = [...diffObjects(left, right)].map(([key, { kind }]) => [key, kind]);
        const back = [...diffObjects(right, left)].map(([key, { kind }]) => [key, opposite[kind]]);
        expect(there).toEqual(back);
      }),
    );
  });

  test("colours change nothing but colours", () => {
    fc.assert(
      fc.property(bag, bag, (left, right) => {
        const lines = (colored: boolean) => objectLines(diffObjects(left, right), 4, { palette: createPalette(colored) }).join("\n");
        expect(stripEscapes(lines(true))).toBe(stripEscapes(lines(false)));
      }),
    );
  });
});
