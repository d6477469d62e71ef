import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compileJsonSchema } from "../../../client/json-schema.ts";
import type { JsonSchema } from "../../../client/schema.ts";
import { compatibilityProblems, readingProblems } from "../../../client/schema-compatibility.ts";

const json = (schema: z.ZodType) => z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
const alert = z.object({ host: z.string(), level: z.enum(["low", "high"]), port: z.int().min(1).max(100).optional() });

describe("reading one schema's data with another", () => {
  it.each<[string, z.ZodType, z.ZodType, string[]]>([
    ["the same", alert, alert, []],
    ["an optional property more", alert, alert.extend({ zone: z.string().optional() }), []],
    ["a required property more", alert, alert.extend({ zone: z.string() }), ["payload may come without zone, which is required"]],
    ["a property less", alert.extend({ zone: z.string() }), alert, []],
    [
      "a property less, and no others allowed",
      alert.extend({ zone: z.string() }),
      z.strictObject(alert.shape),
      ["zone is not accepted at all"],
    ],
    ["another type", z.object({ a: z.number() }), z.object({ a: z.string() }), ["a may be number, and string is expected"]],
    ["a number for an integer", z.int(), z.number(), []],
    ["an integer for a number", z.number(), z.int(), expect.arrayContaining(["payload may be number, and integer is expected"])],
    ["a value more", z.enum(["a"]), z.enum(["a", "b"]), []],
    ["a value less", z.enum(["a", "b"]), z.enum(["a"]), ['payload may be "b", which is not accepted']],
    ["values for any text", z.enum(["a", "b"]), z.string(), []],
    ["any text for values", z.string(), z.enum(["a"]), ["payload is limited to certain values"]],
    ["a wider range", z.number().min(1).max(5), z.number().min(0).max(9), []],
    [
      "a narrower range",
      z.number().min(1).max(5),
      z.number().min(2).max(4),
      ["payload may be below the minimum 2", "payload may be above the maximum 4"],
    ],
    ["a longer text", z.string().min(3), z.string().min(4), ["payload may be below the minLength 4"]],
    ["null as well", z.string(), z.string().nullable(), []],
    ["null no more", z.string().nullable(), z.string(), ["payload may be null, and string is expected"]],
    [
      "other items",
      z.array(z.object({ a: z.string() })),
      z.array(z.object({ a: z.int() })),
      expect.arrayContaining([expect.stringContaining("[].a may be string")]),
    ],
    ["a choice more", z.union([z.string(), z.boolean()]), z.union([z.string(), z.boolean(), z.null()]), []],
    [
      "a choice less",
      z.union([z.string(), z.boolean()]),
      z.union([z.string(), z.null()]),
      ["payload may be boolean, and string or null is expected"],
    ],
    ["another pattern", z.string().regex(/^a/), z.string().regex(/^b/), ["payload has another pattern"]],
    ["another format", z.string(), z.iso.date(), expect.arrayContaining(["payload has another format"])],
  ])("%s", (_, writer, reader, problems) => {
    expect(readingProblems(json(writer), json(reader))).toEqual(problems);
  });

  it("looks at choices as a whole and at what stands beside them", () => {
    const [a, b] = [
      { properties: { a: { type: "string" } }, required: ["a"] },
      { properties: { b: { type: "string" } }, required: ["b"] },
    ];
    expect(readingProblems(a, { anyOf: [a, b] })).toEqual([]);
    expect(readingProblems({ anyOf: [a, b] }, a)).toEqual(["payload may come without a, which is required"]);
    expect(readingProblems({ type: "object" }, { anyOf: [a, b] })).toEqual(["payload fits none of the choices"]);
    expect(readingProblems(a, { anyOf: [a, b], required: ["c"] })).toEqual(["payload may come without c, which is required"]);
    const beside = { $ref: "#/$defs/x", required: ["c"], $defs: { x: a } };
    expect(readingProblems(a, beside)).toEqual(["payload may come without c, which is required"]);
    expect(readingProblems({ type: "object" }, beside)).toHaveLength(2);
  });

  it("follows references, also of schemas that contain themselves", () => {
    const tree = (extra: object) => ({
      $ref: "#/$defs/t",
      $defs: { t: { type: "object", properties: { left: { $ref: "#/$defs/t" }, ...extra } } },
    });
    expect(readingProblems(tree({}), tree({ name: { type: "string" } }))).toEqual([]);
    expect(readingProblems(tree({ name: { type: "number" } }), tree({ name: { type: "string" } }))).toEqual([
      "name may be number, and string is expected",
    ]);
    expect(readingProblems({ $ref: "#/nowhere" }, { type: "string" })).toEqual(["payload a reference leads nowhere"]);
  });

  it("is never promised when a sample shows otherwise", () => {
    const leaf = fc.oneof(
      fc.record({ type: fc.constantFrom("string", "number", "integer", "boolean", "null") }),
      fc.record({ type: fc.constant("integer"), minimum: fc.integer({ min: -3, max: 3 }), maximum: fc.integer({ min: 0, max: 6 }) }),
      fc.record({ type: fc.constant("string"), minLength: fc.nat(3) }),
      fc.record({ enum: fc.uniqueArray(fc.constantFrom("a", "bb", 1, 2, null), { minLength: 1 }) }),
    );
    const object = fc.record({
      type: fc.constant("object"),
      properties: fc.dictionary(fc.constantFrom("x", "y"), leaf, { noNullPrototype: true }),
      required: fc.uniqueArray(fc.constantFrom("x", "y")),
    });
    const schema = fc.oneof(leaf, object) as fc.Arbitrary<JsonSchema>;
    const scalar = fc.constantFrom<unknown>("", "a", "bb", "cccc", 0, 1, 2, 5, -2, 1.5, null, true);
    const sample = fc.oneof(scalar, fc.dictionary(fc.constantFrom("x", "y"), scalar, { noNullPrototype: true }));
    fc.assert(
      fc.property(schema, schema, fc.array(sample, { minLength: 10, maxLength: 30 }), (writer, reader, values) => {
        fc.pre(readingProblems(writer, reader).length === 0);
        // Properties the writer does not name are taken as not sent.
        const named = Object.keys((writer["properties"] ?? {}) as object);
        const sent = values.filter(
          (value) => typeof value !== "object" || value === null || Object.keys(value).every((name) => named.includes(name)),
        );
        const [write, read] = [compileJsonSchema(writer), compileJsonSchema(reader)];
        for (const value of sent)
          if (write.check(value).error === undefined) expect([value, read.check(value).error]).toEqual([value, undefined]);
      }),
      { numRuns: 300 },
    );
  });
});

it("asks of each kind of compatibility its own direction", () => {
  const more = json(alert.extend({ zone: z.string() }));
  const counts = (["backward", "forward", "full", "none"] as const).map((kind) => compatibilityProblems(json(alert), more, kind).length);
  expect(counts).toEqual([1, 0, 1, 0]);
  expect(compatibilityProblems(more, json(alert), "forward")).toEqual([
    "old consumers, new messages: payload may come without zone, which is required",
  ]);
});
