/** Rule groups in Prometheus's own form, as rules files and PrometheusRule objects both hold them. */
import { type AlertRule, isAlert, type RecordingRule, type RuleGroup } from "../rules/rule.ts";

/** A rules file's content. */
export interface RuleGroupsConfig {
  /** The groups. */
  readonly groups: readonly { readonly name: string; readonly interval: string; readonly rules: readonly RuleConfig[] }[];
}

/** A rule as Prometheus reads it. */
type RuleConfig =
  | { readonly record: string; readonly expr: string; readonly labels?: Readonly<Record<string, string>> }
  | {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    };

/** Converts planned groups. */
export function ruleGroupsConfig(groups: readonly RuleGroup[]): RuleGroupsConfig {
  return {
    groups: groups.map(({ name, intervalSeconds, rules }) => ({
      name,
      interval: `${intervalSeconds}s`,
      rules: rules.map((rule) => (isAlert(rule) ? alertConfig(rule) : recordConfig(rule))),
    })),
  };
}

function alertConfig({ alert, expr, for: duration, labels, annotations }: AlertRule): RuleConfig {
  return { alert, expr, ...(duration === undefined ? {} : { for: duration }), labels, annotations };
}

function recordConfig({ record, expr, labels }: RecordingRule): RuleConfig {
  return { record, expr, ...(Object.keys(labels).length === 0 ? {} : { labels }) };
}
