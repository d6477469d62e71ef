import { readFile } from "node:fs/promises";
import { BusError } from "../core/errors.ts";
import type { ProbeAccess, ProbeConfig } from "../observability/probe-config.ts";

/**
 * Reads a configuration that natsbus wrote.
 * @throws ERR_PROBE_CONFIG when it cannot be read or is none
 */
export async function loadProbeConfig(path: string): Promise<ProbeConfig> {
  try {
    const config = await readJson<Partial<ProbeConfig>>(path);
    if (config.facts === undefined || config.listen === undefined || !Array.isArray(config.servers)) throw new Error("it is not a probe's");
    return config as ProbeConfig;
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/**
 * Reads what a configuration's `accessFile` names.
 * @returns `undefined` without one
 * @throws ERR_PROBE_CONFIG
 */
export async function loadProbeAccess(path: string | undefined): Promise<ProbeAccess | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readJson<ProbeAccess>(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, "utf8")) as T;
}

function unusable(path: string, cause: unknown): BusError {
  return new BusError("ERR_PROBE_CONFIG", `the probe's configuration ${path} cannot be used: ${(cause as Error).message}`, {
    cause,
    remedy: "write it again with `natsbus up`",
  });
}
