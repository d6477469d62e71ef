import type { ArgsDef, ParsedArgs } from "citty";
import { parseCount } from "./arguments.ts";
import type { DeployRequest } from "./deploy-request.ts";
import { COMMON_ARGS } from "./verb.ts";

/** Which engine works. */
export type EngineChoice = "auto" | "pulumi" | "embedded";

const ENGINE_ARG = {
  engine: {
    type: "enum",
    options: ["auto", "pulumi", "embedded"],
    default: "auto",
    description: "auto takes the Pulumi CLI when it is on PATH",
  },
} as const satisfies ArgsDef;

/** Options of a look. */
export const LOOK_ARGS = {
  ...COMMON_ARGS,
  ...ENGINE_ARG,
  diff: { type: "boolean", description: "show every property that differs" },
  refresh: { type: "boolean", alias: "r", description: "read the real state of every resource first" },
  expectNoChanges: { type: "boolean", description: "fail with exit code 7 when something changes" },
  parallel: { type: "string", alias: "p", valueHint: "N", description: "steps side by side (default: 4 for each core)" },
  contentsOnly: {
    type: "boolean",
    description: "only what lives inside the bus; somebody else applies the rendered files (up, kubernetes)",
  },
  message: { type: "string", alias: "m", valueHint: "TEXT", description: "text for the history" },
} as const satisfies ArgsDef;

/** Options of a change. */
export const CHANGE_ARGS = {
  ...LOOK_ARGS,
  yes: { type: "boolean", alias: "y", description: "do not ask, and do not preview first (--no-skip-preview does)" },
  skipPreview: { type: "boolean", alias: "f", description: "do not preview first" },
  previewOnly: { type: "boolean", description: "only show what would be done" },
  continueOnError: { type: "boolean", description: "go on with whatever does not depend on what failed" },
} as const satisfies ArgsDef;

/** What the parsed options of `up`, `preview`, `refresh` or `destroy` ask for. */
export type ChangeOptions = Partial<ParsedArgs<typeof CHANGE_ARGS>> & {
  readonly clearPendingCreates?: boolean | undefined;
  readonly markdown?: boolean | undefined;
};

/** The request behind the options. */
export function resolveRequest(kind: DeployRequest["kind"], stack: string, options: ChangeOptions): DeployRequest {
  const yes = options.yes === true;
  const parallel = parseCount("--parallel", options.parallel, { min: 1, max: 1024 });
  const { message } = options;
  return {
    kind,
    stack,
    yes,
    // A preview nobody looks at would only cost time.
    skipPreview: options.skipPreview ?? yes,
    previewOnly: options.previewOnly === true,
    diff: options.diff === true,
    json: options.json === true,
    refresh: options.refresh === true,
    expectNoChanges: options.expectNoChanges === true,
    continueOnError: options.continueOnError === true,
    clearPendingCreates: options.clearPendingCreates === true,
    color: options.color ?? "auto",
    ...(options.markdown === true ? { markdown: true } : {}),
    ...(options.contentsOnly === true ? { contentsOnly: true } : {}),
    ...(parallel === undefined ? {} : { parallel }),
    ...(message === undefined ? {} : { message }),
  };
}
