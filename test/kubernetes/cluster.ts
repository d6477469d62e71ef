/** A Kubernetes of one node with real pods, in namespaces of its own: it shares no listener, bridge, firewall rule or control group with the machine, and ends with its first process. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { authority as authorities, servers as certificates } from "../../components/tls/operations.ts";
import { type ImageSpec, writeImage } from "./image.ts";
import { binaryFolder, binaryPath } from "./installed.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { containerdConfig, kubeletConfig, networkConfig } from "./node-files.ts";
import { COREDNS_IMAGE, NATS_IMAGE } from "./pieces.ts";
import { probeImage } from "./probe-image.ts";

const HIERARCHIES = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd"];
const DAY_MS = 86_400_000;
const POLL_MS = 100;
const START_TIMEOUT_MS = 30_000;
const API_NAMES = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"];
const API_ADDRESSES = ["127.0.0.1", "10.96.0.1", "10.88.0.1"];

/** A running node. Its API server can be reached only from inside its network namespace: see {@link enter}. */
export interface TestNode extends AsyncDisposable {
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string;
  /** Folder of everything the node writes, volumes and logs among it. */
  readonly state: string;
  /** The arguments of a command, so that it runs inside the node's network. */
  enter(command: readonly string[]): readonly string[];
}

/**
 * Starts etcd, API server, controllers, scheduler, kubelet, proxy and containerd. Nothing is waited for but the first process. Needs root; see `nodeObstacles`.
 *
 * @example
 * await using node = await startCluster();
 * spawn("nsenter", node.enter(["kubectl", "get", "nodes"]), { env: { ...process.env, KUBECONFIG: node.kubeconfig } });
 */
export async function startCluster(): Promise<TestNode> {
  const state = await mkdtemp(join(tmpdir(), "natsbus-node-"));
  const images = join(state, "images");
  await Promise.all([writePki(state), writeFiles(state), mkdir(images).then(() => writeImages(images))]);
  const groups = await makeControlGroups(`natsbus-${process.pid}`);
  const child = launch(state, images, groups);
  const first = await findFirstProcess(child);
  const kill = () => void process.kill(first, "SIGKILL");
  // Also when this process is told to end: the node is a group of its own and would go on.
  process.once("exit", kill);
  return {
    kubeconfig: join(state, "node.kubeconfig"),
    state,
    enter: (command) => ["-t", String(first), "-n", ...command],
    [Symbol.asyncDispose]: async () => {
      process.removeListener("exit", kill);
      kill();
      await ended(child);
      await Promise.all(groups.map(removeControlGroup));
      await rm(state, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

async function writePki(state: string): Promise<void> {
  const pki = join(state, "pki");
  await mkdir(pki, { recursive: true });
  const validity = { validityMs: 10 * DAY_MS, renewBeforeMs: DAY_MS };
  const authority = authorities.create({ name: "natsbus test node", ...validity }).outs;
  const issued = certificates.create({ authority, nodes: { server: [...API_NAMES, ...API_ADDRESSES] }, ...validity }).outs;
  const token = randomBytes(16).toString("hex");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const files = {
    "ca.crt": authority.bundle,
    "server.crt": issued.certificates["server"] ?? "",
    "server.key": issued.keys["server"] ?? "",
    "accounts.key": String(privateKey.export({ type: "sec1", format: "pem" })),
    "tokens.csv": `${token},admin,admin,system:masters\n`,
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(pki, name), text, { mode: 0o600 })));
  await writeKubeconfig(join(state, "node.kubeconfig"), { server: "https://127.0.0.1:6443", authority: authority.bundle, token });
}

async function writeFiles(state: string): Promise<void> {
  await writeFile(join(state, "containerd.toml"), containerdConfig(state));
  await writeFile(join(state, "kubelet.json"), kubeletConfig());
  await writeFile(join(state, "network.conflist"), networkConfig());
}

async function writeImages(folder: string): Promise<void> {
  await writeImage(join(folder, "pause.tar"), programImage("test.local/pause:1", "pause", "/pause"));
  await writeImage(join(folder, "coredns.tar"), programImage(COREDNS_IMAGE, "coredns", "/coredns"));
  await writeImage(join(folder, "nats.tar"), programImage(NATS_IMAGE, "nats-server", "/usr/local/bin/nats-server"));
  await writeImage(join(folder, "probe.tar"), probeImage());
}

/** An image with one static program. */
function programImage(name: string, program: string, path: string): ImageSpec {
  return { name, files: [{ path, from: binaryPath(program) }], entrypoint: [path] };
}

/** A group of the node's own below this process's group, in every hierarchy. @returns their folders */
async function makeControlGroups(name: string): Promise<string[]> {
  const own = readFileSync("/proc/self/cgroup", "utf8");
  const folders = HIERARCHIES.filter((hierarchy) => existsSync(join("/sys/fs/cgroup", hierarchy))).map((hierarchy) => {
    const path = new RegExp(`^\\d+:(?:name=)?${hierarchy}:(.*)$`, "m").exec(own)?.[1] ?? "/";
    return join("/sys/fs/cgroup", hierarchy, path, name);
  });
  for (const folder of folders) await mkdir(folder, { recursive: true });
  // A new group of this hierarchy has no processor until it is given some.
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    for (const folder of folders.filter((path) => path.startsWith("/sys/fs/cgroup/cpuset"))) {
      await writeFile(join(folder, file), await readFile(join(dirname(folder), file), "utf8"));
    }
  }
  return folders;
}

function launch(state: string, images: string, groups: readonly string[]): ChildProcess {
  const join_ = groups.map((folder) => `echo $$ > '${folder}/cgroup.procs'`).join("; ");
  const script = join(import.meta.dirname, "node-init.sh");
  const isolated = `exec unshare --mount --net --pid --cgroup --uts --ipc --fork --kill-child --propagation private bash '${script}'`;
  const env = { ...process.env, STATE: state, PROGRAMS: binaryFolder(), IMAGES: images, CGROUPS: HIERARCHIES.join(" ") };
  return spawn("bash", ["-c", `${join_}; ${isolated}`], { env, stdio: "ignore", detached: true });
}

async function findFirstProcess(child: ChildProcess): Promise<number> {
  const until = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < until && child.exitCode === null) {
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").catch(() => "");
    const first = Number(children.trim().split(" ")[0]);
    if (first > 0) return first;
    await delay(POLL_MS);
  }
  throw new Error("the node's namespaces were not made");
}

async function ended(child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) await delay(POLL_MS);
}

/** Groups below it, which the kubelet made, go first; a process that is still ending keeps its group for a moment. */
async function removeControlGroup(folder: string): Promise<void> {
  const inner = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of inner.filter((candidate) => candidate.isDirectory())) await removeControlGroup(join(folder, entry.name));
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const removed = await rmdir(folder).then(
      () => true,
      () => !existsSync(folder),
    );
    if (removed) return;
    await delay(POLL_MS);
  }
}
