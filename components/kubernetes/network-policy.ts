/** Who may reach which port of the pods. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";
import { metadataOf, selectorLabels } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { type PodPort, podPorts } from "./ports.ts";

type Peer = types.input.networking.v1.NetworkPolicyPeer;
type Rule = types.input.networking.v1.NetworkPolicyIngressRule;

const EVERY_POD: Peer = { namespaceSelector: {} };
const DNS_PORTS = [
  { protocol: "UDP", port: 53 },
  { protocol: "TCP", port: 53 },
];

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
    // A port that nobody has business at is in no rule, and so closed.
    ingress: podPorts(spec)
      .filter(({ audience }) => audience !== "nobody")
      .map((port) => ingressRule(spec, port)),
    ...(egress ? { egress: egressRules(spec) } : {}),
  };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadataOf(spec, `${spec.kubernetes.name}-servers`),
    spec: body,
  };
}

function ingressRule(spec: BusSpec, { port, audience }: PodPort): Rule {
  const ports = [{ protocol: "TCP", port }];
  const from = peersOf(spec, audience);
  return from === undefined ? { ports } : { ports, from };
}

/** Whom an audience means; `undefined` for everybody. */
function peersOf(spec: BusSpec, audience: PodPort["audience"]): Peer[] | undefined {
  const { clients, metrics, clusters } = spec.kubernetes.networkPolicy;
  if (audience === "servers") return [ownPods(spec)];
  if (audience === "metrics") return orElse(metrics, [EVERY_POD]);
  if (audience === "clusters") return orElse(clusters, undefined);
  // Addresses from outside are those of nodes or clients, which no selector of pods fits.
  return orElse(clients, spec.kubernetes.service.type === "ClusterIP" ? [EVERY_POD] : undefined);
}

function orElse(peers: readonly object[], fallback: Peer[] | undefined): Peer[] | undefined {
  return peers.length > 0 ? (peers as Peer[]) : fallback;
}

function egressRules(spec: BusSpec): types.input.networking.v1.NetworkPolicyEgressRule[] {
  const { leafNodes, gateway } = spec.kubernetes.listeners;
  const urls = [...leafNodes.remotes, ...gateway.remotes].flatMap((remote) => remote.urls);
  const outside = [...new Set(urls.map(portOf))].sort((a, b) => a - b);
  return [
    { ports: [{ protocol: "TCP", port: KUBERNETES_PORTS.route }], to: [ownPods(spec)] },
    { ports: DNS_PORTS },
    ...(outside.length === 0 ? [] : [{ ports: outside.map((port) => ({ protocol: "TCP", port })) }]),
  ];
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  if (port !== "") return Number(port);
  return protocol === "wss:" ? 443 : protocol === "ws:" ? 80 : 7422;
}

function toolboxPolicy(spec: BusSpec): Manifest {
  const body: types.input.networking.v1.NetworkPolicySpec = {
    podSelector: { matchLabels: selectorLabels(spec, "toolbox") },
    policyTypes: ["Ingress"],
    ingress: [],
  };
  const metadata = metadataOf(spec, `${spec.kubernetes.name}-toolbox`, { component: "toolbox" });
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec: body };
}

function ownPods(spec: BusSpec): Peer {
  return { podSelector: { matchLabels: selectorLabels(spec, "server") } };
}
