import { type BusError, isBusError } from "../core/errors.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import type { Palette } from "./reporters/palette.ts";

/** How a failure is told: text for people, a document for `--json`, and the exit code. */
export interface Failure {
  readonly text: string;
  readonly document: { readonly error: { readonly [key: string]: unknown } };
  readonly exitCode: number;
}

/** Turns whatever was thrown into what the user is told. Anything but a {@link BusError} is a bug and says so. */
export function describeFailure(error: unknown, palette: Palette): Failure {
  return isBusError(error) && error.code !== "ERR_INTERNAL" ? describeKnown(error, palette) : describeBug(error, palette);
}

function describeKnown(error: BusError, palette: Palette): Failure {
  const { code, message, path, remedy, problems } = error;
  const isPathNamed = path === undefined || message.includes(path);
  const text = [
    `${palette.error("error:")} ${message}`,
    ...(isPathNamed ? [] : [`  at ${path}`]),
    ...(remedy === undefined ? [] : [`  ${remedy}`]),
    `  ${palette.faint(`[${code}]`)}`,
  ].join("\n");
  const list = problems.length === 0 ? {} : { problems };
  return { text: `${text}\n`, document: { error: { code, message, path, remedy, ...list } }, exitCode: exitCodeOf(code) };
}

function describeBug(error: unknown, palette: Palette): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  const text = `${palette.error("bug:")} natsbus failed in a way it should not. Please report this with the lines below.\n${stack}\n`;
  return { text, document: { error: { code: "ERR_INTERNAL", message } }, exitCode: EXIT.internal };
}
