/** The `docker` block of a stack file with every default filled in, and the rules between its settings. */
import type { DockerSettings } from "./docker-schema.ts";
import type { Problem } from "./errors.ts";

/** Everything the `docker` target declares; see `docker-schema.ts` for the meaning of each key. */
export type DockerSpec = Omit<DockerSettings, "image"> & {
  /** Image of nats-server. */
  readonly image: string;
};

/** What the rules need to know of the rest of the stack file. */
export interface DockerContext {
  /** Whether this target is chosen; without it nothing is checked. */
  readonly chosen: boolean;
  /** Number of servers. */
  readonly servers: number;
  /** How clients prove who they are. */
  readonly auth: "jwt" | "config" | "none";
  /** Whether clients are encrypted. */
  readonly encrypted: boolean;
}

const LOOPBACK = /^(127\.|localhost$|::1$)/;
const LARGEST_PORT = 65_535;

/** Fills in what depends on other blocks. */
export function resolveDocker(settings: DockerSettings, version: string): DockerSpec {
  return { ...settings, image: settings.image ?? `nats:${version}-alpine` };
}

/** What is wrong between the settings of the block. */
export function dockerProblems(spec: DockerSpec, context: DockerContext): readonly Problem[] {
  if (!context.chosen) return [];
  return [
    ...imageProblems(spec),
    ...exposure(spec, context),
    ...portProblems(spec, context),
    ...partProblems(spec),
    ...engineProblems(spec),
  ];
}

function imageProblems(spec: DockerSpec): Problem[] {
  const images: readonly (readonly [string, string])[] = [
    ["docker.image", spec.image],
    ...PARTS.map((name): readonly [string, string] => [`docker.${name}.image`, spec[name].image]),
  ];
  return images.flatMap(([path, image]) => {
    const tag = /:([^/:]+)$/.exec(image)?.[1];
    if (tag !== undefined && tag !== "latest") return [];
    return [conflict(path, `"${image}" names no fixed version, so that nobody knows what runs tomorrow`, "add a tag other than latest")];
  });
}

function exposure({ publish }: DockerSpec, { auth, encrypted }: DockerContext): Problem[] {
  if (LOOPBACK.test(publish)) return [];
  const found: Problem[] = [];
  if (auth === "none")
    found.push(conflict("auth.mode", `without authentication the servers would be published on ${publish}`, 'use auth.mode "jwt"'));
  if (!encrypted) found.push(conflict("tls.clients", `unencrypted clients would connect over ${publish}`, "turn tls.clients on"));
  return found;
}

function portProblems({ port, proxy, proxyPort }: DockerSpec, { servers }: DockerContext): Problem[] {
  const last = port + servers - 1;
  if (last > LARGEST_PORT) {
    const message = `counting up for ${servers} servers reaches ${last}; the largest port is ${LARGEST_PORT}`;
    return [{ code: "ERR_CONFIG_VALUE", path: "docker.port", message, remedy: "start lower" }];
  }
  if (!proxy.enabled || proxyPort < port || proxyPort > last) return [];
  return [
    { code: "ERR_PORT_CLASH", path: "docker.proxyPort", message: `port ${proxyPort} is also a client port`, remedy: "choose another port" },
  ];
}

function partProblems({ prometheus, exporter, proxy, grafana, alertmanager }: DockerSpec): Problem[] {
  const found: Problem[] = [];
  if (prometheus.enabled && !exporter.enabled)
    found.push(conflict("docker.exporter.enabled", "Prometheus would have nothing to scrape", "turn docker.exporter.enabled on"));
  if (grafana.enabled && !prometheus.enabled)
    found.push(conflict("docker.prometheus.enabled", "Grafana would have nothing to show", "turn docker.prometheus.enabled on"));
  if (proxy.enabled && ![prometheus, alertmanager, grafana].some(({ enabled }) => enabled))
    found.push(
      conflict(
        "docker.proxy.enabled",
        "the proxy would have nothing to stand in front of",
        "turn docker.prometheus, alertmanager or grafana on",
      ),
    );
  return found;
}

function engineProblems({ host, address, publish }: DockerSpec): Problem[] {
  if (host === undefined || host.startsWith("unix:")) return [];
  if (host.startsWith("tcp:"))
    return [conflict("docker.host", "an engine on a plain TCP port gives the whole machine to whoever reaches it", "use ssh://user@host")];
  if (!LOOPBACK.test(address) && !LOOPBACK.test(publish)) return [];
  const path = LOOPBACK.test(publish) ? "docker.publish" : "docker.address";
  return [
    conflict(
      path,
      `the engine is another machine, and clients here cannot reach its ${LOOPBACK.test(publish) ? publish : address}`,
      "set publish and address to an address of that machine",
    ),
  ];
}

const PARTS = ["exporter", "prometheus", "alertmanager", "grafana", "proxy"] as const;

function conflict(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_CONFIG_CONFLICT", path, message, remedy };
}
