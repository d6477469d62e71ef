import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodePayload, encodePayload } from "../../../client/codec.ts";
import { defineSubject, resolveSubject, type SubjectArgs } from "../../../client/subject.ts";

const schema = z.object({ host: z.string(), count: z.number().default(1) });
const subjectOf = (args: SubjectArgs = {}) => defineSubject("security.critical.alert", schema, { schemaId: "alert", version: 3, ...args });
const read = (subject: ReturnType<typeof subjectOf>, data: string | Uint8Array, headers: Record<string, string> = {}) =>
  decodePayload(subject, { headers, data: typeof data === "string" ? Buffer.from(data) : data });
const version = (text: string) => ({ "Natsbus-Schema": "alert", "Natsbus-Schema-Version": text });

describe("a payload", () => {
  it("comes back as it was written, with the schema's defaults", () => {
    fc.assert(
      fc.property(fc.record({ host: fc.string(), count: fc.integer() }), (value) => {
        const { payload, headers } = encodePayload(subjectOf(), value);
        expect(read(subjectOf(), payload, headers)).toEqual({ kind: "value", value });
      }),
    );
    expect(read(subjectOf(), encodePayload(subjectOf(), { host: "a" }).payload)).toEqual({ kind: "value", value: { host: "a", count: 1 } });
  });

  it("is transformed once, for the consumer", () => {
    const dated = defineSubject("a.b", z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }));
    const { payload, headers } = encodePayload(dated, { at: "2026-01-02T03:04:05Z" });
    const decoded = decodePayload(dated, { headers, data: payload });
    expect(decoded).toEqual({ kind: "value", value: { at: new Date("2026-01-02T03:04:05Z") } });
  });

  it("never makes reading throw, whatever arrives", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.dictionary(fc.constantFrom("Natsbus-Schema", "Natsbus-Schema-Version"), fc.string()),
        (data, headers) => {
          expect(["value", "skip", "rejected"]).toContain(read(subjectOf(), data, headers).kind);
        },
      ),
    );
    const failing = defineSubject(
      "a.b",
      z.string().refine(() => {
        throw new Error("broken rule");
      }),
    );
    expect(decodePayload(failing, { headers: {}, data: Buffer.from('"x"') })).toMatchObject({ reason: "schema" });
  });

  it.each([
    ["no JSON", "{", {}, "malformed"],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), {}, "malformed"],
    ["a wrong type", '{"host":1}', {}, "schema"],
    ["a newer version", '{"host":"a"}', version("4"), "version"],
    ["an older version", '{"host":"a"}', version("2"), "version"],
    ["no version", '{"host":"a"}', version("new"), "version"],
    ["another schema", '{"host":"a"}', { "Natsbus-Schema": "metric" }, "version"],
    ["too many bytes", JSON.stringify({ host: "x".repeat(100) }), {}, "size"],
  ])("with %s is rejected for that reason", (_, data, headers, reason) => {
    expect(read(subjectOf({ maxSize: "64B" }), data, headers)).toMatchObject({ kind: "rejected", reason });
  });

  it("does not show its values in a refusal", () => {
    expect(JSON.stringify(read(subjectOf(), '{"host":{"password":"hunter2"}}'))).not.toContain("hunter2");
    expect(() => encodePayload(subjectOf(), { host: 1 } as unknown as { host: string })).toThrow(/host: Invalid input/);
  });

  it("cannot be published when it has no JSON form or is too large", () => {
    const loose = defineSubject("a.b", z.unknown(), { maxSize: "10B" });
    expect(() => encodePayload(loose, 1n)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SCHEMA" }));
    expect(() => encodePayload(loose, undefined)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SCHEMA" }));
    expect(() => encodePayload(loose, "x".repeat(9))).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SIZE" }));
    expect(encodePayload(loose, "x".repeat(8)).payload).toHaveLength(10);
  });
});

describe("a version the consumer does not have", () => {
  const steps = { 1: (old: unknown) => ({ host: old }), 2: (old: unknown) => ({ ...(old as object), count: 9 }) };

  it("is brought up to date step by step", () => {
    expect(read(subjectOf({ upgrades: steps }), '"n1"', version("1"))).toEqual({ kind: "value", value: { host: "n1", count: 9 } });
    expect(read(subjectOf({ upgrades: steps }), '{"host":"n2"}', version("2"))).toEqual({ kind: "value", value: { host: "n2", count: 9 } });
  });

  it("is rejected when an upgrade is missing or fails", () => {
    const failing = () => {
      throw new Error("no host");
    };
    expect(read(subjectOf({ upgrades: { 1: steps[1] } }), '"n1"', version("1"))).toMatchObject({ reason: "version" });
    expect(read(subjectOf({ upgrades: { 2: failing } }), "{}", version("2"))).toMatchObject({
      reason: "version",
      detail: expect.stringContaining("no host"),
    });
  });

  it("is tried or skipped when the policy says so", () => {
    expect(read(subjectOf({ unknownVersions: "skip" }), "{", version("9"))).toEqual({ kind: "skip" });
    expect(read(subjectOf({ unknownVersions: "validate" }), '{"host":"a"}', version("9"))).toMatchObject({ kind: "value" });
    expect(read(subjectOf({ unknownVersions: "validate" }), "{}", version("9"))).toMatchObject({ reason: "schema" });
  });
});

describe("a subject definition", () => {
  it.each([
    ["a..b", {}],
    ["a.b*", {}],
    ["a.b", { version: 0 }],
    ["a.b", { version: 1.5 }],
    ["a.b", { schemaId: "two\nlines" }],
  ])("refuses %s %o", (pattern, args) => {
    expect(() => defineSubject(pattern, z.string(), args)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SUBJECT" }));
  });

  it("refuses a policy that does not exist", () => {
    const wrong = { unknownVersions: "drop" as "skip" };
    expect(() => defineSubject("a.b", z.string(), wrong)).toThrow(
      expect.objectContaining({ code: "ERR_CLIENT_OPTION", path: "unknownVersions" }),
    );
  });

  it.each([
    ["a.b", {}, "a.b"],
    ["a.*.c", { priority: "high" as const }, "a.high.c"],
    ["a.low.c", { priority: "low" as const }, "a.low.c"],
    ["a.>", { subject: "a.b.c" }, "a.b.c"],
  ])("%s with %o goes to %s", (pattern, choice, subject) => {
    expect(resolveSubject(pattern, choice)).toBe(subject);
  });

  it.each([
    ["a.*.c", {}],
    ["a.low.c", { priority: "high" as const }],
    ["a.event.c", { priority: "high" as const }],
    ["a.*.c", { subject: "a.b.d" }],
    ["a.*.c", { subject: "a.*.c" }],
  ])("%s with %o has no place to go", (pattern, choice) => {
    expect(() => resolveSubject(pattern, choice)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_SUBJECT" }));
  });
});
