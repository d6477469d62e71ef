/** The one model behind every form of output: rules, alerts, boards. Routes are in `routes.ts`. Plain data, no text of any tool's file format. */

import type { PanelKey } from "./dashboards/panels.ts";
import type { BusFacts } from "./facts.ts";
import type { ResolvedMonitoringOptions } from "./options.ts";

/** How loudly an alert speaks: `critical` wakes someone, `warning` opens a ticket, `info` is for a digest, `none` is the watchdog's heartbeat. */
export type Severity = "critical" | "warning" | "info" | "none";

/** A length of time in Prometheus's words. */
export type PromDuration = `${number}${"s" | "m" | "h" | "d"}`;

/** An expression, or how to write it for one bus. Selectors are narrowed to the bus later, so write them without `nats_cluster`. */
export type Expression = string | ((facts: BusFacts, options: ResolvedMonitoringOptions) => string);

/** Whether a rule or panel makes sense for a bus. */
export type Applies = (facts: BusFacts, options: ResolvedMonitoringOptions) => boolean;

/** A series computed by Prometheus and stored under its own name. */
export interface RecordingSpec {
  /** Name, `level:metric:operation`. */
  readonly record: string;
  /** What it is computed from. */
  readonly expr: Expression;
  /** Labels set on the result.
   * @default - those of the expression */
  readonly labels?: Readonly<Record<string, string>>;
  /** When it is emitted.
   * @default - always */
  readonly applies?: Applies;
}

/** An alert as written down in the tables of `rules/`. */
export interface AlertSpec {
  /** Name; also the heading of its section in `docs/runbooks.md`. Two thresholds of one thing share the name and differ in severity. */
  readonly alert: string;
  /** How loudly it speaks. */
  readonly severity: Severity;
  /** How long the expression must hold.
   * @default - fires at once */
  readonly for?: PromDuration;
  /** True while it yields a sample. */
  readonly expr: Expression;
  /** One line with the value in it; a Prometheus template. */
  readonly summary: string;
  /** What it means for the user of the bus, and why it matters. */
  readonly description: string;
  /** The panel that shows it. */
  readonly panel: PanelKey;
  /** Whether the result names a stream, so that the stream's team is told.
   * @default false */
  readonly ofStream?: boolean;
  /** Further labels.
   * @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** When it is emitted.
   * @default - always */
  readonly applies?: Applies;
}
