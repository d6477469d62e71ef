/** Runs sections in order and gathers what their checks found. */
import type { Check, Outcome, Section, SectionName } from "./check.ts";
import { failed, skipped } from "./check.ts";
import type { Context } from "./context.ts";

/** One check with what it found. */
export interface CheckResult extends Outcome {
  readonly section: SectionName;
  readonly name: string;
  readonly title: string;
  /** In milliseconds. */
  readonly durationMs: number;
}

/** A section with what its checks found. */
export interface SectionResult {
  readonly name: SectionName;
  readonly title: string;
  readonly checks: readonly CheckResult[];
  /** In milliseconds. */
  readonly durationMs: number;
}

/** A whole run. */
export interface VerifyResult {
  /** What was checked, for instance `stack dev`. */
  readonly title: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** In milliseconds. */
  readonly durationMs: number;
  readonly quick: boolean;
  /** Whether the run was cut short; what was not reached is skipped. */
  readonly cancelled: boolean;
  readonly sections: readonly SectionResult[];
}

/** Told how the run goes on. */
export interface RunListener {
  onSection(section: Pick<Section, "name" | "title">, place: { readonly number: number; readonly of: number }): void;
  onCheck(check: Pick<Check, "name" | "title">): void;
  onResult(result: CheckResult): void;
}

/** Longest time for one check, in milliseconds. */
const CHECK_LIMIT_MS = 300_000;
const CANCELLED = "the run was cancelled";

/** Runs every check of the sections, one after the other. Never throws for what a check finds. */
export async function runSections(sections: readonly Section[], context: Context, listener: RunListener): Promise<VerifyResult> {
  const started = Date.now();
  const results: SectionResult[] = [];
  for (const [index, section] of sections.entries()) {
    listener.onSection(section, { number: index + 1, of: sections.length });
    results.push(await runSection(section, context, listener));
  }
  return {
    title: context.title,
    startedAt: new Date(started).toISOString(),
    durationMs: Date.now() - started,
    quick: context.quick,
    cancelled: context.signal.aborted,
    sections: results,
  };
}

async function runSection(section: Section, context: Context, listener: RunListener): Promise<SectionResult> {
  const startedMs = performance.now();
  const checks: CheckResult[] = [];
  for (const check of section.checks) {
    const begunMs = performance.now();
    listener.onCheck(check);
    const outcome = await runCheck(section, check, context);
    const { name, title } = check;
    const result = { section: section.name, name, title, ...outcome, durationMs: performance.now() - begunMs };
    checks.push(result);
    listener.onResult(result);
  }
  return { name: section.name, title: section.title, checks, durationMs: performance.now() - startedMs };
}

async function runCheck(section: Section, check: Check, context: Context): Promise<Outcome> {
  if (context.signal.aborted) return skipped(CANCELLED);
  if (section.disruptive === true && "missing" in context.control) return skipped(context.control.missing);
  const outcome = await raceLimit(check.run(context), context.signal).catch(failure);
  // The next check may need the storage that this one's streams reserve.
  await context.scratch.close().catch(() => undefined);
  return outcome.status === "failed" && context.signal.aborted ? skipped(CANCELLED) : outcome;
}

/** A check that hangs, or that a Ctrl-C overtakes, must not hold up removing what the run made. */
async function raceLimit(work: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(() => resolve(failed(`it did not end within ${CHECK_LIMIT_MS / 1000} s`)), CHECK_LIMIT_MS);
  const stop = (): void => resolve(skipped(CANCELLED));
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function failure(error: unknown): Outcome {
  if (!(error instanceof Error)) return failed(String(error));
  const code = "code" in error && typeof error.code === "string" ? ` [${error.code}]` : "";
  return failed(`${error.message}${code}`, "remedy" in error && typeof error.remedy === "string" ? error.remedy : undefined);
}
