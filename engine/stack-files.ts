import { join } from "node:path";

/** Names a stack inside a state folder. */
export interface StackAddress {
  /** Absolute folder that holds `.pulumi`. */
  readonly root: string;
  readonly project: string;
  readonly stack: string;
}

/** Where everything about a stack lies, in the layout of the Pulumi CLI. */
export interface StackFiles {
  readonly meta: string;
  /** Folder of the checkpoints of the project's stacks. */
  readonly stacks: string;
  readonly checkpoint: string;
  readonly previous: string;
  readonly tags: string;
  readonly locks: string;
  readonly history: string;
  readonly backups: string;
  /** Journal of a run that has not ended; this engine's own. */
  readonly journal: string;
}

/** Paths of a stack's files. */
export function stackFiles({ root, project, stack }: StackAddress): StackFiles {
  const base = join(root, ".pulumi");
  const stacks = join(base, "stacks", project);
  const checkpoint = join(stacks, `${stack}.json`);
  return {
    meta: join(base, "meta.yaml"),
    stacks,
    checkpoint,
    previous: `${checkpoint}.bak`,
    tags: join(stacks, `${stack}.pulumi-tags`),
    locks: join(base, "locks", "organization", project, stack),
    history: join(base, "history", project, stack),
    backups: join(base, "backups", project, stack),
    journal: join(base, "journals", project, `${stack}.jsonl`),
  };
}
