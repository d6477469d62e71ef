/** A node of a cluster with everything natsbus decides about it, and what is seen of its server. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import type { Varz } from "../gate/server-pages.ts";
import type { ClusterInputs } from "./cluster-spec.ts";
import { askMonitor, type MonitorAddress } from "./monitor.ts";
import { type NodeConfig, planNodeConfigs } from "./node-config.ts";
import { type NodeNote, readNote } from "./node-note.ts";
import type { LaunchState, NodeGoal, NodeState } from "./plan.ts";
import { CONFIG_FILE, findServer } from "./server-record.ts";
import type { ServerLaunch } from "./supervise.ts";

/** A node as it should be, on this machine. */
export interface ClusterNode extends NodeGoal {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Cluster name. */
  readonly cluster: string;
  /** Its configuration and files. */
  readonly config: NodeConfig;
}

/** A program that can be started. */
export interface NodeBinary {
  /** Path. */
  readonly path: string;
  /** Version it says it is. */
  readonly version: string;
}

/** Every node as it should be.
 * @throws ERR_SERVER_CONFIG when a value cannot be written */
export function planClusterNodes(inputs: ClusterInputs): ClusterNode[] {
  const { memoryBytes, cpu } = inputs.settings.limits;
  const launch: LaunchState = {
    wanted: inputs.version,
    ...(inputs.binary === undefined ? {} : { binary: inputs.binary }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpu === undefined ? {} : { cpu }),
  };
  return planNodeConfigs(inputs).map((config) => ({
    name: config.node.name,
    spec: config.spec,
    launch,
    folder: resolve(config.node.directory),
    cluster: inputs.settings.cluster.name,
    config,
  }));
}

/** Settings the node's server last took over; `undefined` when that is not known. */
export async function appliedSpec({ folder }: ClusterNode): Promise<ServerConfigSpec | undefined> {
  return ((await readNote(folder))?.applied as AppliedState | undefined)?.spec;
}

/** What a node's folder and its server say. */
export async function observeNode(node: ClusterNode): Promise<NodeState> {
  const [server, note] = await Promise.all([findServer(node.folder), readNote(node.folder)]);
  const applied = note?.applied as AppliedState | undefined;
  const known = applied === undefined ? {} : { applied: applied.spec, launch: applied.launch };
  if (server === undefined) return { running: false, ...known };
  const drift = note === undefined ? undefined : await findDrift(node.folder, note, applied?.spec);
  return { running: true, ...known, ...(drift === undefined ? {} : { drift }) };
}

/** What to write down about a node. */
export function noteOf(node: ClusterNode): NodeNote {
  const { host, clientUrl, monitorUrl } = node.config.node;
  const applied: AppliedState = { spec: node.spec, launch: node.launch };
  return { cluster: node.cluster, name: node.name, host, clientUrl, monitorUrl, monitorCa: node.config.authorityFile, applied };
}

/** How to start a node's server. */
export function launchOf(node: ClusterNode, binary: NodeBinary): ServerLaunch {
  const { host, ports } = node.config.node;
  const { memoryBytes, cpu } = node.launch;
  const clustered = node.spec.cluster !== undefined;
  return {
    name: node.name,
    folder: node.folder,
    binary: binary.path,
    version: binary.version,
    host,
    ports: clustered ? [ports.client, ports.route, ports.monitor] : [ports.client, ports.monitor],
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpu === undefined ? {} : { cpu }),
  };
}

/** Where a node's server can be asked now: as its note says, because a server that still waits for its restart listens where it was told before. */
export async function monitorOf(node: ClusterNode): Promise<MonitorAddress> {
  const note = await readNote(node.folder);
  if (note !== undefined) return notedMonitor(node.folder, note);
  const authority = node.config.tlsFiles.find((file) => file.path === node.config.authorityFile)?.content;
  return { url: node.config.node.monitorUrl, ...(authority === undefined || authority === "" ? {} : { ca: authority }) };
}

/** Where a server can be asked, as its note says. */
export async function notedMonitor(folder: string, { monitorUrl, monitorCa }: NodeNote): Promise<MonitorAddress> {
  const ca = monitorCa === undefined ? undefined : await readFile(join(folder, monitorCa), "utf8").catch(() => undefined);
  return { url: monitorUrl, ...(ca === undefined || ca === "" ? {} : { ca }) };
}

interface AppliedState {
  readonly spec: ServerConfigSpec;
  readonly launch: LaunchState;
}

async function findDrift(folder: string, note: NodeNote, applied: ServerConfigSpec | undefined): Promise<string | undefined> {
  const text = await readFile(join(folder, CONFIG_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return `${note.name}: its configuration file is gone`;
  if (applied !== undefined && text !== renderServerConfig(applied)) return `${note.name}: its configuration file was changed by hand`;
  if (note.digest === undefined || note.digest === "") return undefined;
  const varz = await askMonitor<Varz>(await notedMonitor(folder, note), "/varz");
  if (varz === undefined) return undefined;
  return varz.config_digest === note.digest ? undefined : `${note.name}: it runs with a configuration natsbus did not give it`;
}
