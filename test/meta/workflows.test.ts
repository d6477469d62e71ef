import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const FOLDER = join(import.meta.dirname, "../../.github/workflows");
/** What more than reading a workflow may do, by file. */
const MAY_WRITE: Readonly<Record<string, readonly string[]>> = { "pull-request-preview.yml": ["pull-requests"] };

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly on: { readonly workflow_call?: { readonly inputs?: Readonly<Record<string, { readonly description?: string }>> } | null };
  readonly jobs: Readonly<
    Record<string, { readonly "timeout-minutes"?: number; readonly permissions?: unknown; readonly steps: readonly Step[] }>
  >;
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yml"));

describe.each(files)("the workflow %s", (name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  const workflow = parse(text) as Workflow;
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps);

  test("may do what it must and no more, and ends in time", () => {
    const writes = Object.entries(workflow.permissions ?? { everything: "write" }).filter(([, level]) => level !== "read");
    expect(writes.map(([what]) => what)).toEqual(MAY_WRITE[name] ?? []);
    for (const job of jobs) expect([job.permissions, typeof job["timeout-minutes"]]).toEqual([undefined, "number"]);
  });

  test("uses actions by commit, with the release beside it, and leaves no token in the checkout", () => {
    for (const { uses, with: settings } of steps.filter((step) => step.uses !== undefined)) {
      expect(uses).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      expect(text).toMatch(new RegExp(`${uses} # v\\d+\\.\\d+\\.\\d+$`, "m"));
      if (uses?.startsWith("actions/checkout@")) expect(settings?.["persist-credentials"]).toBe(false);
    }
  });

  test("puts nothing that somebody else wrote into a script, and shows no secret", () => {
    // Expressions are filled in before the shell reads the script; through the environment they stay values.
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
    expect(text).not.toMatch(/secrets\.|set -x|--show-secrets/);
  });

  test("describes what it is called with", () => {
    for (const input of Object.values(workflow.on.workflow_call?.inputs ?? {})) expect(input.description?.length).toBeGreaterThan(20);
  });
});
