/** The targets that make servers. Each is loaded only when a stack asks for it, and so is the Pulumi package it needs. */
import type { Target as TargetKind } from "../core/bus-spec.ts";
import type { Target } from "./target.ts";

const TARGETS: Readonly<Record<Exclude<TargetKind, "existing">, () => Promise<Target>>> = {
  process: async () => (await import("./process/target.ts")).processTarget,
  kubernetes: async () => (await import("./kubernetes/target.ts")).loadKubernetesTarget(),
  docker: async () => (await import("./docker/target.ts")).loadDockerTarget(),
  systemd: async () => (await import("./systemd/target.ts")).loadSystemdTarget(),
};

/** The code of one target. */
export async function loadTarget(kind: keyof typeof TARGETS): Promise<Target> {
  return TARGETS[kind]();
}
