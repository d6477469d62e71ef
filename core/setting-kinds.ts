/** Building blocks of the stack file's schema: each carries its meaning for the reference, and checks a value with the rules of `units.ts` and `names.ts`. */
import { z } from "zod";
import { type ErrorCode, isBusError } from "./errors.ts";
import { type NameKind, nameProblem } from "./names.ts";
import { type Duration, parseDuration, parseSize, renderDuration, renderSize, type Size } from "./units.ts";

/** What a failed check of a setting hands to the report of problems. */
export interface CheckFailure {
  /** Stable code. */
  readonly code: ErrorCode;
}

interface QuantityOptions<Text> {
  readonly min?: Text;
  readonly max?: Text;
}

/** A {@link Duration}, resolved to milliseconds. */
export function duration(description: string, range: QuantityOptions<Duration> = {}) {
  return quantity({
    description,
    range,
    title: "duration",
    units: "ms|s|m|h|d",
    example: '"30s"',
    parse: parseDuration,
    render: renderDuration,
  });
}

/** A {@link Size}, resolved to bytes. */
export function size(description: string, range: QuantityOptions<Size> = {}) {
  return quantity({
    description,
    range,
    title: "size",
    units: "B|[KMGT]iB|[KMGT]B",
    example: '"64MiB"',
    parse: parseSize,
    render: renderSize,
  });
}

/** A name of the given kind. */
export function name(kind: NameKind, description: string) {
  return z
    .string()
    .superRefine((text, context) => {
      const problem = nameProblem(kind, text);
      if (problem !== undefined)
        context.addIssue({ code: "custom", message: problem, params: { code: "ERR_NAME" } satisfies CheckFailure });
    })
    .meta({ description, title: "name" });
}

/** A whole number in a range. */
export function count(description: string, min: number, max: number) {
  return z.int().min(min).max(max).meta({ description });
}

/** Records by name that another part of natsbus checks; `null` leaves a shipped one out. */
export function overrides(description: string) {
  return z
    .record(z.string(), z.union([z.record(z.string(), z.unknown()), z.null()]))
    .meta({ description, title: "block by name", allowed: "a block for each name, or null to leave a shipped one out" });
}

function quantity<Text extends string>(want: {
  readonly description: string;
  readonly range: QuantityOptions<Text>;
  readonly title: string;
  readonly units: string;
  readonly example: string;
  readonly parse: (text: string, path: string) => number;
  readonly render: (value: number) => string;
}) {
  const { range, title } = want;
  const min = range.min === undefined ? 0 : want.parse(range.min, "min");
  const max = range.max === undefined ? Number.POSITIVE_INFINITY : want.parse(range.max, "max");
  const limits = [range.min === undefined ? "" : ` from ${range.min}`, range.max === undefined ? "" : ` to ${range.max}`].join("");
  const allowed = `a ${title} such as ${want.example}${limits}`;
  return z
    .string()
    .meta({ description: want.description, title, allowed, pattern: `^(0|\\d+(\\.\\d+)?(${want.units}))$` })
    .transform((text, context) => {
      try {
        const value = want.parse(text, "");
        if (value >= min && value <= max) return value;
        context.addIssue({
          code: "custom",
          message: `${text} is out of range`,
          params: { code: "ERR_CONFIG_VALUE" } satisfies CheckFailure,
        });
      } catch (error) {
        if (!isBusError(error)) throw error;
        context.addIssue({
          code: "custom",
          message: error.message.replace(/^: /, ""),
          params: { code: error.code } satisfies CheckFailure,
        });
      }
      return z.NEVER;
    });
}
