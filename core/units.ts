/** Durations and sizes as people write them (`"30s"`, `"10GiB"`), and the plain numbers the program computes with. */
import { BusError } from "./errors.ts";

/** A length of time with its unit: `"250ms"`, `"30s"`, `"5m"`, `"12h"`, `"7d"`; `"0"` alone needs no unit. Fractions such as `"1.5h"` are fine when they make whole milliseconds. */
export type Duration = `${number}${"ms" | "s" | "m" | "h" | "d"}` | "0";

/** An amount of bytes with its unit: `"64KiB"`, `"10GiB"` (steps of 1024) or `"512MB"` (steps of 1000); `"0"` alone needs no unit. */
export type Size = `${number}${"B" | "KiB" | "MiB" | "GiB" | "TiB" | "KB" | "MB" | "GB" | "TB"}` | "0";

// Largest first; of two equally short texts the earlier unit wins.
const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ["TiB", 1024 ** 4],
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["TB", 1000 ** 4],
  ["GB", 1000 ** 3],
  ["MB", 1000 ** 2],
  ["KB", 1000],
  ["B", 1],
];

const NANOSECONDS_PER_MS = 1_000_000n;
const LARGEST_INT64 = 2n ** 63n - 1n;
const DURATION_REMEDY = 'write a number and its unit: ms, s, m, h or d, for instance "30s" or "7d"';
const SIZE_REMEDY =
  'write a number and its unit: B, KiB, MiB, GiB, TiB (steps of 1024) or KB, MB, GB, TB (steps of 1000), for instance "512MiB"';

/**
 * Milliseconds of a {@link Duration}.
 * @param path where the text stands, for the error
 * @throws ERR_UNIT when the text is no duration, is not whole milliseconds, or cannot be sent to a server exactly (nanoseconds in 64 bits, written as a JSON number)
 */
export function parseDuration(text: string, path: string): number {
  const ms = parseQuantity({ text, path, units: DURATION_UNITS, noun: "duration", remedy: DURATION_REMEDY });
  const nanoseconds = BigInt(ms) * NANOSECONDS_PER_MS;
  if (nanoseconds > LARGEST_INT64 || BigInt(Number(nanoseconds)) !== nanoseconds) {
    throw new BusError(
      "ERR_UNIT",
      `${path}: duration "${text}" is too long to be exact; 18 years in any unit, 146 years in whole seconds are allowed`,
      { path, remedy: 'use a shorter duration, or "0" where that means "for ever"' },
    );
  }
  return ms;
}

/**
 * Bytes of a {@link Size}.
 * @param path where the text stands, for the error
 * @throws ERR_UNIT when the text is no size, is not whole bytes, or exceeds 2^53 bytes
 */
export function parseSize(text: string, path: string): number {
  return parseQuantity({ text, path, units: SIZE_UNITS, noun: "size", remedy: SIZE_REMEDY });
}

/** Shortest text of a whole number of milliseconds, at least 0; {@link parseDuration} reads it back to the same number. */
export function renderDuration(ms: number): Duration {
  return renderQuantity(ms, DURATION_UNITS) as Duration;
}

/** Shortest text of a whole number of bytes, at least 0; {@link parseSize} reads it back to the same number. */
export function renderSize(bytes: number): Size {
  return renderQuantity(bytes, SIZE_UNITS) as Size;
}

function parseQuantity(want: {
  text: string;
  path: string;
  units: readonly (readonly [string, number])[];
  noun: string;
  remedy: string;
}): number {
  const { text, path, units, noun, remedy } = want;
  if (text === "0") return 0;
  const match = /^(\d+)(?:\.(\d+))?([A-Za-z]+)$/.exec(text);
  const factor = units.find(([unit]) => unit === match?.[3])?.[1];
  if (match === null || factor === undefined) throw new BusError("ERR_UNIT", `${path}: "${text}" is not a ${noun}`, { path, remedy });
  const fraction = match[2] ?? "";
  const scale = 10n ** BigInt(fraction.length);
  const scaled = BigInt(`${match[1]}${fraction}`) * BigInt(factor);
  if (scaled % scale !== 0n)
    throw new BusError("ERR_UNIT", `${path}: ${noun} "${text}" is not a whole number of ${units.at(-1)?.[0]}`, {
      path,
      remedy: "use a smaller unit without a fraction",
    });
  const value = scaled / scale;
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new BusError("ERR_UNIT", `${path}: ${noun} "${text}" is above 2^53 and cannot be exact`, {
      path,
      remedy: `use a smaller ${noun}`,
    });
  return Number(value);
}

function renderQuantity(value: number, units: readonly (readonly [string, number])[]): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new BusError("ERR_UNIT", `${value} is not a whole number from 0 to 2^53`);
  if (value === 0) return "0";
  const texts = units.filter(([, factor]) => value % factor === 0).map(([unit, factor]) => `${value / factor}${unit}`);
  return texts.reduce((shortest, text) => (text.length < shortest.length ? text : shortest));
}
