import { BusError } from "../core/errors.ts";
import type { RunOptions, RunResult } from "./run-options.ts";

/**
 * Runs one deployment: preview, update, refresh or destroy.
 * Resolves also for failed runs; what went wrong has been told as events.
 * @throws BusError ERR_ENGINE_UNSUPPORTED when something is asked for that only the Pulumi CLI can do
 */
export async function runDeployment(options: RunOptions): Promise<RunResult> {
  throw new BusError("ERR_INTERNAL", `deployment of ${options.stack} is not implemented yet`);
}
