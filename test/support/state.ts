import { readFileSync } from "node:fs";
import { findIntegrityProblems } from "../../engine/integrity.ts";
import type { Project } from "./project.ts";

/** An entry of a state file, as far as tests look at it. */
export interface StateEntry {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
  readonly delete?: boolean;
  readonly pendingReplacement?: boolean;
}

/**
 * The entries of a project's dev stack, after checking what the Pulumi CLI checks when it reads a state: order of references, ids, duplicates, the manifest's magic.
 * Fails the test when any rule is broken, or when a journal was left behind.
 */
export function assertValidState(project: Project): readonly StateEntry[] {
  const file = project.path(".natsbus/state/.pulumi/stacks/natsbus/dev.json");
  const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as {
    checkpoint: { latest?: { resources?: StateEntry[]; pending_operations?: unknown[] } };
  };
  const deployment = checkpoint.latest ?? {};
  const problems = findIntegrityProblems((deployment.resources ?? []) as never);
  if (problems.length > 0) throw new Error(`the state breaks integrity rules: ${JSON.stringify(problems)}`);
  if ((deployment.pending_operations ?? []).length > 0)
    throw new Error(`pending operations remain: ${JSON.stringify(deployment.pending_operations)}`);
  return deployment.resources ?? [];
}
