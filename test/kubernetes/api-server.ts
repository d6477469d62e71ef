/** A real API server with nothing behind it: it validates, admits, stores and dry-runs objects as any cluster does; no pod ever runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePorts } from "../support/free-ports.ts";
import { binaryPath, missingPieces } from "./installed.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { API_PIECES } from "./pieces.ts";

const START_TIMEOUT_MS = 120_000;
const POLL_MS = 100;
const PORT_ATTEMPTS = 3;

/** A running API server; ended and removed on dispose. */
export interface TestApiServer extends AsyncDisposable {
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string;
}

/** Why {@link startApiServer} cannot work here, for a test that skips itself aloud; `undefined` when it can. */
export function apiServerObstacle(): string | undefined {
  const missing = missingPieces(API_PIECES).map(({ name }) => name);
  return missing.length === 0 ? undefined : `not built: ${missing.join(", ")}; build with: npm run kubernetes:build -- api`;
}

/**
 * Starts etcd and kube-apiserver on free ports of loopback, without a cluster behind them. Takes about 10 seconds.
 *
 * @example
 * describe.skipIf(apiServerObstacle() !== undefined)("objects", () => { … await using api = await startApiServer(); … });
 */
export async function startApiServer(): Promise<TestApiServer> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await ApiServer.launch();
    try {
      await server.waitReady();
      return server;
    } catch (error) {
      const logs = await server.logs();
      await server[Symbol.asyncDispose]();
      if (attempt < PORT_ATTEMPTS && logs.includes("address already in use")) continue;
      throw new Error(`the API server did not start: ${String(error)}\n${logs.slice(-3000)}`, { cause: error });
    }
  }
}

class ApiServer implements TestApiServer {
  readonly kubeconfig: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #token: string;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string, port: number, token: string) {
    this.#folder = folder;
    this.#port = port;
    this.#token = token;
    this.kubeconfig = join(folder, "kubeconfig");
  }

  static async launch(): Promise<ApiServer> {
    const folder = await mkdtemp(join(tmpdir(), "natsbus-api-server-"));
    const first = await findFreePorts(3);
    const token = randomBytes(16).toString("hex");
    const server = new ApiServer(folder, first, token);
    await writeAccess(folder, token);
    await server.#start("etcd", etcdArguments(folder, first + 1, first + 2));
    await server.#start("kube-apiserver", apiServerArguments(folder, first, first + 1));
    return server;
  }

  async waitReady(): Promise<void> {
    const until = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (this.#children.some((child) => child.exitCode !== null)) throw new Error("a program ended");
      if (performance.now() > until) throw new Error(`not ready after ${START_TIMEOUT_MS} ms`);
      await delay(POLL_MS);
    }
  }

  async logs(): Promise<string> {
    const texts = await Promise.all(["etcd", "kube-apiserver"].map((name) => readFile(join(this.#folder, `${name}.log`), "utf8")));
    return texts.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The last started is the first to go, or the API server would complain at length that its store is gone.
    for (const child of this.#children.toReversed()) await end(child);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }

  async #answers(): Promise<boolean> {
    const certificate = await readFile(join(this.#folder, "apiserver.crt"), "utf8").catch(() => undefined);
    if (certificate === undefined) return false;
    await writeKubeconfig(this.kubeconfig, { server: `https://127.0.0.1:${this.#port}`, authority: certificate, token: this.#token });
    const { loadKubeconfig } = await import("../../connection/kubeconfig.ts");
    const { CoreV1Api } = await import("@kubernetes/client-node");
    const api = (await loadKubeconfig({ kubeconfig: this.kubeconfig })).makeApiClient(CoreV1Api);
    // The namespace is made when everything else is in place.
    return api.readNamespace({ name: "default" }).then(
      () => true,
      () => false,
    );
  }

  async #start(name: string, args: readonly string[]): Promise<void> {
    const log = await open(join(this.#folder, `${name}.log`), "a");
    const child = spawn(binaryPath(name), args, { stdio: ["ignore", log.fd, log.fd], cwd: this.#folder });
    this.#children.push(child);
    running.add(child);
    child.once("exit", () => running.delete(child));
    await once(child, "spawn");
    await log.close();
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function writeAccess(folder: string, token: string): Promise<void> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(join(folder, "accounts.key"), privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  await writeFile(join(folder, "tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
}

function etcdArguments(folder: string, client: number, peer: number): string[] {
  const clients = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    "--unsafe-no-fsync",
  ];
}

function apiServerArguments(folder: string, port: number, etcd: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    "--bind-address=127.0.0.1",
    // Published to pods, of which there are none; loopback is refused here.
    "--advertise-address=10.0.0.1",
    `--secure-port=${port}`,
    // It makes its own certificate there.
    `--cert-dir=${folder}`,
    `--token-auth-file=${join(folder, "tokens.csv")}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-signing-key-file=${join(folder, "accounts.key")}`,
    `--service-account-key-file=${join(folder, "accounts.key")}`,
    // Nobody makes the default service account of a namespace here, which a pod's admission would wait for.
    "--disable-admission-plugins=ServiceAccount",
  ];
}
