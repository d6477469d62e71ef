/** Logs in to hosts as `up` would, to learn whether they can be set up; nothing is changed there. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { BusError } from "../../core/errors.ts";
import type { SystemdHost } from "../../core/systemd-spec.ts";
import { explainReach, NO_RIGHT, NO_SYSTEMD, type ReachAnswer } from "./reach-answer.ts";

const CONNECT_TIMEOUT_S = 10;
const TIMEOUT_MS = 60_000;
const MOST_OUTPUT = 10_000;

type Login = Pick<SystemdHost, "address" | "port" | "user" | "hostKey" | "privateKeyFile">;

/**
 * Whether the host answers with its pinned key, lets its user in, and lets that user set up services; its bastion is asked first.
 * @param path path of the host in the stack file, for instance `systemd.hosts[0]`
 * @throws ERR_HOST_ACCESS, ERR_HOST_TOOL
 */
export async function reachHost(host: SystemdHost, path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "natsbus-reach-"));
  try {
    if (host.via === "local") return explainReach(host, path, await run("/bin/bash", ["-c", fitness(host)]));
    const { bastion } = host;
    if (bastion !== undefined) {
      const answer = await run("ssh", [...(await loginArgs(bastion, join(folder, "bastion"), undefined)), "true"]);
      explainReach({ ...bastion, sudo: false }, `${path}.bastion`, answer);
    }
    explainReach(host, path, await run("ssh", [...(await sshArguments(host, folder)), fitness(host)]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Arguments of `ssh` up to the command, for a host with its bastion.
 * @param folder where the pinned keys are written; it must outlive the login */
export async function sshArguments(host: SystemdHost, folder: string): Promise<string[]> {
  const { bastion } = host;
  const through = bastion === undefined ? undefined : await loginArgs(bastion, join(folder, "bastion"), undefined);
  return loginArgs(host, join(folder, "host"), through);
}

/** Shell text with an exit code for each reason why the host is not fit. */
function fitness({ sudo }: Pick<SystemdHost, "sudo">): string {
  const right = sudo ? "sudo -n true" : '[ "$(id -u)" = 0 ]';
  return `${right} || exit ${NO_RIGHT}; command -v systemctl >/dev/null || exit ${NO_SYSTEMD}`;
}

/** Arguments up to the command; no setting of this machine's user or system can weaken the pinned key. */
async function loginArgs(login: Login, known: string, through: readonly string[] | undefined): Promise<string[]> {
  const { address, port, user, hostKey = "", privateKeyFile } = login;
  await writeFile(known, `pinned ${hostKey}\n`);
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: known,
    GlobalKnownHostsFile: "/dev/null",
    HostKeyAlias: "pinned",
    ConnectTimeout: String(CONNECT_TIMEOUT_S),
    ...(through === undefined ? {} : { ProxyCommand: proxyCommand(through) }),
  };
  const key = privateKeyFile === undefined ? [] : ["-i", keyPath(privateKeyFile), "-o", "IdentitiesOnly=yes"];
  const pairs = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["-F", "/dev/null", ...pairs, ...key, "-p", String(port), "-l", user, address];
}

/** The last argument of a login is the address; what comes before it are options. */
function proxyCommand(args: readonly string[]): string {
  return ["ssh", ...args.slice(0, -1), "-W", "[%h]:%p", args.at(-1) ?? ""].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

function keyPath(file: string): string {
  return file.startsWith("~/") ? join(homedir(), file.slice(2)) : resolve(file);
}

function run(program: string, args: readonly string[]): Promise<ReachAnswer> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], timeout: TIMEOUT_MS });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-MOST_OUTPUT);
    });
    child.once("error", (cause) =>
      fail(new BusError("ERR_HOST_TOOL", `${program} cannot be run`, { cause, remedy: `install ${program}` })),
    );
    child.once("close", (code) => done({ code: code ?? 255, said }));
  });
}
