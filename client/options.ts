/** Checks of options that applications give. */
import { BusError } from "../core/errors.ts";

/**
 * Refuses a number that is not whole or out of range.
 * @param path the option's place in what the application wrote
 * @param most @default - no bound
 * @throws ERR_CLIENT_OPTION
 */
export function assertWhole(path: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new BusError("ERR_CLIENT_OPTION", `${path}: ${String(value)} is not a whole number ${range}`, {
    path,
    remedy: `give a whole number ${range}, or leave it out`,
  });
}

/**
 * Refuses a word that is none of those allowed, as programs without types may give.
 * @throws ERR_CLIENT_OPTION
 */
export function assertOneOf(path: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new BusError("ERR_CLIENT_OPTION", `${path}: ${JSON.stringify(value)} is not ${allowed.join(" or ")}`, {
    path,
    remedy: `give ${allowed.join(" or ")}, or leave it out`,
  });
}

/**
 * Refuses what has another shape than the option, as programs without types may give.
 * @param holds whether it has the shape
 * @param wanted what to give instead
 * @throws ERR_CLIENT_OPTION
 */
export function assertShape(path: string, holds: boolean, wanted: string): void {
  if (!holds) throw new BusError("ERR_CLIENT_OPTION", `${path}: ${wanted} is needed`, { path, remedy: `give ${wanted}` });
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
