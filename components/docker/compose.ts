/** The containers of a bus as files for `docker compose` (v2). Pure. */
import { stringify } from "yaml";
import { type ContainerMount, type ContainerPlan, type DockerPlan, dataVolume, memoryOptions } from "./plan.ts";

/** Folder of everything that is mounted; nobody but its owner may look into it, for there are keys in it. */
export const MOUNTED_FOLDER = "files";

/** A file to be written. */
export interface ComposeFile {
  /** Path relative to the output folder. */
  readonly path: string;
  /** Text. */
  readonly content: string;
}

const HEADER = "# Written by natsbus; changes made here are lost. Settings belong into the stack file.\n";

/**
 * `compose.yaml` with what it mounts, and a script that applies a change one server at a time. Equal plans give equal bytes.
 * @param script text of `components/docker/files/apply.sh`
 */
export function renderCompose(plan: DockerPlan, script: string): readonly ComposeFile[] {
  const mounted = Object.entries(plan.files).flatMap(([folder, files]) =>
    files.map(({ path, content }) => ({ path: `${MOUNTED_FOLDER}/${folder}/${path}`, content })),
  );
  const own = [
    {
      path: "compose.yaml",
      content: HEADER + stringify(composeDocument(plan), { lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" }),
    },
    { path: "apply.sh", content: script },
  ];
  return [...own, ...mounted].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function composeDocument(plan: DockerPlan): Record<string, unknown> {
  const volumes = [...new Set(plan.containers.flatMap(volumesOf))];
  return {
    name: plan.name,
    services: Object.fromEntries(plan.containers.map((container) => [container.name, service(plan, container)])),
    networks: { bus: { name: plan.network, driver: "bridge" } },
    volumes: Object.fromEntries(volumes.map((volume) => [volume, { name: volume }])),
  };
}

function volumesOf({ mounts }: ContainerPlan): string[] {
  return mounts.flatMap((mount) => (mount.kind === "volume" ? [mount.volume] : []));
}

function service(plan: DockerPlan, container: ContainerPlan): Record<string, unknown> {
  const { health, after } = container;
  return {
    image: container.image,
    container_name: `${plan.name}-${container.name}`,
    ...(container.networkOf === undefined
      ? { hostname: container.name, networks: container.once ? undefined : ["bus"], network_mode: container.once ? "none" : undefined }
      : { network_mode: `service:${container.networkOf}` }),
    user: container.user,
    entrypoint: container.entrypoint?.map(escaped),
    command: container.command.length === 0 ? undefined : container.command.map(escaped),
    environment: Object.keys(container.environment).length === 0 ? undefined : container.environment,
    labels: container.labels,
    init: container.once ? undefined : container.name.includes("-exporter"),
    read_only: true,
    cap_drop: ["ALL"],
    cap_add: container.capabilities.length === 0 ? undefined : container.capabilities,
    security_opt: ["no-new-privileges:true"],
    tmpfs:
      container.memoryFolders.length === 0
        ? undefined
        : container.memoryFolders.map((folder) => `${folder}:${memoryOptions(container.user)}`),
    volumes: container.mounts.map(mounted),
    ports:
      container.ports.length === 0 ? undefined : container.ports.map(({ address, outside, inside }) => `${address}:${outside}:${inside}`),
    mem_limit: container.memoryBytes,
    memswap_limit: container.memoryBytes,
    cpus: container.cpus,
    pids_limit: container.processes,
    ulimits: container.files === undefined ? undefined : { nofile: container.files, core: 0 },
    healthcheck:
      health === undefined
        ? undefined
        : {
            test: ["CMD", ...health.command],
            interval: `${health.intervalSeconds}s`,
            timeout: `${health.timeoutSeconds}s`,
            retries: health.retries,
            start_period: `${health.startSeconds}s`,
          },
    stop_signal: container.stopSignal,
    stop_grace_period: `${container.stopSeconds}s`,
    restart: container.once ? "no" : "unless-stopped",
    logging: {
      driver: "json-file",
      options: { "max-size": `${plan.log.maxSizeBytes}b`, "max-file": String(plan.log.maxFiles), compress: "true" },
    },
    depends_on: after.length === 0 ? undefined : Object.fromEntries(after.map((name) => [name, { condition: conditionOf(plan, name) }])),
  };
}

function mounted(mount: ContainerMount): Record<string, unknown> {
  if (mount.kind === "volume") return { type: "volume", source: mount.volume, target: mount.target };
  const source = mount.kind === "host" ? mount.path : `./${MOUNTED_FOLDER}/${mount.folder}`;
  return { type: "bind", source, target: mount.target, read_only: true };
}

function conditionOf(plan: DockerPlan, name: string): string {
  const other = plan.containers.find((container) => container.name === name);
  if (other?.once === true) return "service_completed_successfully";
  return other?.health === undefined ? "service_started" : "service_healthy";
}

/** Compose reads a dollar sign as a variable. */
function escaped(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Names of the volumes that hold streams. */
export function streamVolumes(plan: DockerPlan, nodes: readonly string[]): readonly string[] {
  return nodes.map((node) => dataVolume(plan.name, node));
}
