import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nameProblem, subjectCovers, subjectProblem, subjectsOverlap } from "../../../core/names.ts";
import { nearestWord } from "../../../core/nearest.ts";

const token = fc.constantFrom("a", "b", "*");
const pattern = fc
  .tuple(fc.array(token, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."));
// Every literal subject over the tokens above, plus one that only wildcards match.
const literals = [1, 2, 3, 4, 5, 6].flatMap((length) =>
  Array.from({ length: 3 ** length }, (_, index) =>
    Array.from({ length }, (_, place) => "abc"[Math.floor(index / 3 ** place) % 3]).join("."),
  ),
);

function matches(subject: string, literal: string): boolean {
  const expression = subject
    .split(".")
    .map((part) => (part === "*" ? "[^.]+" : part === ">" ? ".+" : part))
    .join("\\.");
  return new RegExp(`^${expression}$`).test(literal);
}

describe("subjects", () => {
  test("overlap exactly when some literal subject matches both", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        expect(subjectsOverlap(a, b)).toBe(literals.some((literal) => matches(a, literal) && matches(b, literal)));
        expect(subjectsOverlap(b, a)).toBe(subjectsOverlap(a, b));
      }),
      { numRuns: 300 },
    );
  });

  test("cover exactly when every literal subject of the inner one matches the outer one", () => {
    fc.assert(
      fc.property(pattern, pattern, (outer, inner) => {
        expect(subjectCovers(outer, inner)).toBe(
          literals.filter((literal) => matches(inner, literal)).every((literal) => matches(outer, literal)),
        );
      }),
      { numRuns: 300 },
    );
  });

  test.each(["orders", "orders.new", "orders.*.eu", "orders.>", ">", "*", "$KV.settings.>", "größe.ß"])("accepts %s", (subject) => {
    expect(subjectProblem(subject)).toBeUndefined();
  });

  test.each([
    ["", /empty/],
    [".a", /empty token/],
    ["a..b", /empty token/],
    ["a.", /empty token/],
    ["a b", /white space/],
    ["a.\u0000", /white space/],
    ["a.>.b", /last token only/],
    ["orders*", /whole tokens/],
    ["a.b>", /whole tokens/],
  ])("refuses %j", (subject, why) => {
    expect(subjectProblem(subject)).toMatch(why);
  });

  test("a subject to publish to has no wildcard", () => {
    expect(subjectProblem("a.*", { wildcards: false })).toMatch(/literal subject/);
    expect(subjectProblem("a.b", { wildcards: false })).toBeUndefined();
  });
});

describe("names", () => {
  test.each([
    ["stream", "ORDERS-eu_1"],
    ["consumer", "worker$1"],
    ["bucket", "settings"],
    ["server", "n1"],
  ] as const)("accepts the %s %s", (kind, name) => {
    expect(nameProblem(kind, name)).toBeUndefined();
  });

  test.each([
    ["stream", ""],
    ["stream", "a.b"],
    ["stream", "a b"],
    ["stream", "a/b"],
    ["stream", "a\\b"],
    ["stream", "a*"],
    ["stream", "x".repeat(256)],
    ["consumer", "a>"],
    ["bucket", "a$b"],
    ["cluster", "my bus"],
  ] as const)("refuses the %s %j and says what is allowed", (kind, name) => {
    expect(nameProblem(kind, name)).toMatch(/allowed/);
  });
});

describe("nearestWord", () => {
  const words = ["maxConnections", "maxPayload", "pingInterval", "cpu"];
  test.each([
    ["maxConection", "maxConnections"],
    ["MAXPAYLOAD", "maxPayload"],
    ["pingIntreval", "pingInterval"],
    ["ping", "pingInterval"],
    ["cup", "cpu"],
    ["tls", undefined],
    ["", undefined],
  ])("%s", (word, nearest) => {
    expect(nearestWord(word, words)).toBe(nearest);
  });
});
