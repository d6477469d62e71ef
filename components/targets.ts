/** The targets there are. Each is loaded only when a stack asks for it, and so is the Pulumi package it needs. */
import type { Target as TargetKind } from "../core/bus-spec.ts";
import { BusError } from "../core/errors.ts";
import type { Target } from "./target.ts";

const TARGETS: Partial<Readonly<Record<TargetKind, () => Promise<Target>>>> = {
  process: async () => (await import("./process/target.ts")).processTarget,
  kubernetes: async () => (await import("./kubernetes/target.ts")).loadKubernetesTarget(),
  docker: async () => (await import("./docker/target.ts")).loadDockerTarget(),
  systemd: async () => (await import("./systemd/target.ts")).loadSystemdTarget(),
};

/** Targets that can be provisioned. */
export const PROVISIONED: readonly string[] = Object.keys(TARGETS);

/** The code of one target.
 * @throws ERR_TARGET_UNSUPPORTED */
export async function loadTarget(kind: TargetKind): Promise<Target> {
  const load = TARGETS[kind];
  if (load === undefined) throw new BusError("ERR_TARGET_UNSUPPORTED", `there is no code for the target ${kind}`, { path: "target" });
  return load();
}
