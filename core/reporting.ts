/** How an error of a resource's operation reaches the user. Between provider and engine only a message travels, so code and remedy must be part of it. */
import { type BusError, isBusError } from "./errors.ts";
import { PROGRESS_PREFIX } from "./progress.ts";

/** Everything a {@link BusError} says, as text: message, remedy and code. */
function renderError(error: BusError): string {
  const remedy = error.remedy === undefined || error.remedy === "" ? "" : `\n  ${error.remedy}`;
  return `${error.message}${remedy}\n  [${error.code}]`;
}

type Operation = (...parameters: never[]) => unknown;

/** The operations of one resource, each of which tells a {@link BusError} in full when it fails; other errors keep their stack, as they are bugs. */
export function reporting<T extends Readonly<Record<string, Operation>>>(operations: T): T {
  const wrapped = Object.entries(operations).map(([name, operation]) => [name, reportFailures(operation)] as const);
  return Object.fromEntries(wrapped) as T;
}

function reportFailures(operation: Operation): Operation {
  return async (...parameters) => {
    try {
      return await operation(...parameters);
    } catch (error) {
      throw isBusError(error) ? tellable(error) : error;
    }
  };
}

/**
 * The SDK's provider host prints `${error}: ${error.stack}` for some operations, beside the message that the engine reports. So that a known mistake is not told twice
 * and without a stack, that line is made a mere progress line.
 */
function tellable(error: BusError): Error {
  const text = renderError(error);
  const told = new Error(text, { cause: error });
  const state = "reasons" in error ? { ...error, reasons: [text] } : { code: error.code };
  return Object.assign(told, state, { stack: "reported by the engine", toString: () => `${PROGRESS_PREFIX}${error.code}` });
}
