/**
 * Every code a {@link BusError} can carry, with the situation it stands for. `docs/errors.md` explains each; a meta test keeps the two equal.
 * Codes are stable: scripts may switch on them.
 */
export const ERROR_CODES = {
  // configuration and catalogue
  ERR_CONFIG: "the stack configuration or the catalogue holds one or more problems, all listed",
  // bugs
  ERR_INTERNAL: "natsbus itself is wrong; please report it",
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** One thing wrong in user input. Problems are collected and reported together, never one by one. */
export interface Problem {
  /** Stable code. */
  readonly code: ErrorCode;
  /** Path of the offending setting, for instance `streams.ORDERS.maxAge`. */
  readonly path: string;
  /** What is wrong, with the value given and what is allowed; never a secret. */
  readonly message: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

/** Options of a {@link BusError}. */
export interface BusErrorOptions {
  /** Path of the offending setting.
   * @default - none */
  readonly path?: string;
  /** What to do, one sentence.
   * @default - none */
  readonly remedy?: string;
  /** The single problems behind a collected error.
   * @default [] */
  readonly problems?: readonly Problem[];
  /** The original error.
   * @default - none */
  readonly cause?: unknown;
}

/** The one error class of natsbus: what happened, which value, what is allowed, what to do. Recognise it by `code`, also across processes. */
export class BusError extends Error {
  override readonly name = "BusError";
  /** Stable code. */
  readonly code: ErrorCode;
  /** Path of the offending setting, when there is one. */
  readonly path: string | undefined;
  /** What to do about it, when known. */
  readonly remedy: string | undefined;
  /** The single problems, when several were collected. */
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: BusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.remedy = options.remedy;
    this.problems = options.problems ?? [];
  }
}

/** Whether `error` is a {@link BusError}, also one that crossed a process or module boundary. */
export function isBusError(error: unknown): error is BusError {
  return error instanceof Error && error.name === "BusError" && "code" in error && typeof error.code === "string" && error.code in ERROR_CODES;
}

/**
 * Throws one error that lists every problem; does nothing when there is none.
 * @throws the problem's own code for a single one, `ERR_CONFIG` for several
 */
export function assertNoProblems(problems: readonly Problem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  if (others.length === 0) throw new BusError(first.code, `${first.path}: ${first.message}`, { path: first.path, remedy: first.remedy, problems });
  const list = problems.map((problem) => `  ${problem.path}: ${problem.message} [${problem.code}]\n    ${problem.remedy}`);
  throw new BusError("ERR_CONFIG", `${problems.length} problems:\n${list.join("\n")}`, { problems });
}
