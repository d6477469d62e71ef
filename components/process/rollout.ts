/** Carries a plan out on the servers of this machine: starts, reloads, and restarts one at a time behind the readiness gate. */
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { BusError } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { needsSecondReload } from "../../core/reload.ts";
import { restartOneByOne } from "../gate/rolling.ts";
import type { Varz } from "../gate/server-pages.ts";
import { appliedSpec, type ClusterNode, launchOf, monitorOf, type NodeBinary, noteOf } from "./cluster-node.ts";
import { askMonitor } from "./monitor.ts";
import { TLS_FOLDER } from "./node-config.ts";
import { claimFolder, removeOthers, writeFiles } from "./node-folder.ts";
import { writeNote } from "./node-note.ts";
import { assertPortsFree } from "./port-owner.ts";
import { waitReady } from "./readiness.ts";
import { removeNodes } from "./remove.ts";
import { CONFIG_FILE, findServer, findStray, type ServerRecord, writeRecord } from "./server-record.ts";
import { assertRuns, endServer, reloadServer, retireServer, startServer } from "./supervise.ts";

const run = promisify(execFile);
const READY_TIMEOUT_MS = 60_000;
const GATE_TIMEOUT_MS = 120_000;
const RELOAD_TIMEOUT_MS = 10_000;
const TEST_TIMEOUT_MS = 30_000;
const LEAVE_MARGIN_MS = 5_000;
const POLL_MS = 10;
const STAGED_FILE = `${CONFIG_FILE}.next`;

/**
 * Starts servers, all at once; they are not ready yet. Either all of them are started, or none and nothing that was made for them is left.
 * @throws ERR_RUNTIME_FOLDER, ERR_PORT_IN_USE, ERR_SERVER_START
 */
export async function startNodes(nodes: readonly ClusterNode[], binary: NodeBinary): Promise<void> {
  for (const node of nodes) {
    const stray = await findStray(node.folder);
    if (stray !== undefined) await endServer(stray, node.folder);
  }
  for (const node of nodes) await assertPortsFree(launchOf(node, binary));
  const results = await Promise.allSettled(nodes.map((node) => claimFolder(node.folder, noteOf(node))));
  const made = nodes.filter((_, index) => results[index]?.status === "fulfilled" && results[index].value);
  const failed = results.find((result) => result.status === "rejected") ?? (await startAll(nodes, binary));
  if (failed === undefined) return;
  await removeNodes(made.map((node) => node.folder));
  throw failed.reason;
}

/**
 * Waits until the cluster is ready, and writes down what configuration each server took over.
 * @param options.assets also wait for every stream and consumer, default false
 * @returns the meta leader
 * @throws ERR_CLUSTER_NOT_READY, ERR_SERVER_START
 */
export async function waitCluster(nodes: readonly ClusterNode[], options: { readonly assets?: boolean } = {}): Promise<string> {
  const assets = options.assets === true;
  return waitReady({
    nodes: await Promise.all(nodes.map(async (node) => ({ name: node.name, monitor: await monitorOf(node) }))),
    assets,
    timeoutMs: assets ? GATE_TIMEOUT_MS : READY_TIMEOUT_MS,
    check: async () => {
      for (const node of nodes) await assertRuns(launchOf(node, { path: "", version: "" }));
    },
  });
}

/**
 * Has running servers take over their new configuration. Every file is tested by the server program first, so that a bad one touches nothing.
 * @returns names of the servers that refused although the configuration is valid: they need a restart
 * @throws ERR_SERVER_CONFIG
 */
export async function reloadNodes(nodes: readonly ClusterNode[]): Promise<string[]> {
  const tested = await Promise.all(nodes.map(async (node) => ({ node, expected: await testConfig(node) })));
  const refused: string[] = [];
  for (const { node, expected } of tested) {
    progress(`${node.name}: reload`);
    if (!(await reloadNode(node, expected))) refused.push(node.name);
  }
  return refused;
}

/**
 * Restarts servers one at a time: the next one only when every server, stream and consumer is current again, the meta leader last.
 * @throws ERR_CLUSTER_NOT_READY, ERR_SERVER_START
 */
export async function restartNodes(all: readonly ClusterNode[], names: readonly string[], binary: NodeBinary): Promise<void> {
  const chosen = new Map(all.filter(({ name }) => names.includes(name)).map((node) => [node.name, node]));
  for (const node of chosen.values()) await testConfig(node);
  await restartOneByOne({
    names: [...chosen.keys()],
    waitCurrent: () => {
      progress("waiting until every server, stream and consumer is current");
      return waitCluster(all, { assets: true });
    },
    restart: async (name, left) => {
      progress(`${name}: restart (${left} to go)`);
      const node = chosen.get(name);
      if (node !== undefined) await restartNode(node, binary);
    },
  });
}

/** Writes down what each server is and the digest it reports, and removes certificates no server uses any more.
 * @returns Map keyed by server name: digest */
export async function settleNodes(nodes: readonly ClusterNode[]): Promise<Record<string, string>> {
  const digests = await Promise.all(
    nodes.map(async (node): Promise<[string, string]> => {
      const [varz, server] = await Promise.all([askVarz(node), findServer(node.folder)]);
      const digest = varz?.config_digest ?? "";
      if (server !== undefined) await writeRecord(node.folder, { ...server, version: varz?.version ?? server.version });
      await writeNote(node.folder, { ...noteOf(node), digest });
      await removeOthers(join(node.folder, TLS_FOLDER), node.config.tlsFiles);
      return [node.name, digest];
    }),
  );
  return Object.fromEntries(digests);
}

/** The server's own description of itself; `undefined` when it does not answer. */
export async function askVarz(node: ClusterNode): Promise<Varz | undefined> {
  return askMonitor<Varz>(await monitorOf(node), "/varz");
}

/** Starts servers; when one cannot be started, ends the others again. @returns the first failure */
async function startAll(nodes: readonly ClusterNode[], binary: NodeBinary): Promise<PromiseRejectedResult | undefined> {
  const results = await Promise.allSettled(nodes.map((node) => startNode(node, binary)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return undefined;
  const started = results.flatMap((result, index) =>
    result.status === "fulfilled" ? [{ record: result.value, folder: nodes[index]?.folder ?? "" }] : [],
  );
  await Promise.all(started.map(({ record, folder }) => endServer(record, folder)));
  return failed;
}

async function startNode(node: ClusterNode, binary: NodeBinary): Promise<ServerRecord> {
  await writeConfig(node);
  // Written before the start: whoever finds the server later must know what it runs with.
  await writeNote(node.folder, noteOf(node));
  return startServer(launchOf(node, binary));
}

async function restartNode(node: ClusterNode, binary: NodeBinary): Promise<void> {
  const record = await findServer(node.folder);
  const { durationMs, gracePeriodMs } = node.config.spec.lameDuck;
  if (record !== undefined) await retireServer(record, node.folder, durationMs + gracePeriodMs + LEAVE_MARGIN_MS);
  await startNode(node, binary);
}

async function reloadNode(node: ClusterNode, expected: string): Promise<boolean> {
  const record = await findServer(node.folder);
  // Without the expected digest a reload cannot be told from a refused one.
  if (record === undefined || expected === "") return false;
  const before = await appliedSpec(node);
  await writeConfig(node);
  await reloadServer(record);
  if (!(await untilVarz(node, (varz) => varz?.config_digest === expected))) return false;
  if (needsSecondReload(before, node.spec)) {
    const first = (await askVarz(node))?.config_load_time;
    await reloadServer(record);
    if (!(await untilVarz(node, (varz) => varz !== undefined && varz.config_load_time !== first))) return false;
  }
  await writeNote(node.folder, { ...noteOf(node), digest: expected });
  return true;
}

async function untilVarz(node: ClusterNode, isDone: (varz: Varz | undefined) => boolean): Promise<boolean> {
  const until = performance.now() + RELOAD_TIMEOUT_MS;
  while (!isDone(await askVarz(node))) {
    if (performance.now() >= until) return false;
    await delay(POLL_MS);
  }
  return true;
}

async function writeConfig(node: ClusterNode): Promise<void> {
  await writeFiles(node.folder, [...node.config.tlsFiles, { path: CONFIG_FILE, content: node.config.text }]);
}

/** Lets the server program read the new configuration. @returns the digest the server will report for it */
async function testConfig(node: ClusterNode): Promise<string> {
  const record = await findServer(node.folder);
  const program = record?.binary ?? "";
  if (program === "") return "";
  await writeFiles(node.folder, [...node.config.tlsFiles, { path: STAGED_FILE, content: node.config.text }]);
  try {
    const { stdout, stderr } = await run(program, ["-t", "-c", STAGED_FILE], { cwd: node.folder, timeout: TEST_TIMEOUT_MS });
    return /sha256:[0-9a-f]+/.exec(stdout + stderr)?.[0] ?? "";
  } catch (error) {
    const said = (error as { readonly stderr?: string }).stderr ?? String(error);
    throw new BusError("ERR_SERVER_CONFIG", `server ${node.name} would refuse its new configuration: ${said.trim()}`, {
      remedy: "correct the setting; the servers still run with the old configuration",
      cause: error,
    });
  } finally {
    await rm(join(node.folder, STAGED_FILE), { force: true });
  }
}
