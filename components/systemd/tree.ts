/** Everything natsbus puts on a host, as files: configuration, certificates, units, firewall, site, scripts. Pure. */
import { createHash } from "node:crypto";
import type { BusSpec } from "../../core/bus-spec.ts";
import { startSettings } from "../../core/reload.ts";
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import { renderSize } from "../../core/units.ts";
import { contentName, planServer, type ServerIdentity, serverSettings } from "../server-plan.ts";
import { renderFirewall } from "./firewall.ts";
import { type HostNode, hostPaths, JOURNAL, nodesByHost, planHostNodes } from "./host-plan.ts";
import { credentialsPath, type HostProbe, planHostProbe } from "./probe.ts";
import { passwordPath, renderPasswords, renderSite, sitePath } from "./proxy.ts";
import { renderUnit, type UnitFile } from "./unit-file.ts";
import { planUnits } from "./units.ts";

const DAY_S = 86_400;
const LOG_DAYS = 30;

/** A file of a host. */
export interface HostFile {
  /** Absolute path on the host. */
  readonly path: string;
  /** Whole content. */
  readonly content: string;
  /** Access rights, octal. */
  readonly mode: string;
  /** Who may read it beside root, the owner: nobody, the servers, or nginx. */
  readonly group: "root" | "service" | "site";
}

/** The nats-server program of a host. */
export interface HostProgram {
  /** SHA-256 of the program; absent: it is installed already and used as it is. */
  readonly sha256?: string;
  /** Address a host fetches it from; absent: it is handed over with the files. */
  readonly url?: string;
  /** Path on the host. */
  readonly path: string;
}

/** What the files of all hosts are made from. */
export interface SystemdInputs {
  /** The whole bus. */
  readonly spec: BusSpec;
  /** Who may connect. */
  readonly identity: ServerIdentity;
  /** Certificate authorities, a PEM bundle. */
  readonly authority: string;
  /** Map keyed by server name: certificate chain, PEM. */
  readonly certificates: Readonly<Record<string, string>>;
  /** Map keyed by server name: private key, PEM. A secret. */
  readonly keys: Readonly<Record<string, string>>;
  /** Where nats-server is. */
  readonly program: HostProgram;
  /** Map keyed by name: texts of the scripts. */
  readonly scripts: Readonly<Record<string, string>>;
  /** What the probes are told; absent: none runs. */
  readonly probe?: HostProbe | undefined;
}

/** One host with everything on it. */
export interface HostTree {
  /** Address of the host; also the name of its folder when it is rendered. */
  readonly host: string;
  /** Files below `/`, by path. */
  readonly files: readonly HostFile[];
  /** Units among them. */
  readonly units: readonly UnitFile[];
  /** What the scripts must know, as a file of shell assignments. */
  readonly settings: string;
  /** Servers of the host: name, client, route and monitor port a line. */
  readonly servers: string;
}

/**
 * The tree of every host that gets a server, in the order of the hosts. Equal inputs give equal trees.
 * @throws ERR_SERVER_CONFIG when a value cannot be written
 */
export function planHostTrees(inputs: SystemdInputs): readonly HostTree[] {
  return nodesByHost(inputs.spec).map(({ nodes }) => planHostTree(inputs, nodes));
}

/** Path of the program on a host, named after its version so that an update never writes over a running one. */
export function programPath(spec: BusSpec): string {
  const { path } = spec.systemd.binary;
  return path ?? `/usr/local/lib/natsbus/nats-server-${spec.cluster.version}`;
}

/** The configuration of one server as its service sees it. */
export function planHostServer(inputs: SystemdInputs, node: HostNode): ServerConfigSpec {
  const { spec } = inputs;
  const paths = hostPaths(spec.cluster.name);
  const { host, ports, name } = node;
  const others = planHostNodes(spec).filter((other) => other.name !== name);
  const address = advertised(node);
  const route = {
    host: host.listen,
    port: ports.route,
    routes: others.map((other) => other.routeUrl),
    advertise: `${urlHost(host.routeAddress)}:${ports.route}`,
  };
  return planServer(serverSettings(spec), {
    place: {
      name,
      client: { host: host.listen, port: ports.client, advertise: `${address}:${ports.client}` },
      monitor: { host: "127.0.0.1", port: ports.monitor, tls: false },
      ...(others.length === 0 ? {} : { cluster: route }),
    },
    files: { store: `${paths.data}/${name}/jetstream`, accounts: `${paths.data}/${name}/accounts`, tls: tlsPaths(inputs, node) },
    identity: inputs.identity,
  });
}

function planHostTree(inputs: SystemdInputs, nodes: readonly HostNode[]): HostTree {
  const { spec, program } = inputs;
  const units = planUnits({ spec, nodes, probe: inputs.probe !== undefined, program: program.path });
  const paths = hostPaths(spec.cluster.name);
  const files = [
    ...nodes.flatMap((node) => serverFiles(inputs, node, units)),
    ...units.map((unit) => plainFile(`/etc/systemd/system/${unit.name}`, renderUnit(unit))),
    plainFile(`/etc/tmpfiles.d/${paths.unit}.conf`, renderTmpfiles(spec, nodes)),
    plainFile(`/etc/systemd/journald@${JOURNAL}.conf`, renderJournal(spec)),
    ...(spec.systemd.firewall ? [plainFile(`${paths.config}/firewall.nft`, renderFirewall(spec, nodes))] : []),
    ...siteFiles(inputs, nodes),
    ...probeFiles(inputs, nodes),
    ...Object.entries(inputs.scripts).map(([name, text]) => ({ ...plainFile(`${paths.programs}/${name}`, text), mode: "0755" })),
  ];
  const address = nodes[0]?.host.address ?? "";
  return {
    host: address,
    units,
    files: [...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    settings: renderSettings(inputs),
    servers: renderServers(nodes),
  };
}

function serverFiles(inputs: SystemdInputs, node: HostNode, units: readonly UnitFile[]): HostFile[] {
  const config = planHostServer(inputs, node);
  const folder = `${hostPaths(inputs.spec.cluster.name).config}/${node.name}`;
  const tls = tlsPaths(inputs, node);
  const unit = units.find(({ name }) => name.endsWith(`-${node.name}.service`));
  return [
    serviceFile(`${folder}/nats.conf`, renderServerConfig(config)),
    serviceFile(`${folder}/start-settings`, renderStartSettings(config, inputs.program, unit)),
    serviceFile(tls.certFile, inputs.certificates[node.name] ?? ""),
    serviceFile(tls.keyFile, inputs.keys[node.name] ?? ""),
    serviceFile(tls.caFile, inputs.authority),
  ];
}

/** Named after their content, so that a renewed certificate changes the configuration and its reload can be seen. */
function tlsPaths(inputs: SystemdInputs, node: HostNode) {
  const folder = `${hostPaths(inputs.spec.cluster.name).config}/${node.name}/tls`;
  return {
    certFile: `${folder}/${contentName(inputs.certificates[node.name] ?? "", ".pem")}`,
    keyFile: `${folder}/${contentName(inputs.keys[node.name] ?? "", ".key")}`,
    caFile: `${folder}/${contentName(inputs.authority, "-ca.pem")}`,
  };
}

/** What a running server cannot take over: one fact a line, `same` must be equal, `grow` may not shrink. */
function renderStartSettings(config: ServerConfigSpec, program: HostProgram, unit: UnitFile | undefined): string {
  const { text, atLeast } = startSettings(config);
  const lines = [
    `same settings ${hash(text)}`,
    `same program ${program.sha256 ?? program.path}`,
    `same unit ${hash(unit === undefined ? "" : renderUnit(unit))}`,
    ...Object.entries(atLeast).map(([key, value]) => `grow ${key} ${value}`),
  ];
  return `${lines.join("\n")}\n`;
}

function siteFiles(inputs: SystemdInputs, nodes: readonly HostNode[]): HostFile[] {
  const { spec } = inputs;
  const { proxy } = spec.systemd;
  if (!proxy.enabled) return [];
  const own = tlsPaths(inputs, nodes[0] as HostNode);
  const certificate = { certificate: proxy.certificate ?? own.certFile, key: proxy.certificateKey ?? own.keyFile };
  const passwords = { path: passwordPath(spec.cluster.name), content: renderPasswords(proxy.users), mode: "0640", group: "site" } as const;
  return [
    plainFile(sitePath(spec.cluster.name), renderSite(spec, nodes, certificate)),
    ...(Object.keys(proxy.users).length === 0 ? [] : [passwords]),
  ];
}

function probeFiles(inputs: SystemdInputs, nodes: readonly HostNode[]): HostFile[] {
  const { spec, probe } = inputs;
  if (probe === undefined) return [];
  const { caFile } = tlsPaths(inputs, nodes[0] as HostNode);
  const config = planHostProbe(spec, probe, nodes, caFile);
  return [
    serviceFile(`${hostPaths(spec.cluster.name).config}/probe.json`, `${JSON.stringify(config, null, 2)}\n`),
    ...(probe.credentials === undefined ? [] : [serviceFile(credentialsPath(spec), probe.credentials)]),
  ];
}

function renderTmpfiles(spec: BusSpec, nodes: readonly HostNode[]): string {
  const paths = hostPaths(spec.cluster.name);
  const { user } = spec.systemd;
  const lines = nodes.flatMap(({ name }) => [`d ${paths.data}/${name} 0750 ${user} ${user} -`]);
  return `# Written by natsbus; changes made here are lost.\nd ${paths.data} 0751 root root -\n${lines.join("\n")}\n`;
}

/** The servers' log: compressed by the journal, rotated by size and by day, kept for a month at most. */
function renderJournal({ logging }: BusSpec): string {
  const { maxFileSizeBytes, keepFiles } = logging;
  const lines = [
    "[Journal]",
    "Storage=persistent",
    "Compress=yes",
    `SystemMaxFileSize=${maxFileSizeBytes}`,
    `SystemMaxUse=${maxFileSizeBytes * (keepFiles + 1)}`,
    `SystemMaxFiles=${keepFiles}`,
    `MaxFileSec=${DAY_S}`,
    `MaxRetentionSec=${LOG_DAYS * DAY_S}`,
    "RateLimitIntervalSec=0",
  ];
  return `# Written by natsbus; changes made here are lost. At most ${renderSize(maxFileSizeBytes * (keepFiles + 1))}.\n${lines.join("\n")}\n`;
}

/** Shell assignments; every value is a name, a number or a checked path, and quoted all the same. */
function renderSettings({ spec, program, probe }: SystemdInputs): string {
  const paths = hostPaths(spec.cluster.name);
  const { firewall, proxy, exporter } = spec.systemd;
  const companions = [...(exporter.enabled ? [exporter.path] : []), ...(probe === undefined ? [] : [spec.systemd.probe.path])];
  const values = {
    BUS: spec.cluster.name,
    OWNER: `${spec.project}/${spec.stack}`,
    SERVICE_USER: spec.systemd.user,
    SERVERS: String(spec.cluster.servers),
    CONFIG: paths.config,
    DATA: paths.data,
    PROGRAMS: paths.programs,
    UNIT: paths.unit,
    PROGRAM: program.path,
    PROGRAM_SHA256: program.sha256 ?? "",
    PROGRAM_URL: program.url ?? "",
    STORAGE_BYTES: String(spec.jetstream.maxStorageBytes),
    FIREWALL: firewall ? "yes" : "",
    SITE: proxy.enabled ? "yes" : "",
    COMPANIONS: companions.join(" "),
    STOP_SECONDS: String(Math.ceil(spec.lameDuck.durationMs / 1000)),
  };
  return Object.entries(values)
    .map(([key, value]) => `${key}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");
}

function renderServers(nodes: readonly HostNode[]): string {
  return nodes.map(({ name, ports }) => `${name} ${ports.client} ${ports.route} ${ports.monitor}\n`).join("");
}

function plainFile(path: string, content: string): HostFile {
  return { path, content, mode: "0644", group: "root" };
}

function serviceFile(path: string, content: string): HostFile {
  return { path, content, mode: "0640", group: "service" };
}

function advertised({ host }: HostNode): string {
  return urlHost(host.address);
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
