/** What a benchmark measures: a scenario with its sizes and numbers, and every combination of those that were asked for. Pure. */
import { BusError } from "../../core/errors.ts";
import { nearestWord } from "../../core/nearest.ts";

/** What is done over and over. */
export const SCENARIOS = ["publish", "consume", "request", "fan-out"] as const;

/** One of {@link SCENARIOS}. */
type Scenario = (typeof SCENARIOS)[number];

/** One measurement. */
export interface BenchSpec {
  readonly scenario: Scenario;
  /** Payload in bytes. */
  readonly size: number;
  /** Publishers, workers, requesters, or subscribers of a fan-out. */
  readonly clients: number;
  /** `sync`: one message at a time and client; `async`: many in flight. */
  readonly mode: "sync" | "async";
  /** Replicas of the stream; 0 where no stream takes part. */
  readonly replicas: number;
  /** Whether through the client library with its validation, or with the raw NATS client. */
  readonly library: boolean;
  /** Messages in all. */
  readonly messages: number;
}

/** What came out of it. */
export interface BenchResult extends BenchSpec {
  /** Messages a second over all clients. */
  readonly rate: number;
  /** In milliseconds, of one message until it was acknowledged, handled or answered. */
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Messages that failed. */
  readonly failed: number;
}

/** Lists to combine. */
export interface BenchChoice {
  readonly scenarios: readonly Scenario[];
  readonly sizes: readonly number[];
  readonly clients: readonly number[];
  readonly modes: readonly BenchSpec["mode"][];
  readonly replicas: readonly number[];
  readonly library: readonly boolean[];
  readonly messages: number;
}

// One message at a time takes this much longer, so that fewer tell as much.
const SYNC_SHARE = 0.1;

/** Every combination, without those that differ in nothing that matters to their scenario. */
export function combine(choice: BenchChoice): readonly BenchSpec[] {
  const { scenarios, sizes, clients, modes, replicas, library, messages } = choice;
  const all = scenarios.flatMap((scenario) =>
    sizes.flatMap((size) =>
      clients.flatMap((count) =>
        modes.flatMap((mode) =>
          replicas.flatMap((copies) =>
            library.map((isLibrary) => fitted({ scenario, size, clients: count, mode, replicas: copies, library: isLibrary, messages })),
          ),
        ),
      ),
    ),
  );
  return [...new Map(all.map((spec) => [keyOf(spec), spec])).values()];
}

/** What names a measurement across runs: everything but the number of messages. */
export function keyOf({ scenario, size, clients, mode, replicas, library }: BenchSpec): string {
  return [scenario, `${size}B`, `${clients}c`, mode, `R${replicas}`, library ? "library" : "raw"].join(" ");
}

/** The measurement in words, short. */
export function labelOf({ scenario, size, clients, mode, replicas, library }: BenchSpec): string {
  const parts = [
    scenario,
    `${size} B`,
    `${clients} ${clients === 1 ? "client" : "clients"}`,
    mode,
    ...(replicas === 0 ? [] : [`R${replicas}`]),
  ];
  return `${parts.join(", ")}${scenario === "publish" || scenario === "consume" ? `, ${library ? "library" : "raw"}` : ""}`;
}

/** Requests and fan-out do without a stream and without the library's schemas; a consumer always has many in flight. */
function fitted(spec: BenchSpec): BenchSpec {
  const isCore = spec.scenario === "request" || spec.scenario === "fan-out";
  const mode = spec.scenario === "consume" || spec.scenario === "fan-out" ? "async" : spec.mode;
  const messages = mode === "sync" ? Math.max(1, Math.round(spec.messages * SYNC_SHARE)) : spec.messages;
  return { ...spec, mode, messages, ...(isCore ? { replicas: 0, library: false } : {}) };
}

/**
 * Numbers of an option, separated by commas.
 * @throws BusError ERR_USAGE
 */
export function parseNumbers(option: string, text: string, range: { readonly min: number; readonly max: number }): readonly number[] {
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const wrong = numbers.some((number) => !Number.isInteger(number) || number < range.min || number > range.max);
  if (!wrong) return numbers;
  throw new BusError(
    "ERR_USAGE",
    `${option} is ${JSON.stringify(text)}; allowed are whole numbers from ${range.min} to ${range.max}, separated by commas`,
  );
}

/**
 * Words of an option, separated by commas.
 * @throws BusError ERR_USAGE
 */
export function parseWords<T extends string>(option: string, text: string, words: readonly T[]): readonly T[] {
  return text.split(",").map((part) => {
    const word = words.find((one) => one === part.trim());
    if (word !== undefined) return word;
    const near = nearestWord(part.trim(), words);
    throw new BusError(
      "ERR_USAGE",
      `${option}: there is no ${JSON.stringify(part)}${near === undefined ? "" : `; did you mean ${near}?`}`,
      {
        remedy: `there are ${words.join(", ")}`,
      },
    );
  });
}
