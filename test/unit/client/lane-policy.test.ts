import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolveConsume } from "../../../client/consume-args.ts";
import { LanePolicy } from "../../../client/lane-policy.ts";

describe("a lane policy", () => {
  it("never exceeds the concurrency, nor what the lower lanes may take", () => {
    const readiness = fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.nat(7),
        readiness,
        fc.option(fc.constant([5, 2, 1]), { nil: undefined }),
        (concurrency, free, turns, weights) => {
          const reserved = Math.min(free, concurrency - 1);
          const policy = new LanePolicy({ concurrency, reserved, weights });
          const running = [0, 0, 0];
          for (const ready of turns) {
            const lane = policy.pick(ready, running);
            if (lane === undefined) continue;
            expect(ready[lane]).toBe(true);
            running[lane]! += 1;
          }
          expect(running[0]! + running[1]! + running[2]!).toBeLessThanOrEqual(concurrency);
          expect(running[1]! + running[2]!).toBeLessThanOrEqual(concurrency - reserved);
        },
      ),
    );
  });

  it("takes the most urgent lane when it is strict", () => {
    const policy = new LanePolicy({ concurrency: 4, reserved: 1 });
    expect(policy.pick([true, true], [0, 0])).toBe(0);
    expect(policy.pick([false, true], [0, 2])).toBe(1);
    expect(policy.pick([false, true], [0, 3])).toBeUndefined();
    expect(policy.pick([true, true], [0, 3])).toBe(0);
    expect(policy.pick([true, true], [1, 3])).toBeUndefined();
  });

  it("gives each lane its share, in every stretch of turns, when it is weighted", () => {
    const policy = new LanePolicy({ concurrency: 1, reserved: 0, weights: [5, 2, 1] });
    const turns = Array.from({ length: 80 }, () => policy.pick([true, true, true], [0, 0, 0]));
    for (let start = 0; start < 80; start += 8) {
      const stretch = turns.slice(start, start + 8);
      expect([0, 1, 2].map((lane) => stretch.filter((turn) => turn === lane).length)).toEqual([5, 2, 1]);
    }
  });
});

describe("options of a worker", () => {
  const routes = [{ pattern: "a", open: () => ({ kind: "skip" }) as const }];

  it("have defaults that fit together", () => {
    const { backOffMs, maxAttempts, orderBy, weights, ...rest } = resolveConsume({ stream: "S", consumer: "c", routes });
    expect([backOffMs, maxAttempts, orderBy, weights]).toEqual([undefined, undefined, undefined, undefined]);
    expect(rest).toMatchObject({
      lanes: [{ consumer: "c" }],
      reserved: 0,
      concurrency: 16,
      prefetch: { least: 32, most: 256 },
      handlerMs: 300_000,
      skipsUnrouted: false,
    });
    expect(rest.deadLetterSubject("a.low.b")).toBe("a.dead.b");
  });

  it("order lanes by priority, whatever the order they are written in", () => {
    const spec = resolveConsume({ stream: "S", lanes: { low: "l", critical: "c" }, serve: { critical: 3 }, routes });
    expect(spec).toMatchObject({ lanes: [{ consumer: "c" }, { consumer: "l" }], weights: [3, 1], reserved: 1 });
    expect(resolveConsume({ stream: "S", lanes: { low: "l" }, routes, concurrency: 1 }).reserved).toBe(0);
  });

  it.each([
    { consumer: "c", concurrency: 0 },
    { consumer: "c", prefetch: 0.5 },
    { consumer: "c", maxAttempts: 0 },
    { consumer: "c", unrouted: "drop" as "skip" },
    { lanes: {} },
    { lanes: { low: "l" }, reserved: 16 },
    { lanes: { low: "l" }, serve: { low: 0 } },
  ])("are refused when they cannot work: %o", (args) => {
    expect(() => resolveConsume({ stream: "S", routes, ...args })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_OPTION" }));
  });
});
