/** What the servers' pods read: one configuration a server, and the certificates. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { ConfigVariable } from "../../core/config-text.ts";
import { certificateHosts, hasRoutes, routeHost, routeHosts, serverNames } from "../../core/kubernetes-names.ts";
import { KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";
import { renderServerConfig } from "../../core/server-config.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import type { TlsFiles } from "../../core/server-listener-spec.ts";
import { contentName, planServer, type ServerIdentity, serverSettings } from "../server-plan.ts";

/** Folder of configuration and certificates in a server's pod. */
export const CONFIG_FOLDER = "/etc/nats";
/** Folder of the volume in a server's pod. */
export const DATA_FOLDER = "/data";
/** Folder of the process id. */
export const RUN_FOLDER = "/var/run/nats";
/** Folder of leaf node credentials, one folder a remote. */
export const LEAF_FOLDER = "/etc/nats-leaf";
/** File of the process id. */
export const PID_FILE = `${RUN_FOLDER}/nats.pid`;
/** Environment variable with the server's zone tag. */
export const ZONE_VARIABLE = "NATS_ZONE_TAG";
/** Environment variable with the key that streams are encrypted with. */
export const STORE_KEY_VARIABLE = "NATS_STORE_KEY";
/** Environment variable with the key that they were encrypted with before. */
export const PREVIOUS_KEY_VARIABLE = "NATS_STORE_PREVIOUS_KEY";
/** Prefix of the zone tag. */
export const ZONE_TAG = "az:";

const EVERY_ADDRESS = "0.0.0.0";

/** What only exists once keys and certificates are made. */
export interface Material {
  /** Who may connect. */
  readonly identity: ServerIdentity;
  /** Authorities to trust, a PEM bundle. */
  readonly authority: string;
  /** Map keyed by server name, and by {@link routeKey}: certificate chain, PEM. */
  readonly certificates: Readonly<Record<string, string>>;
  /** Map with the same keys: private key, PEM. A secret. */
  readonly keys: Readonly<Record<string, string>>;
  /** Map keyed by user name: credentials. Secrets. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** Key of the certificate that a server shows other servers. */
export function routeKey(server: string): string {
  return `${server}-route`;
}

/** Map keyed by server name, and after all of them by {@link routeKey}: names and addresses the certificate covers. */
export function serverHosts(spec: BusSpec): Readonly<Record<string, readonly string[]>> {
  const servers = serverNames(spec);
  return Object.fromEntries([
    ...servers.map((server) => [server, certificateHosts(spec, server)] as const),
    ...(hasRoutes(spec) ? servers.map((server) => [routeKey(server), routeHosts(spec, server)] as const) : []),
  ]);
}

/** Map keyed by file name: the configuration of every server.
 * @throws ERR_SERVER_CONFIG when a value cannot be written */
export function configFiles(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  return Object.fromEntries(
    serverNames(spec).map((server) => [configFile(server), renderServerConfig(serverConfig(spec, server, material))]),
  );
}

/** File name of a server's configuration. */
export function configFile(server: string): string {
  return `${server}.conf`;
}

/** Map keyed by file name: certificates, keys and the authority; names follow the content, so that a renewal changes the configuration. Empty when others make them. */
export function certificateFiles(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  return hasOwnCertificates(spec) ? { ...filesOf(serverNames(spec), material), ...authorityFile(material) } : {};
}

/** The same for routes. Whoever makes the certificates for clients, servers know each other by natsbus's own authority: a public one signs no clients. */
export function routeFiles(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  // Both Secrets are seen as one folder, and the authority is the same.
  return { ...filesOf(serverNames(spec).map(routeKey), material), ...(hasOwnCertificates(spec) ? {} : authorityFile(material)) };
}

function hasOwnCertificates({ kubernetes }: BusSpec): boolean {
  return kubernetes.certificates.source === "own";
}

function authorityFile({ authority }: Material): Readonly<Record<string, string>> {
  return { [contentName(authority, "-ca.pem")]: authority };
}

function filesOf(keys: readonly string[], material: Material): Readonly<Record<string, string>> {
  const files = keys.flatMap((name) => {
    const { certificate, key } = ownFiles(name, material);
    return [
      [certificate, material.certificates[name] ?? ""],
      [key, material.keys[name] ?? ""],
    ] as const;
  });
  return Object.fromEntries(files);
}

/** The configuration of one server. */
export function serverConfig(spec: BusSpec, server: string, material: Material): ServerConfigSpec {
  const tls = tlsFiles(spec, server, material);
  const servers = serverNames(spec);
  const routes = servers
    .filter((other) => other !== server)
    .map((other) => `nats-route://${routeHost(spec, other)}:${KUBERNETES_PORTS.route}`);
  // Told by address, others would try that too, and its certificate covers names alone.
  const advertise = `${routeHost(spec, server)}:${KUBERNETES_PORTS.route}`;
  const cluster = { host: EVERY_ADDRESS, port: KUBERNETES_PORTS.route, routes, advertise, noAdvertise: true };
  const place = {
    name: server,
    client: { host: EVERY_ADDRESS, port: KUBERNETES_PORTS.client },
    monitor: { host: EVERY_ADDRESS, port: KUBERNETES_PORTS.monitor, tls: false },
    ...(servers.length > 1 ? { cluster } : {}),
  };
  const files = {
    store: `${DATA_FOLDER}/jetstream`,
    accounts: `${DATA_FOLDER}/accounts`,
    pid: PID_FILE,
    tls,
    routeTls: ownTls(routeKey(server), material),
  };
  const planned = planServer(serverSettings(spec), { place, files, identity: material.identity });
  return { ...planned, ...listenerSpecs(spec, tls), extra: extraSettings(spec) };
}

function listenerSpecs(spec: BusSpec, tls: TlsFiles): Partial<ServerConfigSpec> {
  const { websocket, mqtt, leafNodes, gateway } = spec.kubernetes.listeners;
  const clientTls = spec.tls.clients ? { tls } : {};
  const hasLeafNodes = leafNodes.enabled || leafNodes.remotes.length > 0;
  return {
    ...(websocket.enabled
      ? {
          websocket: {
            host: EVERY_ADDRESS,
            port: websocket.port,
            sameOrigin: websocket.sameOrigin,
            allowedOrigins: websocket.allowedOrigins,
            compression: websocket.compression,
            ...(websocket.tls ? { tls } : {}),
          },
        }
      : {}),
    ...(mqtt.enabled ? { mqtt: { host: EVERY_ADDRESS, port: mqtt.port, ...clientTls } } : {}),
    ...(hasLeafNodes ? { leafNodes: leafNodesSpec(spec, tls) } : {}),
    ...(gateway.enabled
      ? {
          gateway: {
            name: spec.cluster.name,
            host: EVERY_ADDRESS,
            port: gateway.port,
            tls,
            gateways: gateway.remotes,
            ...(gateway.advertise === undefined ? {} : { advertise: gateway.advertise }),
          },
        }
      : {}),
  };
}

function leafNodesSpec(spec: BusSpec, tls: TlsFiles): NonNullable<ServerConfigSpec["leafNodes"]> {
  const { enabled, port, remotes } = spec.kubernetes.listeners.leafNodes;
  return {
    ...(enabled ? { listener: { host: EVERY_ADDRESS, port, tls } } : {}),
    remotes: remotes.map(({ urls, account, credentialsSecret, credentialsKey }, index) => ({
      urls,
      ...(account === undefined ? {} : { account }),
      ...(credentialsSecret === undefined ? {} : { credentials: `${LEAF_FOLDER}/${index}/${credentialsKey}` }),
    })),
  };
}

/** Settings beyond those every target has; the stack file's own are laid over them. */
function extraSettings(spec: BusSpec): Readonly<Record<string, unknown>> {
  const { scheduling, encryption, profilingPort } = spec.kubernetes;
  const zones = scheduling.zones.length > 0;
  const jetstream = {
    ...(zones ? { unique_tag: ZONE_TAG } : {}),
    ...(encryption.secret === undefined ? {} : { key: new ConfigVariable(STORE_KEY_VARIABLE), cipher: encryption.cipher }),
    ...(encryption.previousKey === undefined ? {} : { prev_key: new ConfigVariable(PREVIOUS_KEY_VARIABLE) }),
  };
  const own = {
    ...(zones ? { server_tags: [new ConfigVariable(ZONE_VARIABLE)] } : {}),
    ...(Object.keys(jetstream).length === 0 ? {} : { jetstream }),
    ...(profilingPort === undefined ? {} : { prof_port: profilingPort }),
  };
  return mergeSettings(own, spec.serverConfig);
}

/** The stack file's settings win; the JetStream block is the one that both may hold. */
function mergeSettings(
  own: Readonly<Record<string, unknown>>,
  stack: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { jetstream } = stack;
  const isBlock = typeof jetstream === "object" && jetstream !== null;
  return { ...own, ...stack, ...(isBlock && "jetstream" in own ? { jetstream: { ...(own["jetstream"] as object), ...jetstream } } : {}) };
}

function tlsFiles(spec: BusSpec, server: string, material: Material): TlsFiles {
  if (!hasOwnCertificates(spec)) {
    return { certFile: `${CONFIG_FOLDER}/tls.crt`, keyFile: `${CONFIG_FOLDER}/tls.key`, caFile: `${CONFIG_FOLDER}/ca.crt` };
  }
  return ownTls(server, material);
}

function ownTls(name: string, material: Material): TlsFiles {
  const { certificate, key, authority } = ownFiles(name, material);
  return { certFile: `${CONFIG_FOLDER}/${certificate}`, keyFile: `${CONFIG_FOLDER}/${key}`, caFile: `${CONFIG_FOLDER}/${authority}` };
}

function ownFiles(name: string, material: Material) {
  return {
    certificate: contentName(material.certificates[name] ?? "", ".pem"),
    key: contentName(material.keys[name] ?? "", ".key"),
    authority: contentName(material.authority, "-ca.pem"),
  };
}
