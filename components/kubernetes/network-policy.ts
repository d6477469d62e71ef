/** Who may reach which port of the pods. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { isProbed, KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";
import { type Component, metadataOf, selectorLabels } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { MONITOR_PORT, type PodPort, podPorts } from "./ports.ts";

type Peer = types.input.networking.v1.NetworkPolicyPeer;
type Rule = types.input.networking.v1.NetworkPolicyIngressRule;

const EVERY_POD: Peer = { namespaceSelector: {} };
const DNS_PORTS = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];

const STANDARD_PORTS: Readonly<Record<string, number>> = { "wss:": 443, "https:": 443, "ws:": 80, "http:": 80 };

/** The policies of servers and toolbox. */
export function networkPolicies(spec: BusSpec): Manifest[] {
  const { toolbox } = spec.kubernetes;
  return [serverPolicy(spec), ...(toolbox.enabled ? [toolboxPolicy(spec)] : [])];
}

function serverPolicy(spec: BusSpec): Manifest {
  const { egress } = spec.kubernetes.networkPolicy;
  const body: types.input.networking.v1.NetworkPolicySpec = {
    podSelector: { matchLabels: selectorLabels(spec, "server") },
    policyTypes: ["Ingress", ...(egress ? ["Egress"] : [])],
    ingress: podPorts(spec).flatMap((port) => ingressRule(spec, port)),
    ...(egress ? { egress: egressRules(spec) } : {}),
  };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadataOf(spec, `${spec.kubernetes.name}-servers`),
    spec: body,
  };
}

/** A port that nobody has business at is in no rule, and so closed. */
function ingressRule(spec: BusSpec, { name, port, audience }: PodPort): Rule[] {
  const ports = [{ protocol: "TCP", port }];
  const own = name === MONITOR_PORT && isProbed(spec) ? [podsOf(spec, "probe")] : [];
  const from = audience === "nobody" ? [] : peersOf(spec, audience);
  if (from === undefined) return [{ ports }];
  return from.length + own.length === 0 ? [] : [{ ports, from: [...own, ...from] }];
}

/** Whom an audience means; `undefined` for everybody. */
function peersOf(spec: BusSpec, audience: PodPort["audience"]): Peer[] | undefined {
  const { clients, metrics, clusters } = spec.kubernetes.networkPolicy;
  if (audience === "servers") return [podsOf(spec, "server")];
  if (audience === "metrics") return orElse(metrics, [EVERY_POD]);
  if (audience === "clusters") return orElse(clusters, undefined);
  const { toolbox, service } = spec.kubernetes;
  if (clients.length > 0) {
    // Those that are named leave out what natsbus itself declares.
    const own = [...(toolbox.enabled ? [podsOf(spec, "toolbox")] : []), ...(isProbed(spec) ? [podsOf(spec, "probe")] : [])];
    return [...own, ...(clients as Peer[])];
  }
  // Addresses from outside are those of nodes or clients, which no selector of pods fits.
  return service.type === "ClusterIP" ? [EVERY_POD] : undefined;
}

function orElse(peers: readonly object[], fallback: Peer[] | undefined): Peer[] | undefined {
  return peers.length > 0 ? (peers as Peer[]) : fallback;
}

function egressRules(spec: BusSpec): types.input.networking.v1.NetworkPolicyEgressRule[] {
  const { leafNodes, gateway } = spec.kubernetes.listeners;
  const urls = [...leafNodes.remotes, ...gateway.remotes].flatMap((remote) => remote.urls);
  const outside = [...new Set(urls.map(portOf))].sort((a, b) => a - b);
  return [
    { ports: [{ protocol: "TCP", port: KUBERNETES_PORTS.route }], to: [podsOf(spec, "server")] },
    { ports: DNS_PORTS },
    ...(outside.length === 0 ? [] : [{ ports: outside.map((port) => ({ protocol: "TCP", port })) }]),
  ];
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  if (port !== "") return Number(port);
  return STANDARD_PORTS[protocol] ?? 7422;
}

function toolboxPolicy(spec: BusSpec): Manifest {
  const { egress } = spec.kubernetes.networkPolicy;
  const servers = podPorts(spec).filter(({ offered }) => offered);
  const rules = [{ ports: servers.map(({ port }) => ({ protocol: "TCP", port })), to: [podsOf(spec, "server")] }, { ports: DNS_PORTS }];
  return partPolicy(spec, "toolbox", {
    policyTypes: ["Ingress", ...(egress ? ["Egress"] : [])],
    ingress: [],
    ...(egress ? { egress: rules } : {}),
  });
}

/** Prometheus and people reach the probe; where the servers may reach only what they must, so does it. */
export function probePolicy(spec: BusSpec): Manifest {
  const { networkPolicy, probe, autoscaling } = spec.kubernetes;
  const from = peersOf(spec, "metrics");
  const servers = [KUBERNETES_PORTS.client, KUBERNETES_PORTS.monitor].map((port) => ({ protocol: "TCP", port }));
  const egress = [
    { ports: servers, to: [podsOf(spec, "server")] },
    { ports: DNS_PORTS },
    ...(autoscaling.prometheus === undefined ? [] : [{ ports: [{ protocol: "TCP", port: portOf(autoscaling.prometheus) }] }]),
  ];
  return partPolicy(spec, "probe", {
    policyTypes: ["Ingress", ...(networkPolicy.egress ? ["Egress"] : [])],
    ingress: [{ ports: [{ protocol: "TCP", port: probe.port }], ...(from === undefined ? {} : { from }) }],
    ...(networkPolicy.egress ? { egress } : {}),
  });
}

function partPolicy(spec: BusSpec, component: Component, body: Omit<types.input.networking.v1.NetworkPolicySpec, "podSelector">): Manifest {
  const metadata = metadataOf(spec, `${spec.kubernetes.name}-${component}`, { component });
  const podSelector = { matchLabels: selectorLabels(spec, component) };
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec: { podSelector, ...body } };
}

function podsOf(spec: BusSpec, component: Component): Peer {
  return { podSelector: { matchLabels: selectorLabels(spec, component) } };
}
