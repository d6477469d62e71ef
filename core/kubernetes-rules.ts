/** Rules between the settings of the `kubernetes` target, and between it and the rest of the bus. Pure. */
import type { BusSpec } from "./bus-spec.ts";
import type { ErrorCode, Problem } from "./errors.ts";
import { certificateHosts, coversHost, serverNames } from "./kubernetes-names.ts";
import { LARGEST_STORE_SHARE } from "./kubernetes-spec.ts";
import { findPortClashes, type PortClaim } from "./ports.ts";
import { renderSize } from "./units.ts";

/** What the rules need to know of a stream, a bucket or a store. */
interface StreamPlace {
  /** Where it is written. */
  readonly path: string;
  /** Stream name. */
  readonly name: string;
  /** Number of replicas. */
  readonly replicas: number;
}

/** Ports that servers have on every Kubernetes cluster. */
export const KUBERNETES_PORTS = { client: 4222, route: 6222, monitor: 8222 } as const;

/** Labels that the Services and the StatefulSet select by. */
export const SELECTOR_LABELS: readonly string[] = ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"];

const LONGEST_NAME = 52;
const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const ACCOUNT_KEY = /^A[A-Z2-7]{55}$/;
const PEER_KEYS: ReadonlySet<string> = new Set(["podSelector", "namespaceSelector", "ipBlock"]);

/** Problems between settings, found as soon as the stack file is read; none for other targets. */
export function kubernetesProblems(spec: BusSpec): readonly Problem[] {
  if (spec.target !== "kubernetes") return [];
  return [
    ...nameProblems(spec),
    ...storageProblems(spec),
    ...memoryProblems(spec),
    ...zoneProblems(spec),
    ...serviceProblems(spec),
    ...reachProblems(spec),
    ...portProblems(spec),
    ...websocketProblems(spec),
    ...exposureProblems(spec, "websocket"),
    ...exposureProblems(spec, "monitor"),
    ...clusterLinkProblems(spec),
    ...certificateProblems(spec),
    ...encryptionProblems(spec),
    ...imageProblems(spec),
    ...labelProblems(spec),
    ...peerProblems(spec),
    ...workerProblems(spec),
    ...objectProblems(spec),
    ...watchProblems(spec),
  ];
}

/** Whether a probe watches the bus: on Kubernetes it runs from an image, and there is none to fall back to. */
export function isProbed({ monitoring, kubernetes }: Pick<BusSpec, "monitoring" | "kubernetes">): boolean {
  return monitoring.enabled && kubernetes.probe.image.repository !== undefined;
}

/** Problems between the target and what is to live in the bus. */
export function kubernetesStreamProblems(spec: BusSpec, streams: readonly StreamPlace[]): readonly Problem[] {
  if (spec.target !== "kubernetes") return [];
  const { zones } = spec.kubernetes.scheduling;
  const { maxServers, workers } = spec.kubernetes.autoscaling;
  const known = new Set(streams.map(({ name }) => name));
  return [
    ...streams
      .filter(({ replicas }) => zones.length > 0 && replicas > zones.length)
      .map(({ path, replicas }) =>
        conflict(
          `${path}.replicas`,
          `${replicas} replicas need as many zones, and kubernetes.scheduling.zones lists ${zones.length}`,
          `list at least ${replicas} zones, or lower the replicas`,
        ),
      ),
    ...(maxServers !== undefined && streams.length > 0
      ? [
          conflict(
            "kubernetes.autoscaling.maxServers",
            `${streams.length} streams live on the servers, and a server that is added holds none of them`,
            "remove it; scale a bus with streams by cluster.servers",
          ),
        ]
      : []),
    ...workers
      .filter(({ stream }) => !known.has(stream))
      .map(({ name, stream }) =>
        problem(
          "ERR_CONFIG_VALUE",
          "kubernetes.autoscaling.workers",
          `worker "${name}": no stream "${stream}" is declared`,
          "name a declared stream",
        ),
      ),
  ];
}

/** Advice that stops nothing. */
export function kubernetesAdvice(spec: BusSpec): readonly string[] {
  if (spec.target !== "kubernetes") return [];
  const { kubernetes } = spec;
  const { storage, certificates, reloader, scheduling, networkPolicy } = kubernetes;
  const advice: string[] = [];
  if (storage.ephemeral)
    advice.push("kubernetes.storage.ephemeral: a server's data goes with its pod; only replicas on other servers survive");
  if (storage.whenDeleted === "Delete" && !storage.ephemeral)
    advice.push("kubernetes.storage.whenDeleted: deleting the StatefulSet, even to replace it, deletes every message");
  if (certificates.source !== "own" && !reloader.enabled)
    advice.push(
      "kubernetes.certificates.source: natsbus does not see when somebody else renews the certificates; turn kubernetes.reloader on so that servers take them over",
    );
  if (scheduling.antiAffinity === "none" && spec.cluster.servers > 1)
    advice.push("kubernetes.scheduling.antiAffinity: servers on one node are lost together");
  if (!networkPolicy.enabled)
    advice.push("kubernetes.networkPolicy: every pod of the cluster reaches every port, the monitoring pages included");
  if (reloader.enabled)
    advice.push("kubernetes.reloader: a reload that a server refuses shows in its log only, and all servers reload at once");
  if (spec.monitoring.enabled && !isProbed(spec))
    advice.push(
      "kubernetes.probe.image: without an image no probe runs; alerts on replicas that fall behind, on certificates and on the service level are left out",
    );
  return advice;
}

function nameProblems({ kubernetes }: BusSpec): Problem[] {
  const { name, namespace, createNamespace } = kubernetes;
  const found: Problem[] = [];
  if (name.length > LONGEST_NAME) {
    const message = `"${name}" has ${name.length} characters; the names made from it leave room for ${LONGEST_NAME}`;
    found.push(problem("ERR_NAME", "kubernetes.name", message, "choose a shorter name"));
  }
  if (createNamespace && SYSTEM_NAMESPACES.has(namespace)) {
    const message = `"${namespace}" belongs to the Kubernetes cluster and cannot be declared`;
    found.push(conflict("kubernetes.namespace", message, "choose another namespace, or turn kubernetes.createNamespace off"));
  }
  if (namespace === "") found.push(problem("ERR_NAME", "kubernetes.namespace", "no name can be made from project and stack", "set it"));
  return found;
}

function storageProblems(spec: BusSpec): Problem[] {
  const { maxStorageBytes } = spec.jetstream;
  const { sizeBytes } = spec.kubernetes.storage;
  const most = Math.floor(sizeBytes * LARGEST_STORE_SHARE);
  if (maxStorageBytes <= most) return [];
  const message = `a volume of ${renderSize(sizeBytes)} holds less than jetstream.maxStorage ${renderSize(maxStorageBytes)} and the file system's own`;
  const enough = `${Math.ceil(maxStorageBytes / LARGEST_STORE_SHARE / 1024 ** 2)}MiB`;
  return [problem("ERR_STORAGE", "kubernetes.storage.size", message, `make it at least ${enough}, or lower jetstream.maxStorage`)];
}

function memoryProblems(spec: BusSpec): Problem[] {
  const { maxMemoryBytes } = spec.jetstream;
  const { memoryBytes, goMemoryBytes } = spec.kubernetes.resources;
  if (maxMemoryBytes < goMemoryBytes) return [];
  const message = `a container of ${renderSize(memoryBytes)} keeps ${renderSize(goMemoryBytes)} for the server, and jetstream.maxMemory alone is ${renderSize(maxMemoryBytes)}`;
  return [conflict("limits.memory", message, "raise limits.memory or kubernetes.preset, or lower jetstream.maxMemory")];
}

function zoneProblems({ kubernetes, jetstream }: BusSpec): Problem[] {
  const { zones } = kubernetes.scheduling;
  const path = "kubernetes.scheduling.zones";
  const found: Problem[] = [];
  if (new Set(zones).size < zones.length) found.push(conflict(path, "a zone is listed twice", "list each zone once"));
  if (zones.length === 1) found.push(conflict(path, "one zone spreads nothing", "list at least two zones, or remove the setting"));
  if (zones.length > 0 && jetstream.uniqueTag !== undefined && jetstream.uniqueTag !== "az:") {
    const message = `the zones give servers the tag "az:", and replicas are told apart by "${jetstream.uniqueTag}"`;
    found.push(conflict("jetstream.uniqueTag", message, "remove it, or set it to az:"));
  }
  return found;
}

function serviceProblems(spec: BusSpec): Problem[] {
  const { service } = spec.kubernetes;
  const { type, sourceRanges, loadBalancerClass, nodePort } = service;
  const found: Problem[] = [];
  const needs = (path: string, wanted: string) =>
    found.push(
      conflict(
        `kubernetes.service.${path}`,
        `means nothing for a Service of type ${type}`,
        `set kubernetes.service.type to ${wanted}, or remove it`,
      ),
    );
  if (sourceRanges.length > 0 && type !== "LoadBalancer") needs("sourceRanges", "LoadBalancer");
  if (loadBalancerClass !== undefined && type !== "LoadBalancer") needs("loadBalancerClass", "LoadBalancer");
  if (nodePort !== undefined && type === "ClusterIP") needs("nodePort", "NodePort");
  if (type === "ClusterIP") return found;
  if (!spec.tls.clients)
    found.push(
      conflict(
        "tls.clients",
        `a Service of type ${type} would carry unencrypted clients from outside`,
        "turn tls.clients on, or use ClusterIP",
      ),
    );
  if (spec.auth.mode === "none")
    found.push(conflict("auth.mode", `a Service of type ${type} would let everybody in`, 'use auth.mode "jwt", or ClusterIP'));
  return found;
}

function reachProblems(spec: BusSpec): Problem[] {
  const { reach, urls, certificates } = spec.kubernetes;
  if (reach === "port-forward") {
    if (urls.length === 0) return [];
    return [
      conflict(
        "kubernetes.urls",
        "URLs are used only when the servers are reached directly",
        "set kubernetes.reach to direct, or remove them",
      ),
    ];
  }
  if (urls.length === 0) {
    return [conflict("kubernetes.urls", "no URL is given, and kubernetes.reach is direct", "list a client URL, or use port-forward")];
  }
  const scheme = spec.tls.clients ? "tls" : "nats";
  const [server = ""] = serverNames(spec);
  const hosts = certificateHosts(spec, server);
  return urls.flatMap((url): Problem[] => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== `${scheme}:`) return [conflict("kubernetes.urls", `${url} does not fit tls.clients`, `write it with ${scheme}://`)];
    if (certificates.source !== "own" || !spec.tls.clients || coversHost(hosts, hostname.replaceAll(/^\[|\]$/g, ""))) return [];
    return [problem("ERR_TLS_NAMES", "kubernetes.urls", `the servers' certificates do not cover "${hostname}"`, `add it to tls.hosts`)];
  });
}

/** Every port of a server's pod, with the setting that asks for it. */
export function podPortClaims({ kubernetes }: Pick<BusSpec, "kubernetes">): readonly PortClaim[] {
  const { listeners, exporter, profilingPort } = kubernetes;
  const claim = (port: number, path: string, owner: string): PortClaim => ({ port, path: `kubernetes.${path}`, owner });
  const optional = (["websocket", "mqtt", "leafNodes", "gateway"] as const).filter((key) => listeners[key].enabled);
  return [
    claim(KUBERNETES_PORTS.client, "name", "the client listener"),
    claim(KUBERNETES_PORTS.route, "name", "the route listener"),
    claim(KUBERNETES_PORTS.monitor, "name", "the monitor listener"),
    ...optional.map((key) => claim(listeners[key].port, `listeners.${key}.port`, key)),
    ...(exporter.enabled ? [claim(exporter.port, "exporter.port", "the exporter")] : []),
    ...(profilingPort === undefined ? [] : [claim(profilingPort, "profilingPort", "the profiler")]),
  ];
}

function portProblems(spec: BusSpec): Problem[] {
  return findPortClashes(podPortClaims(spec)).map((group) =>
    problem(
      "ERR_PORT_CLASH",
      group.at(-1)?.path ?? "kubernetes.listeners",
      `port ${group[0]?.port} is asked for by ${group.map(({ owner }) => owner).join(" and ")}`,
      "choose another port",
    ),
  );
}

function websocketProblems({ kubernetes }: BusSpec): Problem[] {
  const { enabled, tls, ingressClass, gatewayName } = kubernetes.listeners.websocket;
  if (!enabled || tls || ingressClass !== undefined || gatewayName !== undefined) return [];
  const remedy = "turn kubernetes.listeners.websocket.tls on, or name the Ingress class or Gateway that encrypts";
  return [conflict("kubernetes.listeners.websocket.tls", "browsers would connect unencrypted", remedy)];
}

function exposureProblems({ kubernetes }: BusSpec, key: "websocket" | "monitor"): Problem[] {
  const listener = kubernetes.listeners[key];
  const { hosts, ingressClass, gatewayName, gatewayNamespace, tlsSecret } = listener;
  const path = `kubernetes.listeners.${key}`;
  const found: Problem[] = [];
  const isExposed = ingressClass !== undefined || gatewayName !== undefined;
  if (isExposed && hosts.length === 0)
    found.push(conflict(`${path}.hosts`, "nothing says by which host name it is reached", "list a host name"));
  if (isExposed && "enabled" in listener && !listener.enabled)
    found.push(conflict(`${path}.enabled`, "a listener that is off cannot be reached from outside", "turn it on"));
  if (gatewayNamespace !== undefined && gatewayName === undefined)
    found.push(conflict(`${path}.gatewayNamespace`, "no Gateway is named", `set ${path}.gatewayName`));
  if (tlsSecret !== undefined && ingressClass === undefined)
    found.push(conflict(`${path}.tlsSecret`, "no Ingress is made that could show the certificate", `set ${path}.ingressClass`));
  if (key === "monitor" && hosts.length > 0 && ingressClass !== undefined && tlsSecret === undefined)
    found.push(conflict(`${path}.tlsSecret`, "the monitoring pages would be shown unencrypted", "name the Secret of the certificate"));
  return found;
}

function clusterLinkProblems(spec: BusSpec): Problem[] {
  const { gateway, leafNodes } = spec.kubernetes.listeners;
  const found: Problem[] = [];
  if (!gateway.enabled && gateway.remotes.length > 0)
    found.push(
      conflict(
        "kubernetes.listeners.gateway.enabled",
        "other clusters are listed, and the gateway is off",
        "turn it on, or remove the remotes",
      ),
    );
  if (gateway.enabled && gateway.remotes.some(({ name }) => name === spec.cluster.name)) {
    const message = `"${spec.cluster.name}" is this cluster itself`;
    found.push(conflict("kubernetes.listeners.gateway.remotes", message, "list other clusters only"));
  }
  const hasLeafNodes = leafNodes.enabled || leafNodes.remotes.length > 0;
  if (gateway.enabled && hasLeafNodes && spec.auth.mode === "none" && spec.serverConfig["system_account"] === undefined) {
    const message = "a server with a gateway and leaf nodes does not start without a system account";
    found.push(conflict("auth.mode", message, 'use auth.mode "jwt", or name a system_account under serverConfig'));
  }
  for (const { account } of leafNodes.remotes) {
    if (spec.auth.mode !== "jwt" || account === undefined || ACCOUNT_KEY.test(account)) continue;
    const message = `account "${account}" of a remote is a name, and in auth.mode jwt a server knows accounts by public key`;
    found.push(conflict("kubernetes.listeners.leafNodes.remotes", message, "write the account's public key"));
  }
  return found;
}

function certificateProblems({ kubernetes }: BusSpec): Problem[] {
  const { source, issuer, secret, authority } = kubernetes.certificates;
  const path = "kubernetes.certificates";
  const found: Problem[] = [];
  if (source === "cert-manager" && issuer === undefined) found.push(conflict(`${path}.issuer`, "cert-manager needs an issuer", "name one"));
  if (source !== "cert-manager" && issuer !== undefined)
    found.push(
      conflict(`${path}.issuer`, `an issuer means nothing for the source "${source}"`, `set ${path}.source to cert-manager, or remove it`),
    );
  if (source === "existing" && secret === undefined)
    found.push(
      conflict(`${path}.secret`, "nothing says which Secret holds the certificate", "name a Secret with tls.crt, tls.key and ca.crt"),
    );
  if (source === "own" && authority !== undefined)
    found.push(conflict(`${path}.authority`, "natsbus makes its own authority", `remove it, or choose another ${path}.source`));
  return found;
}

function encryptionProblems({ kubernetes }: BusSpec): Problem[] {
  const { secret, key, previousKey } = kubernetes.encryption;
  const path = "kubernetes.encryption";
  if (previousKey === undefined) return [];
  if (secret === undefined) return [conflict(`${path}.secret`, "a key of before is named, and no Secret", "name the Secret of both keys")];
  if (previousKey !== key) return [];
  return [
    conflict(`${path}.previousKey`, `"${key}" is the present key too`, "put the new key under an entry of its own, and name that as key"),
  ];
}

function imageProblems(spec: BusSpec): Problem[] {
  const { tag } = spec.kubernetes.image;
  const [, minor] = /^(\d+\.\d+)\./.exec(tag ?? "") ?? [];
  if (minor === undefined || spec.cluster.version.startsWith(`${minor}.`)) return [];
  const message = `"${tag}" is another version than cluster.version ${spec.cluster.version}`;
  return [
    problem("ERR_SERVER_VERSION", "kubernetes.image.tag", message, "make the two agree; the version decides which settings are written"),
  ];
}

function labelProblems({ kubernetes }: BusSpec): Problem[] {
  return (["labels", "podLabels"] as const).flatMap((block) =>
    Object.entries(kubernetes[block]).flatMap(([key, value]): Problem[] => {
      const path = `kubernetes.${block}.${key}`;
      if (SELECTOR_LABELS.includes(key))
        return [conflict(path, "the Services and the StatefulSet select by this label", "choose another key")];
      if (LABEL_KEY.test(key) && LABEL_VALUE.test(value)) return [];
      const message = `${JSON.stringify(value)} is no label; allowed are 63 letters, digits, dots, hyphens and underscores`;
      return [problem("ERR_CONFIG_VALUE", path, message, "use an annotation for other texts")];
    }),
  );
}

function peerProblems({ kubernetes }: BusSpec): Problem[] {
  return (["clients", "metrics", "clusters"] as const).flatMap((key) =>
    kubernetes.networkPolicy[key].flatMap((peer): Problem[] => {
      const wrong = Object.keys(peer).find((name) => !PEER_KEYS.has(name));
      if (wrong === undefined && Object.keys(peer).length > 0) return [];
      const message = wrong === undefined ? "a peer is empty, which lets nobody in" : `unknown key "${wrong}" of a peer`;
      return [problem("ERR_CONFIG_VALUE", `kubernetes.networkPolicy.${key}`, message, `use ${[...PEER_KEYS].join(", ")}`)];
    }),
  );
}

function workerProblems({ kubernetes, cluster }: BusSpec): Problem[] {
  const { workers, maxServers, prometheus } = kubernetes.autoscaling;
  const path = "kubernetes.autoscaling";
  const found: Problem[] = [];
  const seen = new Set<string>();
  if (workers.length > 0 && prometheus === undefined)
    found.push(
      conflict(
        `${path}.prometheus`,
        "nothing says where the workers' backlog is read",
        "set the URL of the Prometheus that scrapes the exporters",
      ),
    );
  for (const { name, min, max } of workers) {
    if (min > max) found.push(conflict(`${path}.workers`, `worker "${name}": min ${min} is above max ${max}`, "make min at most max"));
    if (seen.has(name)) found.push(conflict(`${path}.workers`, `two workers are named "${name}"`, "give each a name of its own"));
    seen.add(name);
  }
  if (maxServers !== undefined && maxServers <= cluster.servers)
    found.push(conflict(`${path}.maxServers`, `${maxServers} is not above cluster.servers ${cluster.servers}`, "raise it, or remove it"));
  return found;
}

function objectProblems({ kubernetes }: BusSpec): Problem[] {
  return kubernetes.extraObjects.flatMap((object, index): Problem[] => {
    const { apiVersion, kind, metadata } = object as {
      readonly apiVersion?: unknown;
      readonly kind?: unknown;
      readonly metadata?: { readonly name?: unknown };
    };
    const missing = [
      ...(typeof apiVersion === "string" ? [] : ["apiVersion"]),
      ...(typeof kind === "string" ? [] : ["kind"]),
      ...(typeof metadata?.name === "string" ? [] : ["metadata.name"]),
    ];
    if (missing.length === 0) return [];
    return [
      problem(
        "ERR_CONFIG_VALUE",
        `kubernetes.extraObjects[${index}]`,
        `is no Kubernetes object: ${missing.join(", ")} missing`,
        "complete it",
      ),
    ];
  });
}

function watchProblems({ monitoring, kubernetes }: BusSpec): Problem[] {
  const { repository, tag, digest } = kubernetes.probe.image;
  const found: Problem[] = [];
  if (monitoring.enabled && !kubernetes.exporter.enabled)
    found.push(
      conflict("kubernetes.exporter.enabled", "monitoring reads the exporters, and they are off", "turn it on, or monitoring.enabled off"),
    );
  if (repository !== undefined && tag === undefined && digest === undefined)
    found.push(
      problem("ERR_CONFIG_MISSING", "kubernetes.probe.image.tag", "nothing says which version of the probe runs", "name a tag or a digest"),
    );
  return found;
}

function conflict(path: string, message: string, remedy: string): Problem {
  return problem("ERR_CONFIG_CONFLICT", path, message, remedy);
}

function problem(code: ErrorCode, path: string, message: string, remedy: string): Problem {
  return { code, path, message, remedy };
}
