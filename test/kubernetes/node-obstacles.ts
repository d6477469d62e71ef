/** What keeps a node with real pods from running on this machine, in words. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { missingPieces } from "./installed.ts";
import { API_PIECES, DISTRIBUTION_PROGRAMS, NODE_PIECES } from "./pieces.ts";

/** Everything that is missing; empty when a node can be started. */
export function nodeObstacles(): string[] {
  const obstacles: string[] = [];
  const unbuilt = missingPieces([...API_PIECES, ...NODE_PIECES]).map(({ name }) => name);
  if (process.platform !== "linux" || process.getuid?.() !== 0) obstacles.push("namespaces and mounts need Linux and root");
  if (!existsSync("/sys/fs/cgroup/memory"))
    obstacles.push("this machine has control groups of version 2 only; set KUBECONFIG to a cluster, for instance of kind");
  if (unbuilt.length > 0) obstacles.push(`not built: ${unbuilt.join(", ")} (npm run kubernetes:build)`);
  return [...obstacles, ...missingPrograms()];
}

/** Debian packages whose programs are not installed. */
function missingPackages(): string[] {
  return [...new Set(Object.entries(DISTRIBUTION_PROGRAMS).flatMap(([program, name]) => (isInstalled(program) ? [] : [name])))];
}

function missingPrograms(): string[] {
  const packages = missingPackages();
  return packages.length === 0 ? [] : [`not installed: ${packages.join(", ")} (packages of Debian)`];
}

function isInstalled(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  const folders = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`.split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}
