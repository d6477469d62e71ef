/** The hosts of a bus as Pulumi resources: one command a host, one host after the other, and one that restarts servers and is done when the cluster is ready. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { local, remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { BusError } from "../../core/errors.ts";
import type { SystemdHost } from "../../core/systemd-spec.ts";
import { installCommand, uninstallCommand, uploadPath } from "./commands.ts";
import type { FoundProgram } from "./program.ts";
import { HostRollout } from "./rolling/resource.ts";

const DIAL_ATTEMPTS = 5;
const DIAL_TIMEOUT_S = 15;

/** One host and what is put there. */
export interface HostToInstall {
  /** The host. */
  readonly host: SystemdHost;
  /** Names of its servers. */
  readonly servers: readonly string[];
  /** Its bundle in base 64. A secret. */
  readonly bundle: pulumi.Output<string>;
}

/** What {@link createHosts} works with. */
export interface HostsArgs {
  /** Name of the cluster. */
  readonly cluster: string;
  /** Every host that gets a server. */
  readonly hosts: readonly HostToInstall[];
  /** The nats-server program. */
  readonly program: pulumi.Output<FoundProgram>;
  /** Whether a program is handed over from this machine. */
  readonly uploads: boolean;
  /** Whether the data goes too when a host is removed. */
  readonly purge: boolean;
}

/** Declares the hosts; answers the resource that is done when the cluster is ready. */
export function createHosts(name: string, args: HostsArgs, options: pulumi.CustomResourceOptions): pulumi.Resource {
  const installed: pulumi.Resource[] = [];
  for (const [index, target] of args.hosts.entries()) {
    // One host after the other: what a host refuses is not tried on the next.
    const after = installed.slice(-1);
    installed.push(createHost(`${name}-host-${index + 1}`, target, { ...args, after }, options));
  }
  // The digest changes with every change of a host, so that the cluster is looked at again.
  const revision = pulumi.unsecret(pulumi.all(args.hosts.map(({ bundle }) => bundle)).apply((bundles) => hashOf(bundles.join("\n"))));
  const hosts = args.hosts.map(({ host, servers }) => ({ host, servers }));
  return new HostRollout(`${name}-rollout`, { cluster: args.cluster, hosts, revision }, { ...options, dependsOn: installed });
}

function createHost(
  name: string,
  { host, bundle }: HostToInstall,
  args: HostsArgs & { readonly after: readonly pulumi.Resource[] },
  options: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const upload = args.uploads && host.via === "ssh" ? createUpload(`${name}-program`, host, args, options) : undefined;
  const program = args.program.apply(({ file, sha256 }) => {
    if (!args.uploads) return undefined;
    return host.via === "local" ? file : uploadPath(sha256 ?? "");
  });
  const commands = {
    create: program.apply((path) => installCommand(host, path, "server")),
    update: program.apply((path) => installCommand(host, path, "server")),
    delete: uninstallCommand(host, args.cluster, args.purge),
    stdin: bundle,
  };
  const dependsOn = [...args.after, ...(upload === undefined ? [] : [upload])];
  return createCommand(name, host, commands, { ...options, dependsOn });
}

/** The file stays in the home of the user; it is small beside what it saves: a new copy at each change. */
function createUpload(name: string, host: SystemdHost, { program }: HostsArgs, options: pulumi.CustomResourceOptions): pulumi.Resource {
  const source = program.apply(({ file }) => new pulumi.asset.FileAsset(file ?? ""));
  const remotePath = program.apply(({ sha256 }) => uploadPath(sha256 ?? ""));
  return new remote.CopyToRemote(name, { connection: connectionOf(host), source, remotePath }, options);
}

interface Commands {
  readonly create: pulumi.Input<string>;
  readonly update: pulumi.Input<string>;
  readonly delete?: string;
  readonly stdin: pulumi.Input<string>;
}

function createCommand(name: string, host: SystemdHost, commands: Commands, options: pulumi.CustomResourceOptions): pulumi.Resource {
  // Commands store and show what they print in clear, and an error repeats it; the scripts print nothing secret, and this makes sure.
  const hidden = pulumi.mergeOptions(options, { additionalSecretOutputs: ["stdout", "stderr"] });
  const shared = { ...commands, stdin: pulumi.secret(commands.stdin), addPreviousOutputInEnv: false, logging: "none" as const };
  if (host.via === "local") return new local.Command(name, { ...shared, interpreter: ["/bin/bash", "-c"] }, hidden);
  return new remote.Command(name, { ...shared, connection: connectionOf(host) }, hidden);
}

/** Settings of a connection; the host's key is always pinned, or whoever answers would be given the servers' keys. */
export function connectionOf(host: SystemdHost): pulumi.Input<types.input.remote.ConnectionArgs> {
  const { bastion } = host;
  return {
    ...loginOf(host),
    ...(bastion === undefined ? {} : { proxy: loginOf(bastion) }),
  };
}

function loginOf(host: Pick<SystemdHost, "address" | "port" | "user" | "hostKey" | "privateKeyFile">) {
  const { address, port, user, hostKey, privateKeyFile } = host;
  if (hostKey === undefined) throw new BusError("ERR_INTERNAL", `${address} has no pinned key`);
  const key = privateKeyFile === undefined ? {} : { privateKey: pulumi.secret(readPrivateKey(privateKeyFile)) };
  return { host: address, port, user, hostKey, dialErrorLimit: DIAL_ATTEMPTS, perDialTimeout: DIAL_TIMEOUT_S, ...key };
}

function readPrivateKey(file: string): string {
  const path = file.startsWith("~/") ? join(homedir(), file.slice(2)) : resolve(file);
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new BusError("ERR_HOST_ACCESS", `the private key ${path} cannot be read`, {
      path: "systemd.hosts",
      remedy: "correct privateKeyFile, or remove it to use the running SSH agent",
      cause,
    });
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
