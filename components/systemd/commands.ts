/** What is run on a host, as shell text. Nothing secret is in it: the files come on standard input. Pure. */
import type { SystemdHost } from "../../core/systemd-spec.ts";
import { hostPaths } from "./host-plan.ts";

/** Where a program that is handed over lies before it is installed: in the home of the user that logs in. */
export function uploadPath(sha256: string): string {
  return `.natsbus-nats-server-${sha256.slice(0, 12)}`;
}

/** Unpacks the bundle from standard input into a folder only this user sees, and installs it. It restarts nothing: who is next is decided over all hosts.
 * @param program file on the host to install as nats-server; absent: none is handed over
 * @param wait what the installer waits for */
export function installCommand(host: SystemdHost, program: string | undefined, wait: "server" | "cluster"): string {
  const link = program === undefined ? [] : [`ln -s "$(realpath ${program})" "$folder/nats-server"`];
  const steps = [
    "umask 077",
    "folder=$(mktemp -d)",
    "trap 'rm -rf \"$folder\"' EXIT",
    'base64 -d | tar -xf - -C "$folder"',
    ...link,
    `${asRoot(host)}timeout 3600 "$folder/install.sh" --leave-restarts --wait ${wait}`,
  ];
  return `set -e; ${steps.join("; ")}`;
}

/** Says of each server of a host what it needs to run as installed. */
export function listCommand(host: SystemdHost, cluster: string): string {
  return scriptCommand(host, cluster, "rollout.sh", ["--list"]);
}

/** Prints what each server of a host says of itself. */
export function pagesCommand(host: SystemdHost, cluster: string): string {
  return scriptCommand(host, cluster, "pages.sh", []);
}

/** Restarts one server of a host, and waits until it takes connections. */
export function restartCommand(host: SystemdHost, cluster: string, server: string): string {
  return scriptCommand(host, cluster, "rollout.sh", ["--restart", server]);
}

function scriptCommand(host: SystemdHost, cluster: string, script: string, args: readonly string[]): string {
  const { programs, config } = hostPaths(cluster);
  return `${asRoot(host)}timeout 900 ${[`${programs}/${script}`, config, ...args].join(" ")}`;
}

/** Removes the bus from a host, its data only when asked for. A bus that is gone already is fine. */
export function uninstallCommand(host: SystemdHost, cluster: string, purge: boolean): string {
  const { programs, config } = hostPaths(cluster);
  const script = `${programs}/uninstall.sh`;
  return `test ! -e ${script} || ${asRoot(host)}timeout 600 ${script} ${config}${purge ? " --purge-data" : ""}`;
}

function asRoot({ sudo }: SystemdHost): string {
  return sudo ? "sudo -n " : "";
}
