/** The board for promises: budget, burn, latency. */
import { published } from "../rules/conditions.ts";
import type { BoardSpec, PanelSpec, QuerySpec } from "./board.ts";

const WINDOWS = ["5m", "1h", "6h", "1d", "3d"];
const burn = (record: string): QuerySpec[] => WINDOWS.map((window) => ({ expr: `${record}${window}`, legend: `over ${window}` }));
const quantile = (share: number): QuerySpec => ({
  expr: `histogram_quantile(${share}, sum by (le) (rate(nats_client_publish_duration_seconds_bucket[$__rate_interval])))`,
  legend: `${share * 100} %`,
});

const CLIENT_SIDE: readonly PanelSpec[] = [
  {
    key: "slo/budget",
    title: "Error budget left",
    description: "Share of the 30-day budget for failed publishes that is not used up; below zero the promise is broken.",
    kind: "stat",
    unit: "percentunit",
    width: 8,
    limits: { at: 0.1, isBad: false },
    queries: [{ expr: "nats_slo:budget_left:ratio", legend: "left" }],
    applies: published,
  },
  {
    key: "slo/outcomes",
    title: "Canary publishes",
    description: "Publishes of the canary by outcome.",
    kind: "lines",
    unit: "ops",
    width: 16,
    queries: [{ expr: "sum by (result) (rate(nats_client_publish_total[$__rate_interval]))", legend: "{{result}}" }],
    applies: published,
  },
  {
    key: "slo/availability-burn",
    title: "Failed publishes",
    description: "Share of publishes that failed, over several windows.",
    kind: "lines",
    unit: "percentunit",
    width: 12,
    queries: burn("nats_slo:publish_errors:ratio_rate"),
    applies: published,
  },
  {
    key: "slo/latency-burn",
    title: "Slow publishes",
    description: "Share of publishes acknowledged later than promised, over several windows.",
    kind: "lines",
    unit: "percentunit",
    width: 12,
    queries: burn("nats_slo:publish_slow:ratio_rate"),
    applies: published,
  },
  {
    key: "slo/latency",
    title: "Time to acknowledgement",
    description: "Within what time half, 99 and 99.9 of a hundred publishes are acknowledged.",
    kind: "lines",
    unit: "s",
    width: 12,
    queries: [quantile(0.5), quantile(0.99), quantile(0.999)],
    applies: published,
  },
  {
    key: "slo/heatmap",
    title: "Distribution of acknowledgement times",
    description: "How many publishes fell into each range.",
    kind: "heatmap",
    unit: "s",
    width: 12,
    queries: [{ expr: "sum by (le) (rate(nats_client_publish_duration_seconds_bucket[$__rate_interval]))", legend: "{{le}}" }],
    applies: published,
  },
];

const SERVER_SIDE: readonly PanelSpec[] = [
  {
    key: "slo/server-side",
    title: "Quorum over 30 days",
    description: "Share of the time with a quorum, as the servers see it; clients may have had other troubles.",
    kind: "stat",
    unit: "percentunit",
    width: 8,
    limits: { at: 0.9995, isBad: false },
    queries: [{ expr: "nats_slo:server_side_availability:ratio30d", legend: "with quorum" }],
  },
];

/** Promises to users. */
export const SLO_BOARD: BoardSpec = {
  name: "slo",
  title: "NATS / Service level",
  description: "What was promised to users of the bus, and how much of the budget is left.",
  variables: [],
  rows: [
    { title: "As clients see it", panels: CLIENT_SIDE },
    { title: "As servers see it", panels: SERVER_SIDE },
  ],
};
