/** The cases of burn-rate alerts: how fast the budget goes, and how fast it may go without a word. */
import { growing, steady, type TestSeries } from "./baseline.ts";

/** Ten thousand publishes a sample, of which some fail and some are slow. */
export function publishes({ failing = 0, slow = 0, rate = 10_000 }: { failing?: number; slow?: number; rate?: number }): TestSeries[] {
  const labels = { nats_cluster: "bus", job: "natsbus-probe", server_id: "bus-1" };
  const one = (name: string, more: Record<string, string>, share: number): TestSeries => ({
    name,
    labels: { ...labels, ...more },
    values: share === 0 ? steady(0) : growing(0, Number((share * rate).toFixed(6))),
  });
  return [
    one("nats_client_publish_total", { result: "ok" }, 1 - failing),
    one("nats_client_publish_total", { result: "error" }, failing),
    one("nats_client_publish_duration_seconds_bucket", { le: "0.05" }, 1 - slow),
    one("nats_client_publish_duration_seconds_count", {}, 1),
  ];
}

/** A pace at which the error budget goes. */
export interface Burn {
  readonly what: string;
  /** `alert/severity/window`. */
  readonly alert: string;
  /** After which it must fire. */
  readonly minutes: number;
  /** Makes it fire. */
  readonly fast: TestSeries[];
  /** Must leave it silent. */
  readonly slower: TestSeries[];
}

/** Alert on publishes that fail. */
export const AVAILABILITY = "NatsSloAvailabilityBurn";
const LATENCY = "NatsSloLatencyBurn";
const burn = (what: string, alert: string, minutes: number, [fast, slower]: [TestSeries[], TestSeries[]]): Burn => ({
  what,
  alert,
  minutes,
  fast,
  slower,
});

// The first rate exists after two samples, so each alert comes half a minute after its waiting time.
/** Every burn-rate alert. */
export const BURNS: readonly Burn[] = [
  burn("one publish in a hundred fails", `${AVAILABILITY}/critical/1h`, 2, [publishes({ failing: 0.01 }), publishes({ failing: 0.007 })]),
  burn("one in two hundred fails", `${AVAILABILITY}/critical/6h`, 15, [publishes({ failing: 0.005 }), publishes({ failing: 0.0029 })]),
  burn("one in five hundred fails", `${AVAILABILITY}/warning/1d`, 60, [publishes({ failing: 0.002 }), publishes({ failing: 0.0014 })]),
  burn("one in a thousand fails", `${AVAILABILITY}/warning/3d`, 180, [publishes({ failing: 0.001 }), publishes({ failing: 0.0004 })]),
  burn("a fifth is slow", `${LATENCY}/critical/1h`, 2, [publishes({ slow: 0.2 }), publishes({ slow: 0.14 })]),
  burn("a tenth is slow", `${LATENCY}/critical/6h`, 15, [publishes({ slow: 0.1 }), publishes({ slow: 0.05 })]),
  burn("four in a hundred are slow", `${LATENCY}/warning/1d`, 60, [publishes({ slow: 0.04 }), publishes({ slow: 0.025 })]),
  burn("two in a hundred are slow", `${LATENCY}/warning/3d`, 180, [publishes({ slow: 0.02 }), publishes({ slow: 0.005 })]),
];
