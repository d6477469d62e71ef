import { BusError } from "../core/errors.ts";

/** The error for a feature that only the Pulumi CLI covers. */
export function unsupported(feature: string): BusError {
  return new BusError("ERR_ENGINE_UNSUPPORTED", `${feature} is not covered by the embedded engine`, {
    remedy: "run this stack with the Pulumi CLI (--engine pulumi)",
  });
}
