import { describe, expect, it } from "vitest";
import { Limiter } from "../../../engine/limiter.ts";
import { DEPARTURES, UNSUPPORTED_FROM } from "../../support/engine-goldens/departures.ts";
import { playScenario } from "../../support/engine-goldens/play.ts";
import type { GoldenStep, ScenarioStep } from "../../support/engine-goldens/scenario.ts";
import { readGolden, readScenario, scenarioNames } from "../../support/engine-goldens/scenario.ts";
import { differences } from "../../support/engine-goldens/stage.ts";

/** What an engine has to have in common with the CLI; of the preview document only the steps. */
const CONTRACT = [
  "exitCode",
  "calls",
  "state",
  "stateOrder",
  "summary",
  "preview",
  "callCounts",
  "stateCount",
  "eventCounts",
  "events",
  "history",
];

// The machine has few cores, and every step starts two processes.
const limiter = new Limiter(2);

describe.concurrent("the engine does what the recorded CLI did", () => {
  it.each(scenarioNames())("%s", { timeout: 600_000 }, async (name) => {
    const scenario = readScenario(name);
    const measured = await limiter.run(() => playScenario(scenario));
    const golden = readGolden(name);
    const found = scenario.steps.flatMap((step, index) =>
      compareStep(name, step, { golden: golden[index] ?? {}, measured: measured[index] ?? {} }),
    );
    expect(found).toEqual([]);
  });
});

function compareStep(scenario: string, step: ScenarioStep, sides: { golden: GoldenStep; measured: GoldenStep }): readonly string[] {
  if (isBeyond(scenario, step.name)) return isTargeted(step) ? refusal(step, sides.measured) : [];
  const found = differences(contract(sides.golden), contract(sides.measured), CONTRACT);
  return found.filter((text) => !isIntended(scenario, step.name, text)).map((text) => `${step.name}: ${text}`);
}

/** Whether a step comes after one that the engine refuses, so that its state is another. */
function isBeyond(scenario: string, step: string): boolean {
  const first = UNSUPPORTED_FROM[scenario];
  if (first === undefined) return false;
  const names = readScenario(scenario).steps.map(({ name }) => name);
  return names.indexOf(step) >= names.indexOf(first);
}

function isTargeted(step: ScenarioStep): boolean {
  return step.args?.some((arg) => arg === "--target" || arg === "--exclude") ?? false;
}

function refusal(step: ScenarioStep, measured: GoldenStep): readonly string[] {
  const refused =
    measured["exitCode"] === 1 && String(measured["stderr"]).includes("limiting a run to targets is not covered by the embedded engine");
  return refused ? [] : [`${step.name}: was not refused`];
}

function contract(step: GoldenStep): GoldenStep {
  const preview = step["preview"] as { readonly steps: unknown } | undefined;
  return preview === undefined ? step : { ...step, preview: { steps: preview.steps } };
}

function isIntended(scenario: string, step: string, text: string): boolean {
  return DEPARTURES.some((departure) => departure.scenario === scenario && departure.step === step && text.startsWith(departure.field));
}
