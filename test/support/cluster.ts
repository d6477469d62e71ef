import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePorts } from "./free-ports.ts";

const DEFAULT_VERSION = "2.15.2";
const PORT_ATTEMPTS = 5;
const POLL_MS = 15;

/** The addresses and folder of one test server; they stay the same over restarts. */
export interface TestNode {
  /** Server name: `n1`, `n2` … */
  readonly name: string;
  /** Client port on 127.0.0.1. */
  readonly port: number;
  /** Monitor port on 127.0.0.1, plain HTTP. */
  readonly monitorPort: number;
  /** Route port on 127.0.0.1. */
  readonly routePort: number;
  /** Folder with `nats.conf`, `nats.log` and `jetstream/`. */
  readonly folder: string;
  /** `nats://127.0.0.1:PORT` */
  readonly url: string;
  /** `http://127.0.0.1:PORT` */
  readonly monitorUrl: string;
}

/** Options of {@link startCluster}. */
export interface ClusterOptions {
  /** Number of servers; one runs without a `cluster {}` block.
   * @default 3 */
  readonly servers?: number;
  /** Text added to a node's configuration, for instance `operator:`, `accounts {}` or `tls {}`; asked again at each start.
   * @default - nothing */
  readonly configText?: (node: TestNode, all: readonly TestNode[]) => string;
  /** Text inside a node's `cluster {}` block, for instance `tls {}`; asked again at each start.
   * @default - nothing */
  readonly clusterText?: (node: TestNode) => string;
  /** Text inside the `jetstream {}` block.
   * @default "max_mem: 256MB, max_file: 1GB" */
  readonly jetstreamText?: string;
  /** Cluster name.
   * @default "test" */
  readonly name?: string;
  /** Path of nats-server.
   * @default - `NATS_SERVER_BIN`, else the project's cache */
  readonly binary?: string;
  /** How long to wait for readiness.
   * @default 30000 */
  readonly timeoutMs?: number;
  /** Whether to wait for readiness before returning.
   * @default true */
  readonly waitReady?: boolean;
}

/** The nats-server that tests run: `NATS_SERVER_BIN`, else the one in the project's cache. */
export function testServerBinary(version = DEFAULT_VERSION): string {
  const given = process.env["NATS_SERVER_BIN"];
  if (given !== undefined && given !== "") return given;
  const cache = process.env["NATSBUS_CACHE_DIR"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "natsbus");
  const path = join(cache, "nats-server", version, "nats-server");
  if (!existsSync(path)) throw new Error(`no nats-server at ${path}: set NATS_SERVER_BIN or run "npm run up" once`);
  return path;
}

/**
 * Starts real nats-servers on free loopback ports and waits until they are one JetStream cluster with a meta leader.
 * Everything it started is killed, and its folder removed, when the returned object is disposed.
 *
 * @example
 * await using cluster = await startCluster({ servers: 3, configText: () => "max_payload: 2MB" });
 * const connection = await connect({ servers: cluster.urls });
 */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  for (let attempt = 1; ; attempt += 1) {
    const cluster = await TestCluster.prepare(options);
    try {
      await cluster.startAll();
      if (options.waitReady !== false) await cluster.waitReady(options.timeoutMs);
      return cluster;
    } catch (error) {
      const logs = (await Promise.all(cluster.nodes.map((node) => cluster.logs(node)))).join("\n");
      await cluster[Symbol.asyncDispose]();
      if (attempt < PORT_ATTEMPTS && logs.includes("address already in use")) continue;
      throw new Error(`test cluster did not start: ${String(error)}\n${logs.slice(-4000)}`, { cause: error });
    }
  }
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A running test cluster; see {@link startCluster}. */
export class TestCluster implements AsyncDisposable {
  /** Folder of the whole cluster, removed on dispose. */
  readonly folder: string;
  /** The nodes in order `n1`, `n2` … */
  readonly nodes: readonly TestNode[];
  readonly #options: ClusterOptions;
  readonly #children = new Map<string, ChildProcess>();

  private constructor(folder: string, nodes: readonly TestNode[], options: ClusterOptions) {
    this.folder = folder;
    this.nodes = nodes;
    this.#options = options;
  }

  /** Picks ports and a folder; starts nothing. */
  static async prepare(options: ClusterOptions): Promise<TestCluster> {
    const count = options.servers ?? 3;
    const folder = await mkdtemp(join(tmpdir(), "natsbus-test-"));
    const first = await findFreePorts(count * 3);
    const nodes = Array.from({ length: count }, (_, index) => describeNode(folder, index, first));
    return new TestCluster(folder, nodes, options);
  }

  /** Client URLs of all nodes. */
  get urls(): string[] {
    return this.nodes.map((node) => node.url);
  }

  /** Monitor URLs of all nodes. */
  get monitorUrls(): string[] {
    return this.nodes.map((node) => node.monitorUrl);
  }

  /** Process id of a node's server, undefined when it does not run. */
  pid(node: TestNode | string): number | undefined {
    return this.#children.get(nameOf(node))?.pid;
  }

  /** Finds a node by its name. */
  node(name: TestNode | string): TestNode {
    const found = this.nodes.find((node) => node.name === nameOf(name));
    if (found === undefined) throw new Error(`no node ${nameOf(name)}`);
    return found;
  }

  /** Writes the node's configuration and starts its server; does not wait for readiness. */
  async start(which: TestNode | string): Promise<void> {
    const node = this.node(which);
    if (this.#children.has(node.name)) return;
    await mkdir(node.folder, { recursive: true });
    const config = join(node.folder, "nats.conf");
    await writeFile(config, renderConfig(node, this.nodes, this.#options));
    const log = await open(join(node.folder, "nats.log"), "a");
    const child = spawn(this.#options.binary ?? testServerBinary(), ["-c", config], { stdio: ["ignore", log.fd, log.fd] });
    running.add(child);
    this.#children.set(node.name, child);
    child.once("exit", () => {
      running.delete(child);
      if (this.#children.get(node.name) === child) this.#children.delete(node.name);
    });
    await once(child, "spawn");
    await log.close();
  }

  /** Starts every node that does not run. */
  async startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.start(node)));
  }

  /** Ends a node's server at once with SIGKILL and waits until it is gone. */
  async kill(node: TestNode | string): Promise<void> {
    await this.#end(nameOf(node), "SIGKILL");
  }

  /** Ends a node's server in order with SIGTERM and waits until it is gone. */
  async stop(node: TestNode | string): Promise<void> {
    await this.#end(nameOf(node), "SIGTERM");
  }

  /** Stops all servers in order, starts them again on the same data and ports, and waits for readiness. */
  async restartAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.stop(node)));
    await this.startAll();
    await this.waitReady();
  }

  /** Writes a node's configuration anew and tells its server to reload it. */
  async reload(which: TestNode | string): Promise<void> {
    const node = this.node(which);
    await writeFile(join(node.folder, "nats.conf"), renderConfig(node, this.nodes, this.#options));
    this.#children.get(node.name)?.kill("SIGHUP");
  }

  /** Everything the node's servers have logged so far. */
  async logs(node: TestNode | string): Promise<string> {
    return readFile(join(this.node(node).folder, "nats.log"), "utf8").catch(() => "");
  }

  /** Name of the node that leads the meta group, undefined while there is none or it is a lone server. */
  async metaLeader(): Promise<string | undefined> {
    for (const node of this.nodes) {
      const answer = await getJson<Jsz>(`${node.monitorUrl}/jsz`);
      if (answer?.meta_cluster?.leader) return answer.meta_cluster.leader;
    }
    return undefined;
  }

  /** Waits until every running node knows the meta leader and the leader sees all of them current. */
  async waitReady(timeoutMs = 30_000): Promise<void> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const blocker = await this.#blocker();
      if (blocker === undefined) return;
      if (performance.now() > until) throw new Error(`not ready after ${timeoutMs} ms: ${blocker}`);
      await delay(POLL_MS);
    }
  }

  /** Kills every server and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.kill(node)));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }

  async #blocker(): Promise<string | undefined> {
    const expected = this.nodes.filter((node) => this.#children.has(node.name));
    if (expected.length === 0 || this.#failedEarly()) return "a server ended";
    if (this.nodes.length === 1) {
      const health = await getJson<{ status?: string }>(`${this.nodes[0]!.monitorUrl}/healthz`);
      return health?.status === "ok" ? undefined : "health is not ok";
    }
    const answers = await Promise.all(expected.map((node) => getJson<Jsz>(`${node.monitorUrl}/jsz`)));
    const leader = answers[0]?.meta_cluster?.leader;
    if (!leader || answers.some((answer) => answer?.meta_cluster?.leader !== leader)) return "no common meta leader";
    // Only the leader knows who is current; a follower reports the other followers as behind for ever.
    const replicas = answers[expected.findIndex((node) => node.name === leader)]?.meta_cluster?.replicas ?? [];
    const behind = replicas.filter((replica) => !replica.current && expected.some((node) => node.name === replica.name));
    if (replicas.length < expected.length - 1) return "not all nodes joined";
    return behind.length === 0 ? undefined : `${behind.map((replica) => replica.name).join(", ")} not current`;
  }

  #failedEarly(): boolean {
    return [...this.#children.values()].some((child) => child.exitCode !== null);
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }
}

interface Jsz {
  readonly meta_cluster?: { readonly leader?: string; readonly replicas?: readonly { readonly name: string; readonly current: boolean }[] };
}

async function getJson<T>(url: string): Promise<T | undefined> {
  try {
    return (await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).json()) as T;
  } catch {
    return undefined;
  }
}

function nameOf(node: TestNode | string): string {
  return typeof node === "string" ? node : node.name;
}

function describeNode(folder: string, index: number, first: number): TestNode {
  const [port, monitorPort, routePort] = [first + index * 3, first + index * 3 + 1, first + index * 3 + 2];
  const name = `n${index + 1}`;
  const addresses = { url: `nats://127.0.0.1:${port}`, monitorUrl: `http://127.0.0.1:${monitorPort}` };
  return { name, port, monitorPort, routePort, folder: join(folder, name), ...addresses };
}

function renderConfig(node: TestNode, all: readonly TestNode[], options: ClusterOptions): string {
  const routes = all.map((other) => `nats-route://127.0.0.1:${other.routePort}`).join(", ");
  const cluster = `cluster { name: ${options.name ?? "test"}, listen: "127.0.0.1:${node.routePort}", routes: [${routes}], no_advertise: true
${options.clusterText?.(node) ?? ""}
}`;
  return `server_name: ${node.name}
listen: "127.0.0.1:${node.port}"
http: "127.0.0.1:${node.monitorPort}"
jetstream { store_dir: "${join(node.folder, "jetstream")}", ${options.jetstreamText ?? "max_mem: 256MB, max_file: 1GB"} }
${all.length > 1 ? cluster : ""}
${options.configText?.(node, all) ?? ""}
`;
}
