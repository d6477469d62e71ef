import { readFile } from "node:fs/promises";
import { BusError } from "../core/errors.ts";
import type { ProbeConfig } from "../observability/probe-config.ts";

/**
 * Reads a configuration that natsbus wrote.
 * @throws ERR_PROBE_CONFIG when it cannot be read or is none
 */
export async function loadProbeConfig(path: string): Promise<ProbeConfig> {
  try {
    const config = JSON.parse(await readFile(path, "utf8")) as Partial<ProbeConfig>;
    if (config.facts === undefined || config.listen === undefined || !Array.isArray(config.servers)) throw new Error("it is not a probe's");
    return config as ProbeConfig;
  } catch (cause) {
    throw new BusError("ERR_PROBE_CONFIG", `the probe's configuration ${path} cannot be used: ${(cause as Error).message}`, {
      cause,
      remedy: "write it again with `natsbus up`",
    });
  }
}
