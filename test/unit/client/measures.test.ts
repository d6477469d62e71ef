import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { publishDelay, reconnectDelay, retryDelay } from "../../../client/back-off.ts";
import { LatencyHistogram } from "../../../client/histogram.ts";
import { deadLetterSubject, isDeadLetterSubject, laneOf, PRIORITIES } from "../../../client/priority.ts";
import { RateMeter } from "../../../client/rate-meter.ts";
import { DEAD_LETTERS, PRIORITIES as SHIPPED } from "../../../streams/catalog.ts";

describe("the latency histogram", () => {
  it("finds quantiles at most a tenth too high", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const histogram = new LatencyHistogram();
        for (const value of values) histogram.record(value);
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(values.length * 0.95) - 1]!;
        const { count, p95Ms, minMs, maxMs } = histogram.snapshot();
        expect({ count, minMs, maxMs }).toEqual({ count: values.length, minMs: sorted[0], maxMs: sorted.at(-1) });
        expect(p95Ms).toBeGreaterThanOrEqual(exact * 0.999_999);
        expect(p95Ms).toBeLessThanOrEqual(exact * 1.1);
      }),
    );
  });

  it("is all zero without values and takes negative ones for zero", () => {
    expect(new LatencyHistogram().snapshot()).toEqual({ count: 0, meanMs: 0, minMs: 0, maxMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 });
    const histogram = new LatencyHistogram();
    histogram.record(-5);
    expect(histogram.snapshot()).toMatchObject({ count: 1, maxMs: 0, p99Ms: 0 });
  });
});

describe("the rate meter", () => {
  it("counts the last ten seconds only", () => {
    const meter = new RateMeter();
    for (let ms = 0; ms < 20_000; ms += 100) meter.mark(ms);
    expect(meter.perSecond(19_999)).toBe(10);
    expect(meter.perSecond(24_999)).toBe(5);
    expect(meter.perSecond(60_000)).toBe(0);
  });
});

describe("waits", () => {
  it("grow to a bound and are at least half fixed", () => {
    expect([0, 1, 2, 50].map((losses) => reconnectDelay(losses, 0))).toEqual([25, 50, 100, 2500]);
    expect([0, 1, 2, 50].map((attempts) => publishDelay(attempts, 1))).toEqual([25, 50, 100, 1000]);
    expect([1, 2, 3].map((failures) => retryDelay([10, 20], failures))).toEqual([10, 20, 20]);
    expect(retryDelay([], 1)).toBe(0);
  });
});

describe("lanes", () => {
  it("are those of the streams this project ships", () => {
    expect(PRIORITIES).toEqual(SHIPPED);
    expect(isDeadLetterSubject(`security.${DEAD_LETTERS}.alert`)).toBe(true);
  });

  it.each([
    ["security.critical.alert", "critical", "security.dead.alert"],
    ["security.low.disk.full", "low", "security.dead.disk.full"],
    ["orders.created", "normal", "orders.dead.created"],
    ["orders.eu.created", "normal", "orders.dead.eu.created"],
    ["orders", "normal", "orders.dead"],
  ])("%s is in lane %s and its dead letters go to %s", (subject, lane, dead) => {
    expect([laneOf(subject), deadLetterSubject(subject)]).toEqual([lane, dead]);
    expect(isDeadLetterSubject(dead)).toBe(true);
    expect(isDeadLetterSubject(subject)).toBe(false);
  });
});
