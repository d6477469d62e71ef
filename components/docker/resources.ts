/** The containers of a bus as Pulumi resources. Servers are chained, so that a change replaces them one after the other, each only when all are current again. */
import { createHash } from "node:crypto";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { BusSpec } from "../../core/bus-spec.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { ContainerGate } from "./gate/resource.ts";
import { type ContainerMount, type ContainerPlan, type DockerPlan, memoryOptions } from "./plan.ts";

const HEALTHY_TIMEOUT_S = 300;

/** What {@link createContainers} works with. */
export interface ContainersArgs {
  /** The whole bus. */
  readonly spec: BusSpec;
  /** Its containers, without what is secret in their files. */
  readonly plan: DockerPlan;
  /** Map keyed by folder: files that are mounted from there. A secret. */
  readonly files: pulumi.Output<DockerPlan["files"]>;
  /** Map keyed by server name: digest of what it reads when it starts. */
  readonly startSettings: pulumi.Output<Readonly<Record<string, string>>>;
  /** How the servers are asked whether they are current, a secret; absent: they know no user who may ask, and their health checks have to do. */
  readonly connection?: pulumi.Output<ConnectionSpec>;
}

interface Scene extends ContainersArgs {
  readonly name: string;
  readonly network: docker.Network;
  readonly volumes: ReadonlyMap<string, docker.Volume>;
  readonly options: pulumi.CustomResourceOptions;
}

/** Declares network, volumes and containers; answers the resource that is done when every server serves. */
export function createContainers(name: string, args: ContainersArgs, options: pulumi.CustomResourceOptions): pulumi.Resource {
  const { spec, plan } = args;
  const provider = new docker.Provider(
    `${name}-engine`,
    { ...(spec.docker.host === undefined ? {} : { host: spec.docker.host }), sshOpts: [...spec.docker.sshOptions] },
    options,
  );
  const own = { ...options, provider };
  // A changed network or volume would take every container with it, so both are nothing but a name.
  const network = new docker.Network(`${name}-network`, { name: plan.network, driver: "bridge" }, own);
  const volumes = new Map(volumeNames(plan).map((volume) => [volume, createVolume(name, volume, { spec, plan, options: own })]));
  const scene: Scene = { ...args, name, network, volumes, options: own };
  const made = new Map<string, pulumi.Resource>();
  let previous: pulumi.Resource[] = createFirstGate(scene);
  for (const container of plan.containers) {
    const settings = createSettings(scene, container);
    const isServer = container.labels["natsbus.part"] === "server";
    const dependsOn = [...container.after.flatMap((other) => made.get(other) ?? []), ...settings, ...(isServer ? previous : [])];
    const resource = createContainer(scene, container, dependsOn);
    made.set(container.name, resource);
    if (!isServer) continue;
    const reload = createReload(scene, container, resource);
    previous = [reload, ...createGate(scene, container.name, { revision: resource.id }, [reload])];
  }
  return previous.at(-1) ?? network;
}

/** Streams stay when the stack goes, unless the stack file says otherwise. */
function createVolume(name: string, volume: string, { spec, plan, options }: Pick<Scene, "spec" | "plan" | "options">): docker.Volume {
  const keeps = plan.volumes.includes(volume) && !spec.docker.removeVolumes;
  return new docker.Volume(`${name}-volume-${volume}`, { name: volume }, { ...options, retainOnDelete: keeps });
}

function createContainer(scene: Scene, container: ContainerPlan, dependsOn: pulumi.Resource[]): docker.Container {
  const { name, startSettings } = scene;
  const labels = startSettings.apply((digests) => {
    const digest = digests[container.name];
    const all = digest === undefined ? container.labels : { ...container.labels, "natsbus.start-settings": digest };
    return Object.entries(all).map(([label, value]) => ({ label, value }));
  });
  return new docker.Container(
    `${name}-${container.name}`,
    { ...containerArgs(scene, container), labels },
    // A changed health check is reported as applied and is not.
    { ...scene.options, dependsOn, replaceOnChanges: ["healthcheck"] },
  );
}

/** The part of a container that no output decides. */
function containerArgs(scene: Scene, container: ContainerPlan): docker.ContainerArgs {
  const { plan } = scene;
  const { health, memoryBytes, cpus, networkOf, once } = container;
  const memory = memoryBytes === undefined ? {} : { memory: toMebibytes(memoryBytes), memorySwap: toMebibytes(memoryBytes) };
  return {
    name: `${plan.name}-${container.name}`,
    image: container.image,
    user: container.user,
    ...(container.entrypoint === undefined ? {} : { entrypoints: [...container.entrypoint] }),
    command: [...container.command],
    envs: Object.entries(container.environment).map(([key, value]) => `${key}=${value}`),
    readOnly: true,
    capabilities: { drops: ["ALL"], adds: [...container.capabilities] },
    securityOpts: ["no-new-privileges:true"],
    ...(container.files === undefined ? {} : { ulimits: [{ name: "nofile", soft: container.files, hard: container.files }] }),
    ...memory,
    ...(cpus === undefined ? {} : { cpus: String(cpus) }),
    tmpfs: Object.fromEntries(container.memoryFolders.map((folder) => [folder, memoryOptions(container.user)])),
    mounts: container.mounts.map((mount) => mountArgs(scene, mount)),
    ports: container.ports.map(({ address, outside, inside }) => ({ ip: address, external: outside, internal: inside })),
    ...networkArgs(scene, container),
    ...(health === undefined ? {} : { healthcheck: healthArgs(health), wait: true, waitTimeout: HEALTHY_TIMEOUT_S }),
    ...(container.stopSignal === undefined ? {} : { stopSignal: container.stopSignal }),
    stopTimeout: container.stopSeconds,
    destroyGraceSeconds: container.stopSeconds,
    logDriver: "json-file",
    logOpts: { "max-size": `${plan.log.maxSizeBytes}b`, "max-file": String(plan.log.maxFiles), compress: "true" },
    restart: once ? "no" : "unless-stopped",
    mustRun: !once,
    ...(once ? { attach: true, logs: false } : {}),
    ...(networkOf === undefined ? { hostname: container.name } : {}),
  };
}

function mountArgs(scene: Scene, mount: ContainerMount) {
  const { target } = mount;
  if (mount.kind === "host") return { type: "bind", target, source: mount.path, readOnly: true };
  const volume = mount.kind === "volume" ? mount.volume : settingsVolume(scene.plan, mount.folder);
  return { type: "volume", target, source: volumeOutput(scene, volume), readOnly: mount.kind === "files" };
}

function networkArgs(scene: Scene, container: ContainerPlan): Partial<docker.ContainerArgs> {
  if (container.once) return { networkMode: "none" };
  if (container.networkOf !== undefined) return { networkMode: `container:${scene.plan.name}-${container.networkOf}` };
  return { networksAdvanced: [{ name: scene.network.name, aliases: [container.name] }] };
}

function healthArgs(health: NonNullable<ContainerPlan["health"]>): docker.ContainerArgs["healthcheck"] {
  return {
    tests: ["CMD", ...health.command],
    interval: `${health.intervalSeconds}s`,
    timeout: `${health.timeoutSeconds}s`,
    retries: health.retries,
    startPeriod: `${health.startSeconds}s`,
  };
}

/**
 * Files go into a volume through a container that ends at once: an upload into the server's own container would replace the server at each change.
 * Uploads show neither in the container's environment nor in its arguments.
 */
function createSettings(scene: Scene, container: ContainerPlan): pulumi.Resource[] {
  return container.mounts.flatMap((mount) => {
    if (mount.kind !== "files") return [];
    const { folder } = mount;
    const uploads = scene.files.apply((files) =>
      (files[folder] ?? []).map(({ path, content }) => ({ file: `/settings/${path}`, content, permissions: "0644" })),
    );
    const args: docker.ContainerArgs = {
      ...containerArgs(scene, toolPlan(scene, `${folder}-settings`)),
      entrypoints: ["true"],
      mounts: [{ type: "volume", target: "/settings", source: volumeOutput(scene, settingsVolume(scene.plan, folder)) }],
      uploads: pulumi.secret(uploads),
    };
    return [new docker.Container(`${scene.name}-${folder}-settings`, args, scene.options)];
  });
}

/** Has a server read its settings again, from beside it in its own process space; replaced, and so run again, whenever the settings change. */
function createReload(scene: Scene, container: ContainerPlan, server: pulumi.Resource): pulumi.Resource {
  const digest = scene.files.apply((files) => JSON.stringify((files[container.name] ?? []).map(({ path }) => path)));
  const text = scene.files.apply((files) => (files[container.name] ?? []).find(({ path }) => path === "nats.conf")?.content ?? "");
  const revision = pulumi.all([digest, text]).apply(([names, config]) => fingerprint(`${names}${config}`));
  const args: docker.ContainerArgs = {
    ...containerArgs(scene, { ...toolPlan(scene, `${container.name}-reload`), user: container.user }),
    entrypoints: ["kill"],
    command: ["-HUP", "1"],
    pidMode: `container:${scene.plan.name}-${container.name}`,
    labels: revision.apply((value) => [{ label: "natsbus.settings", value }]),
  };
  return new docker.Container(`${scene.name}-${container.name}-reload`, args, { ...scene.options, dependsOn: [server] });
}

/** Before the first server is replaced: all must be current, and the one that is replaced last is to lead. */
function createFirstGate(scene: Scene): pulumi.Resource[] {
  const servers = scene.plan.containers.filter(({ labels }) => labels["natsbus.part"] === "server");
  const revision = scene.startSettings.apply((digests) => fingerprint(JSON.stringify([servers, digests])));
  const last = servers.at(-1)?.name;
  return createGate(scene, "first", { revision, ...(last === undefined ? {} : { leader: last }) }, []);
}

/** Lets the next server be replaced only when all are current. */
function createGate(
  { name, plan, connection, options }: Scene,
  title: string,
  when: { readonly revision: pulumi.Input<string>; readonly leader?: string },
  dependsOn: pulumi.Resource[],
): pulumi.Resource[] {
  const servers = plan.containers.filter(({ labels }) => labels["natsbus.part"] === "server").map((server) => server.name);
  if (connection === undefined || servers.length === 1) return [];
  const { provider: _, ...own } = options;
  return [new ContainerGate(`${name}-gate-${title}`, { connection, servers, ...when }, { ...own, dependsOn })];
}

function toolPlan({ spec }: Scene, name: string): ContainerPlan {
  return {
    name,
    image: spec.docker.digest === undefined ? spec.docker.image : `${spec.docker.image}@${spec.docker.digest}`,
    user: "0:0",
    command: [],
    environment: {},
    labels: {},
    mounts: [],
    memoryFolders: [],
    ports: [],
    capabilities: [],
    memoryBytes: 64 * 1024 * 1024,
    cpus: 0.5,
    processes: 64,
    stopSeconds: 10,
    once: true,
    after: [],
  };
}

function volumeNames(plan: DockerPlan): readonly string[] {
  const names = plan.containers.flatMap(({ mounts }) =>
    mounts.flatMap((mount) => {
      if (mount.kind === "host") return [];
      return [mount.kind === "volume" ? mount.volume : settingsVolume(plan, mount.folder)];
    }),
  );
  return [...new Set(names)];
}

function settingsVolume(plan: DockerPlan, folder: string): string {
  return `${plan.name}-${folder}-settings`;
}

function volumeOutput({ volumes }: Scene, name: string): pulumi.Output<string> {
  return (volumes.get(name) as docker.Volume).name;
}

function toMebibytes(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
