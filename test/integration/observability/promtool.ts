/** Runs promtool over rules and test cases. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { metricNames } from "../../../observability/promql.ts";
import type { RuleGroup } from "../../../observability/rules/rule.ts";
import { ruleGroupsConfig } from "../../../observability/writers/rule-groups.ts";
import { renderYaml } from "../../../observability/writers/yaml.ts";
import { inputSeries, STEP, type TestSeries } from "./baseline.ts";

/** What should fire at a moment. */
interface Expectation {
  /** Seconds since the start. */
  readonly at: number;
  /** All firing alerts as `alert/severity`, with `/window` for burn rates; the heartbeat is left out. */
  readonly firing?: readonly string[];
  /** One alert that must not fire, whatever else does. */
  readonly silent?: string;
}

/** A course of events. */
export interface Scenario {
  readonly name: string;
  readonly series: readonly TestSeries[];
  readonly expectations: readonly Expectation[];
}

/** Whether a tool is installed. */
export function hasTool(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0;
}

/** A folder that disappears with its user. */
export function temporaryFolder(): Disposable & { readonly path: string; write(file: string, content: string): string } {
  const path = mkdtempSync(join(tmpdir(), "natsbus-monitoring-"));
  return {
    path,
    write(file, content) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      writeFileSync(join(path, file), content);
      return join(path, file);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs a tool; the text it printed, also when it failed. */
export function run(tool: string, ...args: string[]): { readonly ok: boolean; readonly output: string } {
  try {
    return {
      ok: true,
      output: execFileSync(tool, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 * 1024 * 1024 }),
    };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: `${stdout}${stderr}` };
  }
}

/** Plays the scenarios against the rules. */
export function testRules(groups: readonly RuleGroup[], scenarios: readonly Scenario[]): { readonly ok: boolean; readonly output: string } {
  return play(groups, scenarios, ({ expectations }) => ({ promql_expr_test: expectations.map(expressionTest) }));
}

/** What the alerts that fire last in each scenario say to people. */
export function summariesOf(groups: readonly RuleGroup[], scenarios: readonly (Scenario & { readonly alert: string })[]): string[] {
  // Expecting none of them makes promtool print them as they would be sent.
  const nothing = scenarios.map(({ alert, expectations, ...rest }) => {
    const at = Math.max(...expectations.map((expectation) => expectation.at));
    return { ...rest, expectations, test: { alert_rule_test: [{ eval_time: `${at}s`, alertname: alert, exp_alerts: [] }] } };
  });
  const { output } = play(groups, nothing, ({ test }) => test);
  return [...output.matchAll(/summary="((?:[^"\\]|\\.)*)"/g)].map(([, text]) => JSON.parse(`"${text}"`) as string);
}

function play<S extends Scenario>(
  groups: readonly RuleGroup[],
  scenarios: readonly S[],
  testsOf: (scenario: S) => Record<string, unknown>,
): { readonly ok: boolean; readonly output: string } {
  using folder = temporaryFolder();
  folder.write("rules.yml", renderYaml(ruleGroupsConfig(groups)));
  const read = new Set(groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => metricNames(expr))));
  const tests = folder.write(
    "tests.yml",
    stringify(
      {
        rule_files: ["rules.yml"],
        evaluation_interval: `${STEP}s`,
        // Prometheus runs groups side by side; here each round must see the records of the same round.
        group_eval_order: groups.map(({ name }) => name),
        tests: scenarios.map((scenario) => ({
          name: scenario.name,
          interval: `${STEP}s`,
          input_series: inputSeries(scenario.series, read, Math.max(...scenario.expectations.map(({ at }) => at))),
          ...testsOf(scenario),
        })),
      },
      { lineWidth: 0, aliasDuplicateObjects: false },
    ),
  );
  return run("promtool", "test", "rules", tests);
}

function expressionTest({ at, firing = [], silent }: Expectation): Record<string, unknown> {
  const [alert, severity, window] = silent?.split("/") ?? [];
  const only =
    alert === undefined
      ? 'alertname!="NatsWatchdog"'
      : `alertname="${alert}", severity="${severity}"${window === undefined ? "" : `, window="${window}"`}`;
  return {
    expr: `count by (alertname, severity, window) (ALERTS{alertstate="firing", ${only}}) * 0 + 1`,
    eval_time: `${at}s`,
    exp_samples: firing.map((identity) => {
      const [alertname = "", level = "", burn] = identity.split("/");
      return { labels: `{alertname="${alertname}", severity="${level}"${burn === undefined ? "" : `, window="${burn}"`}}`, value: 1 };
    }),
  };
}
