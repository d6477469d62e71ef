import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PassingValues, RecentValues } from "../../../client/keyed-values.ts";
import { SubjectMemo } from "../../../client/subject-memo.ts";

describe("values by key", () => {
  it("come and go as in a Map", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 100 }), (keys) => {
        const mine = new PassingValues<number, string>();
        const model = new Map<number, string>();
        for (const [at, key] of keys.entries()) {
          expect(mine.get(key)).toBe(model.get(key));
          if (model.has(key)) {
            expect(mine.take(key)).toBe(model.get(key));
            model.delete(key);
          } else {
            mine.add(key, String(at));
            model.set(key, String(at));
          }
          expect(mine.size).toBe(model.size);
          expect([...mine.all()].sort()).toEqual([...model.values()].sort());
        }
        expect(mine.take(-1)).toBeUndefined();
      }),
    );
  });

  it("are remembered up to a number, the newest of them", () => {
    const recent = new RecentValues<number>(3);
    for (let n = 1; n <= 5; n += 1) recent.add(`n${n}`, n);
    expect([1, 2, 3, 4, 5].map((n) => recent.get(`n${n}`))).toEqual([undefined, undefined, 3, 4, 5]);
    recent.add("n1", 6);
    expect([recent.get("n1"), recent.get("n3"), recent.get("n5")]).toEqual([6, undefined, 5]);
  });
});

describe("an answer about a subject", () => {
  it("is worked out once, until there are too many", () => {
    const asked: string[] = [];
    const memo = new SubjectMemo((subject) => asked.push(subject));
    for (const subject of ["a", "b", "a"]) memo.of(subject);
    expect(asked).toEqual(["a", "b"]);
    for (let n = 0; n < 1_000; n += 1) memo.of(`s${n}`);
    expect(memo.of("a")).toBe(1_003);
  });
});
