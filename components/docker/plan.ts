/** The containers of a bus: images, limits, volumes, health, and how each leaves. One plan for Compose files and Pulumi resources. Pure. */
import { createHash } from "node:crypto";
import type { BusSpec } from "../../core/bus-spec.ts";
import { startSettings } from "../../core/reload.ts";
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import { contentName, planServer, type ServerIdentity, serverSettings } from "../server-plan.ts";

/** Ports inside every server's container. */
export const INSIDE = { client: 4222, route: 6222, monitor: 8222, exporter: 7777 } as const;

const CONFIG_FOLDER = "/etc/nats";
const DATA_FOLDER = "/data";
const STOP_MARGIN_S = 15;
const SPARE_FILES = 8_192;
const GO_SHARE = 0.9;
const PROCESSES = 512;
const TOOL_MEMORY = 64 * 1024 * 1024;
const EXPORTER_MEMORY = 128 * 1024 * 1024;
const SERVICE_MEMORY = 512 * 1024 * 1024;

/** What the containers are made from. */
export interface DockerInputs {
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
}

/** A text file of a container. */
export interface ContainerFile {
  /** Path inside the folder it is mounted from. */
  readonly path: string;
  /** Text. */
  readonly content: string;
}

/** What is mounted into a container. */
export type ContainerMount =
  | { readonly kind: "volume"; readonly volume: string; readonly target: string }
  | { readonly kind: "files"; readonly folder: string; readonly target: string }
  | { readonly kind: "host"; readonly path: string; readonly target: string };

/** Whether a container is well. */
export interface HealthCheck {
  /** Program and arguments; exit code 0 means well. */
  readonly command: readonly string[];
  /** Seconds between two looks. */
  readonly intervalSeconds: number;
  /** Seconds until a look counts as failed. */
  readonly timeoutSeconds: number;
  /** Failed looks that make it unwell. */
  readonly retries: number;
  /** Seconds after the start in which failures do not count. */
  readonly startSeconds: number;
}

/** One container. */
export interface ContainerPlan {
  /** Service name, and host name on the bus's network. */
  readonly name: string;
  /** Image with tag, and digest when one is set. */
  readonly image: string;
  /** User and group, numbers. */
  readonly user: string;
  /** Program; absent: the image's. */
  readonly entrypoint?: readonly string[];
  /** Arguments. */
  readonly command: readonly string[];
  /** Environment; nothing secret is ever in it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** Mounts. */
  readonly mounts: readonly ContainerMount[];
  /** Folders in memory, for programs that must write somewhere. */
  readonly memoryFolders: readonly string[];
  /** Published ports. */
  readonly ports: readonly { readonly address: string; readonly outside: number; readonly inside: number }[];
  /** Capabilities kept; everything else is dropped. */
  readonly capabilities: readonly string[];
  /** Memory limit in bytes; swap is off. Absent: none. */
  readonly memoryBytes?: number;
  /** CPU limit in cores; absent: none. */
  readonly cpus?: number;
  /** Most processes and threads. */
  readonly processes: number;
  /** Most open files; absent: the engine's. */
  readonly files?: number;
  /** Health check; absent: none. */
  readonly health?: HealthCheck;
  /** Signal that asks it to leave; absent: TERM. */
  readonly stopSignal?: string;
  /** Seconds it may take to leave. */
  readonly stopSeconds: number;
  /** Whether it ends on its own, having done its work. */
  readonly once: boolean;
  /** Container whose network it shares; absent: the bus's network. */
  readonly networkOf?: string;
  /** Containers that must be well, or done, before it starts. */
  readonly after: readonly string[];
}

/** All containers of a bus, with what they need. */
export interface DockerPlan {
  /** Name that everything begins with. */
  readonly name: string;
  /** Name of the network. */
  readonly network: string;
  /** Names of the volumes with the streams. */
  readonly volumes: readonly string[];
  /** Containers, in the order they start. */
  readonly containers: readonly ContainerPlan[];
  /** Map keyed by folder: files that are mounted from there. Secrets are among them. */
  readonly files: Readonly<Record<string, readonly ContainerFile[]>>;
  /** Log rotation of every container. */
  readonly log: { readonly maxSizeBytes: number; readonly maxFiles: number };
}

/** Names of the servers, first to last. */
export function serverNames(spec: BusSpec): readonly string[] {
  return Array.from({ length: spec.cluster.servers }, (_, index) => `n${index + 1}`);
}

/** Where clients connect, one URL a server. */
export function dockerUrls(spec: BusSpec): readonly string[] {
  const { address, port } = spec.docker;
  const scheme = spec.tls.clients ? "tls" : "nats";
  return serverNames(spec).map((_, index) => `${scheme}://${address}:${port + index}`);
}

/**
 * Every container of a bus. Equal inputs give equal plans.
 * @throws ERR_SERVER_CONFIG when a value cannot be written
 */
export function planDocker(inputs: DockerInputs): DockerPlan {
  const { spec } = inputs;
  const name = spec.cluster.name;
  const nodes = serverNames(spec).map((node) => planNode(inputs, node));
  return {
    name,
    network: name,
    volumes: nodes.map(({ node }) => dataVolume(name, node)),
    containers: [
      ownerContainer(
        spec,
        nodes.map(({ node }) => node),
      ),
      ...nodes.map((node, index) => serverContainer(spec, node, index)),
      ...(spec.docker.exporter.enabled ? nodes.map(({ node }) => exporterContainer(spec, node)) : []),
    ],
    files: Object.fromEntries(nodes.map(({ node, files }) => [node, files])),
    log: { maxSizeBytes: spec.logging.maxFileSizeBytes, maxFiles: spec.logging.keepFiles },
  };
}

/** Options of a folder in memory. It belongs to the container's user: an engine before runc 1.2 gives it the rights of the image's folder in its place, whatever the mode says. */
export function memoryOptions(user: string): string {
  const [uid, gid] = user.split(":");
  return `mode=1777,uid=${uid},gid=${gid}`;
}

/** Name of a server's volume. */
export function dataVolume(bus: string, node: string): string {
  return `${bus}-${node}-data`;
}

interface PlannedNode {
  readonly node: string;
  readonly config: ServerConfigSpec;
  readonly files: readonly ContainerFile[];
}

function planNode(inputs: DockerInputs, node: string): PlannedNode {
  const { spec, authority } = inputs;
  const certificate = inputs.certificates[node] ?? "";
  const key = inputs.keys[node] ?? "";
  const paths = {
    cert: `tls/${contentName(certificate, ".pem")}`,
    key: `tls/${contentName(key, ".key")}`,
    ca: `tls/${contentName(authority, "-ca.pem")}`,
  };
  const others = serverNames(spec).filter((other) => other !== node);
  const anywhere = "0.0.0.0";
  const config = planServer(serverSettings(spec), {
    place: {
      name: node,
      client: { host: anywhere, port: INSIDE.client },
      monitor: { host: "127.0.0.1", port: INSIDE.monitor, tls: false },
      // Clients outside cannot use the addresses the servers have among themselves, so that these are kept from them.
      ...(others.length === 0
        ? {}
        : {
            cluster: {
              host: anywhere,
              port: INSIDE.route,
              // Servers tell one another where they are; by address, for which no certificate is valid, the others would try and fail for ever.
              advertise: `${node}:${INSIDE.route}`,
              noAdvertise: true,
              routes: others.map((other) => `nats-route://${other}:${INSIDE.route}`),
            },
          }),
    },
    files: {
      store: `${DATA_FOLDER}/jetstream`,
      accounts: `${DATA_FOLDER}/accounts`,
      tls: { certFile: `${CONFIG_FOLDER}/${paths.cert}`, keyFile: `${CONFIG_FOLDER}/${paths.key}`, caFile: `${CONFIG_FOLDER}/${paths.ca}` },
    },
    identity: inputs.identity,
  });
  return {
    node,
    config,
    files: [
      { path: "nats.conf", content: renderServerConfig(config) },
      { path: paths.cert, content: certificate },
      { path: paths.key, content: key },
      { path: paths.ca, content: authority },
    ],
  };
}

/** Gives the folders to the user, unless one of them is marked as another stack's; `$0` is the stack. What is marked already cannot be written to any more: the folder is not root's. */
const HAND_OVER = `user=$1; shift
for folder; do
  stack=$(cat "$folder/.natsbus-stack" 2>/dev/null || true)
  [ -z "$stack" ] || [ "$stack" = "$0" ] || { echo "the volume of $folder belongs to the stack $stack, not to $0" >&2; exit 1; }
done
for folder; do
  [ -e "$folder/.natsbus-stack" ] || echo "$0" > "$folder/.natsbus-stack" || true
  chown "$user" "$folder"
done`;

/** A fresh volume belongs to root, and the servers do not run as root: this one gives the volumes to them and ends. */
function ownerContainer(spec: BusSpec, nodes: readonly string[]): ContainerPlan {
  const folders = nodes.map((node) => `/volumes/${node}`);
  return {
    ...BASE,
    name: "volumes",
    image: imageName(spec.docker),
    user: "0:0",
    entrypoint: ["sh", "-euc", HAND_OVER, `${spec.project}/${spec.stack}`],
    command: [spec.docker.user, ...folders],
    labels: labelsOf(spec, "volumes"),
    mounts: nodes.map((node, index) => ({ kind: "volume", volume: dataVolume(spec.cluster.name, node), target: folders[index] ?? "" })),
    capabilities: ["CHOWN"],
    memoryBytes: TOOL_MEMORY,
    cpus: 0.5,
    once: true,
  };
}

function serverContainer(spec: BusSpec, { node, config }: PlannedNode, index: number): ContainerPlan {
  const { limits, docker, lameDuck } = spec;
  const { memoryBytes, cpu } = limits;
  const { text, atLeast } = startSettings(config);
  return {
    ...BASE,
    name: node,
    image: imageName(docker),
    user: docker.user,
    entrypoint: ["nats-server"],
    command: ["--config", `${CONFIG_FOLDER}/nats.conf`],
    environment: {
      ...(memoryBytes === undefined ? {} : { GOMEMLIMIT: String(Math.floor(memoryBytes * GO_SHARE)) }),
      ...(cpu === undefined ? {} : { GOMAXPROCS: String(Math.max(1, Math.ceil(cpu))) }),
    },
    // A container is replaced when its labels change: exactly when the server cannot take the change over while it runs. A limit that only grows could be
    // reloaded, but a label cannot know what was before.
    labels: { ...labelsOf(spec, "server"), "natsbus.start-settings": hash(`${text}${JSON.stringify(atLeast)}`) },
    mounts: [
      { kind: "files", folder: node, target: CONFIG_FOLDER },
      { kind: "volume", volume: dataVolume(spec.cluster.name, node), target: DATA_FOLDER },
    ],
    ports: [{ address: docker.publish, outside: docker.port + index, inside: INSIDE.client }],
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpu === undefined ? {} : { cpus: cpu }),
    processes: 4096,
    files: limits.maxConnections + SPARE_FILES,
    health: {
      command: ["wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${INSIDE.monitor}/healthz?js-server-only=true`],
      intervalSeconds: 2,
      timeoutSeconds: 5,
      retries: 5,
      startSeconds: 30,
    },
    stopSignal: "SIGUSR2",
    stopSeconds: Math.ceil(lameDuck.durationMs / 1000) + STOP_MARGIN_S,
    after: ["volumes"],
  };
}

/** It asks the monitor on the server's own loopback, so that the monitor is open to nobody else. */
function exporterContainer(spec: BusSpec, node: string): ContainerPlan {
  const { exporter, user } = spec.docker;
  const flags = [
    "-varz",
    "-connz",
    "-healthz",
    "-healthz_js_enabled_only",
    "-jsz=all",
    "-accstatz",
    "-prefix=nats",
    "-use_internal_server_name",
  ];
  return {
    ...BASE,
    name: `${node}-exporter`,
    image: imageName(exporter),
    user,
    command: ["-port", String(INSIDE.exporter), ...flags, `http://127.0.0.1:${INSIDE.monitor}`],
    labels: labelsOf(spec, "exporter"),
    memoryBytes: EXPORTER_MEMORY,
    cpus: 0.5,
    networkOf: node,
    after: [node],
  };
}

const BASE = {
  environment: {},
  mounts: [],
  memoryFolders: [],
  ports: [],
  capabilities: [],
  processes: PROCESSES,
  stopSeconds: 10,
  once: false,
  after: [],
} as const;

/** Memory of the services that are not part of the bus itself, in bytes. */
export const BESIDE_MEMORY = SERVICE_MEMORY;

/** Image with its digest, when one is pinned. */
export function imageName({ image, digest }: { readonly image: string; readonly digest?: string | undefined }): string {
  return digest === undefined ? image : `${image}@${digest}`;
}

/** Labels by which everything of a bus is found again. */
export function labelsOf(spec: BusSpec, part: string): Readonly<Record<string, string>> {
  return { "natsbus.bus": spec.cluster.name, "natsbus.stack": `${spec.project}/${spec.stack}`, "natsbus.part": part };
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
