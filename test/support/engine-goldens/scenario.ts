import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Folder of the recorded scenarios. */
export const GOLDENS = join(import.meta.dirname, "../../fixtures/engine-goldens");

/** A moment within a run: a provider call has begun. */
export interface Trigger {
  readonly operation: string;
  readonly key: string;
}

/** One edit of an exported document. */
export interface Edit {
  readonly resource?: string;
  readonly merge?: object;
  readonly remove?: string;
  readonly reverse?: boolean;
  readonly magic?: string;
}

/** One step of a scenario; the fixtures' README explains the fields. */
export interface ScenarioStep {
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly program?: object;
  readonly behaviour?: object;
  readonly config?: { readonly set?: Readonly<Record<string, string | { readonly secret: string }>>; readonly remove?: readonly string[] };
  readonly passphrase?: string;
  readonly edit?: readonly Edit[];
  readonly interrupt?: { readonly when: Trigger; readonly signal: "SIGINT" | "SIGKILL"; readonly afterMs?: number };
  readonly concurrent?: { readonly when: Trigger; readonly command: string };
}

/** An ordered list of steps. */
export interface Scenario {
  readonly name: string;
  readonly record?: "counts";
  readonly steps: readonly ScenarioStep[];
}

/** One recorded step: field to what the CLI did. */
export type GoldenStep = Readonly<Record<string, unknown>>;

/** Names of all scenarios. */
export function scenarioNames(): readonly string[] {
  return readdirSync(join(GOLDENS, "scenarios"))
    .map((file) => file.replace(/\.json$/, ""))
    .sort();
}

/** Reads a scenario. */
export function readScenario(name: string): Scenario {
  return JSON.parse(readFileSync(join(GOLDENS, "scenarios", `${name}.json`), "utf8")) as Scenario;
}

/** Reads what the CLI did, step by step. */
export function readGolden(name: string): readonly GoldenStep[] {
  const golden = JSON.parse(readFileSync(join(GOLDENS, "golden", `${name}.json`), "utf8")) as { readonly steps: readonly GoldenStep[] };
  return golden.steps;
}
