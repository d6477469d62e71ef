/** Which configuration each server is to run with, as it reports it itself. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { configDigest } from "../../core/config-digest.ts";
import { type ConfigValue, ConfigVariable } from "../../core/config-text.ts";
import { serverNames } from "../../core/kubernetes-names.ts";
import { serverConfigTree } from "../../core/server-config.ts";
import { type Material, serverConfig } from "./server-files.ts";

/** Servers that are waited for and watched: those that an autoscaler may add hold nothing, and come and go. */
export function steadyServers(spec: BusSpec): readonly string[] {
  return serverNames(spec).slice(0, spec.cluster.servers);
}

/** Map keyed by server name: the digest it reports once it runs with its configuration; empty where the pod's environment is part of it. */
export function serverDigests(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  return Object.fromEntries(
    steadyServers(spec).map((server) => {
      const tree = serverConfigTree(serverConfig(spec, server, material));
      return [server, hasVariable(tree) ? "" : configDigest(tree)] as const;
    }),
  );
}

function hasVariable(value: ConfigValue): boolean {
  if (value instanceof ConfigVariable) return true;
  return typeof value === "object" && value !== null && Object.values(value).some((part) => hasVariable(part as ConfigValue));
}
