/** What keeps the tests on hosts from running on this machine, in words. */
import { existsSync } from "node:fs";
import { composePlugin } from "../support/docker-bus.ts";
import { exporterProgram } from "../support/program-image.ts";
import { missingFor } from "../support/test-host.ts";

/** Programs of Debian that the tests of services need beside systemd itself. */
const SERVICE_PROGRAMS = ["nft", "nginx", "sshd", "sudo", "curl", "htpasswd"];

/** What is missing for a host with systemd; `undefined` when one can be made. */
export function systemdObstacle(): string | undefined {
  return missingFor("systemd", SERVICE_PROGRAMS);
}

/** What is missing for an engine with Compose; `undefined` when one can be made. */
export function dockerObstacle(): string | undefined {
  const missing = missingFor("docker", ["busybox"]);
  if (missing !== undefined || composePlugin() !== undefined) return missing;
  return "missing: the Compose plugin (test/hosts/build-programs.sh builds it)";
}

/** What is missing for containers that watch the bus; `undefined` when they can be made. */
export function watchedObstacle(): string | undefined {
  return dockerObstacle() ?? missingFor("docker", ["prometheus", "prometheus-alertmanager", "nginx", "curl"]) ?? exporterObstacle();
}

/** What is missing for the official exporter; `undefined` when it is there. */
export function exporterObstacle(): string | undefined {
  return existsSync(exporterProgram()) ? undefined : "missing: the exporter (test/hosts/build-programs.sh builds it)";
}

/** Title of a test that may have to be skipped: the reason is said with it. */
export function titled(title: string, obstacle: string | undefined): string {
  return obstacle === undefined ? title : `${title} (${obstacle})`;
}
