/** Rules of one bus, complete: what every writer writes. */
import type { PromDuration } from "../model.ts";

/** A recording rule for one bus. */
export interface RecordingRule {
  /** Name of the record. */
  readonly record: string;
  /** Complete expression, narrowed to the bus. */
  readonly expr: string;
  /** Labels set on the result; empty when there are none. */
  readonly labels: Readonly<Record<string, string>>;
}

/** An alert for one bus. */
export interface AlertRule {
  /** Name. */
  readonly alert: string;
  /** Complete expression, narrowed to the bus. */
  readonly expr: string;
  /** How long it must hold; undefined fires at once. */
  readonly for: PromDuration | undefined;
  /** `severity`, `service`, `nats_cluster` and what the alert adds. */
  readonly labels: Readonly<Record<string, string>>;
  /** `summary`, `description`, `runbook_url`, `dashboard_url`. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Rules that are evaluated together, one after the other. */
export interface RuleGroup {
  /** Name, unique among all buses of one Prometheus. */
  readonly name: string;
  /** Time between evaluations, in seconds. */
  readonly intervalSeconds: number;
  /** The rules, in order of evaluation. */
  readonly rules: readonly (RecordingRule | AlertRule)[];
}

/** Whether a rule is an alert. */
export function isAlert(rule: RecordingRule | AlertRule): rule is AlertRule {
  return "alert" in rule;
}
