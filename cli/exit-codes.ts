import type { ErrorCode } from "../core/errors.ts";

/** Exit codes, those of the Pulumi CLI; Ctrl-C at a question has a shell's own, so that a script does not take it for a yes. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  stackMissing: 6,
  unexpectedChanges: 7,
  interrupted: 130,
  internal: 255,
} as const;

const OF_CODE: Partial<Readonly<Record<ErrorCode, number>>> = {
  ERR_USAGE: EXIT.usage,
  ERR_NO_TERMINAL: EXIT.usage,
  ERR_CONFIG: EXIT.usage,
  ERR_CONFIG_VALUE: EXIT.usage,
  ERR_CONFIG_KEY: EXIT.usage,
  ERR_CONFIG_MISSING: EXIT.usage,
  ERR_CONFIG_CONFLICT: EXIT.usage,
  ERR_PROJECT: EXIT.usage,
  ERR_ENGINE_MISSING: EXIT.usage,
  ERR_STACK_MISSING: EXIT.stackMissing,
  ERR_INTERRUPTED: EXIT.interrupted,
  ERR_INTERNAL: EXIT.internal,
};

/** Exit code of a failure with this error code. */
export function exitCodeOf(code: ErrorCode): number {
  return OF_CODE[code] ?? EXIT.error;
}
