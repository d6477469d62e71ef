import type { StepOp } from "../../engine/events.ts";
import type { Palette } from "./palette.ts";

/** How an operation is shown. */
export interface OperationWords {
  /** Two columns wide. */
  readonly symbol: string;
  readonly color: keyof Palette | undefined;
  /** In the Plan column of a preview. */
  readonly plan: string;
  /** While it runs. */
  readonly doing: string;
  /** When it has ended well. */
  readonly done: string;
  /** When it has failed. */
  readonly failed: string;
}

const WORDS: Readonly<Record<StepOp, OperationWords>> = {
  same: { symbol: "  ", color: undefined, plan: "", doing: "", done: "", failed: "failed" },
  create: { symbol: "+ ", color: "create", plan: "create", doing: "creating", done: "created", failed: "creating failed" },
  update: { symbol: "~ ", color: "update", plan: "update", doing: "updating", done: "updated", failed: "updating failed" },
  delete: { symbol: "- ", color: "delete", plan: "delete", doing: "deleting", done: "deleted", failed: "deleting failed" },
  replace: { symbol: "+-", color: "replace", plan: "replace", doing: "replacing", done: "replaced", failed: "replacing failed" },
  "create-replacement": {
    symbol: "++",
    color: "createReplacement",
    plan: "create replacement",
    doing: "creating replacement",
    done: "created replacement",
    failed: "creating failed",
  },
  "delete-replaced": {
    symbol: "--",
    color: "deleteReplaced",
    plan: "delete original",
    doing: "deleting original",
    done: "deleted original",
    failed: "deleting failed",
  },
  read: { symbol: "> ", color: "read", plan: "read", doing: "reading", done: "read", failed: "reading failed" },
  "read-replacement": {
    symbol: ">>",
    color: "read",
    plan: "read for replacement",
    doing: "reading for replacement",
    done: "read for replacement",
    failed: "reading failed",
  },
  refresh: { symbol: "~ ", color: "update", plan: "refresh", doing: "refreshing", done: "refresh", failed: "refreshing failed" },
  discard: { symbol: "< ", color: "delete", plan: "discard", doing: "discarding", done: "discarded", failed: "discarding failed" },
  "discard-replaced": {
    symbol: "<<",
    color: "delete",
    plan: "discard original",
    doing: "discarding original",
    done: "discarded original",
    failed: "discarding failed",
  },
  "remove-pending-replace": { symbol: "  ", color: undefined, plan: "", doing: "", done: "", failed: "failed" },
  import: { symbol: "= ", color: "create", plan: "import", doing: "importing", done: "imported", failed: "importing failed" },
  "import-replacement": {
    symbol: "=>",
    color: "createReplacement",
    plan: "import replacement",
    doing: "importing replacement",
    done: "imported replacement",
    failed: "importing failed",
  },
};

/** Order in which operations are counted in the closing section. */
export const OPERATION_ORDER = Object.keys(WORDS) as readonly StepOp[];

/** Symbol, colour and verbs of an operation. */
export function operationWords(op: StepOp): OperationWords {
  return WORDS[op];
}

/** A span of time as the display shows it: `0.42s`, `7s`, `1m3s`. */
export function renderSpan(ms: number): string {
  if (ms < 10_000) return `${Number((ms / 1000).toFixed(2))}s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
