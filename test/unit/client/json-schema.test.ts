import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodePayload, encodePayload } from "../../../client/codec.ts";
import { defineSubject } from "../../../client/subject.ts";

const schema = {
  type: "object",
  properties: {
    host: { type: "string", minLength: 1 },
    at: { type: "string", format: "date-time" },
    ports: { type: "array", items: { type: "integer" } },
  },
  required: ["host"],
  additionalProperties: false,
} as const;
interface Alert {
  readonly host: string;
  readonly at?: string;
  readonly ports?: readonly number[];
}
const alert = defineSubject<Alert>("security.low.alert", schema);
const read = (text: string) => decodePayload(alert, { headers: {}, data: Buffer.from(text) });

describe("a JSON Schema", () => {
  it("validates on both sides and changes nothing", () => {
    const value = { host: "n1", at: "2026-01-02T03:04:05Z", ports: [1, 2] };
    const { payload } = encodePayload(alert, value);
    expect(read(payload.toString())).toEqual({ kind: "value", value });
    expect(() => encodePayload(alert, { host: "" })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SCHEMA" }));
  });

  it.each([
    ['{"host":1}', "host: must be string"],
    ['{"host":"secret","ports":["secret"]}', "ports.0: must be integer"],
    ['{"host":"a","at":"yesterday"}', 'at: must match format "date-time"'],
    ["{}", "payload: must have required property 'host'"],
    ["[]", "payload: must be object"],
  ])("says of %s what is wrong without its values", (text, detail) => {
    expect(read(text)).toEqual({ kind: "rejected", reason: "schema", detail });
  });

  it("never makes reading throw, whatever arrives", () => {
    fc.assert(fc.property(fc.json(), (text) => ["value", "rejected"].includes(read(text).kind)));
    const deep = { $defs: { node: { type: "array", items: { $ref: "#/$defs/node" } } }, $ref: "#/$defs/node" };
    const tree = defineSubject("a.b", deep);
    const data = Buffer.from("[".repeat(4_000) + "]".repeat(4_000));
    expect(["value", "rejected"]).toContain(decodePayload(tree, { headers: {}, data }).kind);
  });

  it("is compiled once", () => {
    expect(defineSubject("a.b", schema).schema).toBe(defineSubject("c.d", schema).schema);
  });

  it("may be of draft 7, and may have an id more than once", () => {
    const old = { $schema: "http://json-schema.org/draft-07/schema#", $id: "x", type: "array", items: [{ type: "string" }] };
    for (const copy of [old, { ...old }]) {
      const { check } = defineSubject("a.b", copy).schema;
      expect([check(["a"]).error, check([1]).error]).toEqual([undefined, "0: must be string"]);
    }
  });

  it.each([
    { type: "nonsense" },
    { typ: "string" },
    { $ref: "https://example.com/elsewhere" },
    { $async: true },
    { $schema: "https://json-schema.org/draft/2019-09/schema" },
    { pattern: "(" },
  ])("that is %o is refused when the subject is defined", (wrong) => {
    expect(() => defineSubject("a.b", wrong)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SUBJECT", path: "schema" }));
  });

  it("of any content is refused or used, and using it never throws", () => {
    const keyword = fc.constantFrom(
      "type",
      "properties",
      "required",
      "items",
      "enum",
      "minimum",
      "anyOf",
      "$ref",
      "$id",
      "format",
      "if",
      "not",
      "x",
    );
    const anything = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.json().map((text) => JSON.parse(text) as unknown),
        fc.constantFrom("string", "object", "#", "#/x"),
        tie("schema"),
      ),
      schema: fc.dictionary(keyword, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(anything.schema, fc.json(), (wrong, text) => {
        try {
          const { check } = defineSubject("a.b", wrong as Record<string, unknown>).schema;
          expect(check(JSON.parse(text))).toBeTypeOf("object");
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_CLIENT_SUBJECT" });
        }
      }),
      { numRuns: 200 },
    );
  });

  it("can be had of a zod schema too", () => {
    const typed = defineSubject("a.b", z.object({ n: z.number().default(1), at: z.date() }));
    expect(typed.schema.document()).toMatchObject({ type: "object", properties: { n: { type: "number" } }, required: ["at"] });
  });
});
