/** The processes that watch a bus, with their files, and what has to be done about each. Pure. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProbeConfig } from "../../../observability/probe-config.ts";
import { monitoringFiles, type RenderedFile } from "../../../observability/writers/files.ts";
import { type MonitoringInputs, WATCHER_HOST, type WatcherName, watcherUrls } from "./spec.ts";

/** A process as it should be. */
export interface Watcher {
  readonly name: WatcherName;
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Names its program may have on `PATH`, or one absolute path. */
  readonly programs: readonly string[];
  /** Arguments. */
  readonly args: readonly string[];
  /** Port on loopback. */
  readonly port: number;
  /** Files of the monitoring folder it reads; a change means a reload. */
  readonly files: readonly RenderedFile[];
  /** Whether SIGHUP makes it read its files again; else it is restarted. */
  readonly reloads: boolean;
}

/** A process as it is. */
export interface WatcherState {
  /** Program that was found; absent: it is not installed. */
  readonly program?: string;
  /** Arguments it was started with; absent: it does not run. */
  readonly args?: readonly string[];
  /** Whether one of its files is not as it should be. */
  readonly stale: boolean;
}

/** What is done about a process, mildest first. */
export type WatcherAction = "none" | "reload" | "start" | "restart" | "missing";

/**
 * Flags of Node that keep the probe small: it is idle most of the time, so compiled code and threads would cost more memory than they save time; it tidies its heap itself.
 * Authorities are the system's (`/etc/ssl`, `SSL_CERT_FILE`): Node's own list is 1.6 MB as soon as TLS is loaded, used or not.
 */
export const PROBE_NODE_FLAGS = [
  "--max-semi-space-size=1",
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
  "--single-threaded",
  "--v8-pool-size=0",
  "--expose-gc",
  "--use-openssl-ca",
];
const PROBE_PROGRAM = fileURLToPath(new URL("../../../probe/main.ts", import.meta.url));
const ACCESS_FILE = "probe/access.json";
// The service level looks back 30 days.
const RETENTION = "35d";

/** The processes in the order they are started. */
export function planWatchers(inputs: MonitoringInputs, node: string): Watcher[] {
  const root = resolve(inputs.directory);
  const files = planFiles(inputs);
  const under = (folder: string): RenderedFile[] => files.filter(({ path }) => path.startsWith(`${folder}/`));
  const listen = (port: number): string => `--web.listen-address=${WATCHER_HOST}:${port}`;
  const { ports } = inputs;
  return [
    {
      name: "alertmanager",
      folder: `${root}/alertmanager`,
      // Debian's name first.
      programs: ["prometheus-alertmanager", "alertmanager"],
      args: [
        listen(ports.alertmanager),
        `--storage.path=${root}/alertmanager/data`,
        "--cluster.listen-address=",
        `--config.file=${configFile(root, "alertmanager")}`,
      ],
      port: ports.alertmanager,
      files: under("alertmanager"),
      reloads: true,
    },
    {
      name: "probe",
      folder: `${root}/probe`,
      programs: [node],
      args: [...PROBE_NODE_FLAGS, PROBE_PROGRAM, configFile(root, "probe")],
      port: ports.probe,
      files: under("probe"),
      reloads: false,
    },
    {
      name: "prometheus",
      folder: `${root}/prometheus`,
      programs: ["prometheus"],
      args: [
        listen(ports.prometheus),
        `--storage.tsdb.path=${root}/prometheus/data`,
        `--storage.tsdb.retention.time=${RETENTION}`,
        `--config.file=${configFile(root, "prometheus")}`,
      ],
      port: ports.prometheus,
      files: under("prometheus"),
      reloads: true,
    },
  ];
}

/** Last argument of a process, by which it is recognised: no other is told this file. */
export function lastArgument(root: string, name: WatcherName): string {
  return name === "probe" ? configFile(root, name) : `--config.file=${configFile(root, name)}`;
}

/** Every file below the monitoring folder, Grafana's among them, for whoever runs one. */
export function planFiles(inputs: MonitoringInputs): RenderedFile[] {
  const { facts, choices, ports, probe, access } = inputs;
  const urls = watcherUrls(ports);
  const address = `${WATCHER_HOST}:${ports.probe}`;
  const exporters = probe.servers.map(({ name }) => ({ name, address, path: `/servers/${encodeURIComponent(name)}/metrics` }));
  const scrape = { ...choices.scrape, exporters, probes: [{ address }], alertmanagers: [`${WATCHER_HOST}:${ports.alertmanager}`] };
  const config: ProbeConfig = {
    ...probe,
    servers: probe.servers.map((server) => ({
      ...server,
      ...(server.monitorCaFile === undefined ? {} : { monitorCaFile: resolve(server.monitorCaFile) }),
      ...(server.noteFile === undefined ? {} : { noteFile: resolve(server.noteFile) }),
    })),
    ...(probe.canary === undefined ? {} : { canary: absoluteCanary(probe.canary) }),
    facts,
    listen: { host: WATCHER_HOST, port: ports.probe },
    ...(access === undefined ? {} : { accessFile: resolve(inputs.directory, ACCESS_FILE) }),
    prometheusUrl: urls.prometheus,
  };
  return [
    ...monitoringFiles(facts, {
      ...choices,
      scrape,
      prometheusUrl: urls.prometheus,
      grafanaFolder: resolve(inputs.directory, "grafana/dashboards"),
    }),
    { path: "probe/probe.json", content: `${JSON.stringify(config, null, 2)}\n` },
    ...(access === undefined ? [] : [{ path: ACCESS_FILE, content: `${JSON.stringify(access)}\n` }]),
  ];
}

/** What has to be done about a process. */
export function planAction(watcher: Watcher, { program, args, stale }: WatcherState): WatcherAction {
  if (args === undefined) return program === undefined ? "missing" : "start";
  if (args.join("\0") !== watcher.args.join("\0")) return "restart";
  if (!stale) return "none";
  return watcher.reloads ? "reload" : "restart";
}

/** The action in words for a plan; `undefined` when there is nothing to say. */
export function describeAction({ name, programs, port }: Watcher, action: WatcherAction): string | undefined {
  if (action === "none") return undefined;
  if (action === "missing")
    return `${name} is not installed (${programs.join(" or ")} on PATH); monitoring works without it as far as it can`;
  return `${action} of ${name} on port ${port}`;
}

function configFile(root: string, name: WatcherName): string {
  return `${root}/${name}/${name === "probe" ? "probe.json" : `${name}.yml`}`;
}

function absoluteCanary(canary: NonNullable<ProbeConfig["canary"]>): NonNullable<ProbeConfig["canary"]> {
  return {
    ...canary,
    ...(canary.credsFile === undefined ? {} : { credsFile: resolve(canary.credsFile) }),
    ...(canary.caFile === undefined ? {} : { caFile: resolve(canary.caFile) }),
  };
}
