/** The limits that the acceptance suite holds its figures against, as one table. */
import { BusError } from "../../core/errors.ts";
import { nearestWord } from "../../core/nearest.ts";
import { VERIFY_DEFAULTS, type VerifySpec } from "../../core/verify-spec.ts";

/** Name of a threshold; also its key under `natsbus:verify`. */
export type ThresholdName = keyof VerifySpec["thresholds"];

/** Every threshold with the limit in force, in the unit of {@link THRESHOLDS}. */
export type Thresholds = VerifySpec["thresholds"];

interface Threshold {
  /** Unit of its figure. */
  readonly unit: string;
  /** Whether the figure must be at least or at most the limit. */
  readonly bound: "least" | "most";
}

/** Unit and direction of every threshold. */
export const THRESHOLDS: Readonly<Record<ThresholdName, Threshold>> = {
  publishRate: { unit: "messages/s", bound: "least" },
  publishRatio: { unit: "x", bound: "least" },
  consumeRatio: { unit: "x", bound: "least" },
  delivered: { unit: "%", bound: "least" },
  meanLatency: { unit: "ms", bound: "most" },
  latencyP99: { unit: "ms", bound: "most" },
  failover: { unit: "ms", bound: "most" },
  crashFailover: { unit: "ms", bound: "most" },
  catchUp: { unit: "ms", bound: "most" },
  storageUsed: { unit: "%", bound: "most" },
  errorTypes: { unit: "", bound: "least" },
  scaling: { unit: "x", bound: "least" },
};

/** The limits in force when nothing is configured. */
export const DEFAULT_THRESHOLDS: Thresholds = VERIFY_DEFAULTS;

/**
 * Lays `NAME=NUMBER` texts, separated by commas, over thresholds.
 * @throws BusError ERR_USAGE for a name that does not exist or a value that is no number from 0
 */
export function overrideThresholds(base: Thresholds, text: string | undefined): Thresholds {
  const pairs = (text ?? "").split(",").filter((part) => part.trim() !== "");
  return Object.assign({ ...base }, ...pairs.map(parsePair)) as Thresholds;
}

function parsePair(pair: string): Partial<Record<ThresholdName, number>> {
  const [name = "", value = ""] = pair.split("=").map((part) => part.trim());
  if (!Object.hasOwn(THRESHOLDS, name)) {
    const near = nearestWord(name, Object.keys(THRESHOLDS));
    throw new BusError(
      "ERR_USAGE",
      `--threshold: there is no threshold ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`,
      {
        remedy: `there are ${Object.keys(THRESHOLDS).join(", ")}`,
      },
    );
  }
  const limit = value === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(limit) || limit < 0)
    throw new BusError("ERR_USAGE", `--threshold: ${name} is ${JSON.stringify(value)}; allowed is a number from 0`, {
      remedy: `for instance --threshold ${name}=${DEFAULT_THRESHOLDS[name as ThresholdName]}`,
    });
  return { [name]: limit };
}
