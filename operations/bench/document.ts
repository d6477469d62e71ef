/** A benchmark as a document, and two of them side by side. Pure. */
import { BusError } from "../../core/errors.ts";
import { type BenchResult, keyOf } from "./spec.ts";

/** A run of measurements. */
export interface BenchDocument {
  /** Version of this form. */
  readonly version: 1;
  /** What was measured, for instance `stack dev`. */
  readonly title: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Machine in words: system, processor, cores, Node. */
  readonly machine: string;
  readonly results: readonly BenchResult[];
}

/** A measurement then and now. */
export interface BenchChange {
  readonly key: string;
  /** Messages a second then. */
  readonly was: number;
  /** Messages a second now. */
  readonly is: number;
  /** Now divided by then. */
  readonly ratio: number;
  /** The same for the slowest hundredth; below 1 is better. */
  readonly p99Ratio: number;
}

/** Measurements that both runs have, in the order of the present one. */
export function compareRuns(before: BenchDocument, now: BenchDocument): readonly BenchChange[] {
  const old = new Map(before.results.map((result) => [keyOf(result), result]));
  return now.results.flatMap((result) => {
    const was = old.get(keyOf(result));
    if (was === undefined) return [];
    return [
      {
        key: keyOf(result),
        was: was.rate,
        is: result.rate,
        ratio: quotient(result.rate, was.rate),
        p99Ratio: quotient(result.p99Ms, was.p99Ms),
      },
    ];
  });
}

function quotient(now: number, before: number): number {
  return before === 0 ? 0 : now / before;
}

/**
 * Reads a document written by an earlier run.
 * @throws BusError ERR_REPORT_FILE when the text is none
 */
export function parseBenchDocument(text: string, file: string): BenchDocument {
  let document: Partial<BenchDocument>;
  try {
    document = JSON.parse(text) as Partial<BenchDocument>;
  } catch (cause) {
    throw notOurs(file, cause);
  }
  const { version, results } = document ?? {};
  if (version !== 1 || !Array.isArray(results) || !results.every(isResult)) throw notOurs(file);
  return document as BenchDocument;
}

function isResult(value: unknown): value is BenchResult {
  const { scenario, rate, p99Ms } = (value ?? {}) as Partial<BenchResult>;
  return typeof scenario === "string" && typeof rate === "number" && typeof p99Ms === "number";
}

function notOurs(file: string, cause?: unknown): BusError {
  return new BusError("ERR_REPORT_FILE", `${file} is not what \`natsbus bench --json\` writes`, {
    remedy: "name a file written with `natsbus bench --json > FILE`",
    ...(cause === undefined ? {} : { cause }),
  });
}
