/** The service level: what share of publishes failed or was slow over several windows, and how fast the 30-day budget burns. */
import type { AlertSpec, PromDuration, RecordingSpec, Severity } from "../model.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";
import { published } from "./conditions.ts";

const FAST_WINDOWS = ["5m", "30m", "1h", "2h", "6h"] as const;
const SLOW_WINDOWS = ["1d", "3d"] as const;

/** Records that burn-rate alerts need fresh. */
export const SLO_RECORDS: readonly RecordingSpec[] = FAST_WINDOWS.flatMap(windowRecords);

/** Records over days, evaluated rarely because they read much. */
export const SLO_SLOW_RECORDS: readonly RecordingSpec[] = [
  ...SLOW_WINDOWS.flatMap(windowRecords),
  failedRecord("30d"),
  {
    record: "nats_slo:budget_left:ratio",
    expr: (_facts, { slo }) => `1 - nats_slo:publish_errors:ratio_rate30d / ${budget(slo.availability)}`,
    applies: published,
  },
  { record: "nats_slo:server_side_availability:ratio30d", expr: "avg_over_time(nats_cluster:quorum_ok:bool[30d])" },
];

interface Burn {
  readonly severity: Severity;
  readonly for: PromDuration;
  readonly long: (typeof FAST_WINDOWS)[number] | (typeof SLOW_WINDOWS)[number];
  readonly short: (typeof FAST_WINDOWS)[number];
  /** Times faster than the pace that uses the budget up in exactly 30 days. */
  readonly factor: number;
  readonly share: string;
}

// A long window decides, a short one ends the alert soon after recovery.
const BURNS: readonly Burn[] = [
  { severity: "critical", for: "2m", long: "1h", short: "5m", factor: 14.4, share: "2 % of the month's budget in an hour" },
  { severity: "critical", for: "15m", long: "6h", short: "30m", factor: 6, share: "5 % of the month's budget in six hours" },
  { severity: "warning", for: "1h", long: "1d", short: "2h", factor: 3, share: "10 % of the month's budget in a day" },
  { severity: "warning", for: "3h", long: "3d", short: "6h", factor: 1, share: "10 % of the month's budget in three days" },
];

/** Alerts on the pace at which the budgets burn. */
export const SLO_ALERTS: readonly AlertSpec[] = [
  ...BURNS.map((burn) =>
    burnAlert(burn, {
      alert: "NatsSloAvailabilityBurn",
      record: "nats_slo:publish_errors:ratio_rate",
      allowed: ({ slo }) => budget(slo.availability),
      what: "of publishes fail",
      panel: "slo/availability-burn",
    }),
  ),
  ...BURNS.map((burn) =>
    burnAlert(burn, {
      alert: "NatsSloLatencyBurn",
      record: "nats_slo:publish_slow:ratio_rate",
      allowed: ({ slo }) => budget(slo.latencyShare),
      what: "of publishes are acknowledged late",
      panel: "slo/latency-burn",
    }),
  ),
];

/** Share of bad events that an objective allows, without the noise of binary fractions. */
function budget(objective: number): number {
  return Number((1 - objective).toPrecision(6));
}

function windowRecords(window: string): RecordingSpec[] {
  const rate = rateOver(window);
  return [
    failedRecord(window),
    {
      record: `nats_slo:publish_slow:ratio_rate${window}`,
      expr: (_facts, { slo }) =>
        `1 - ${rate(`nats_client_publish_duration_seconds_bucket{le="${slo.latencySeconds}"}`)} / ${rate("nats_client_publish_duration_seconds_count")}`,
      applies: published,
    },
  ];
}

function failedRecord(window: string): RecordingSpec {
  const rate = rateOver(window);
  const expr = `${rate('nats_client_publish_total{result!="ok"}')} / ${rate("nats_client_publish_total")}`;
  return { record: `nats_slo:publish_errors:ratio_rate${window}`, expr, applies: published };
}

function rateOver(window: string): (series: string) => string {
  return (series) => `sum by (nats_cluster) (rate(${series}[${window}]))`;
}

interface BurnTarget {
  readonly alert: string;
  readonly record: string;
  readonly allowed: (options: ResolvedMonitoringOptions) => number;
  readonly what: string;
  readonly panel: "slo/availability-burn" | "slo/latency-burn";
}

function burnAlert(burn: Burn, target: BurnTarget): AlertSpec {
  return {
    alert: target.alert,
    severity: burn.severity,
    for: burn.for,
    // A handful of publishes proves nothing: a rate over an hour must exist at all.
    expr: (_facts, options) => {
      const threshold = Number((burn.factor * target.allowed(options)).toPrecision(6));
      const over = (window: string): string => `${target.record}${window} > ${threshold}`;
      return `${over(burn.long)} and on (nats_cluster) ${over(burn.short)} and on (nats_cluster) sum by (nats_cluster) (rate(nats_client_publish_total[1h])) > 0.01`;
    },
    summary: `{{ $value | humanizePercentage }} ${target.what} on bus {{ $labels.nats_cluster }} over ${burn.long}`,
    description: `At this pace the promise to the bus's users is used up: ${burn.share}.`,
    panel: target.panel,
    labels: { window: burn.long },
    applies: published,
  };
}
