/** Every port of a server's pod: one table that containers, Services, probes and policies are made from. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";

/** Who has business at a port. */
export type PortAudience = "clients" | "clusters" | "servers" | "metrics" | "nobody";

/** One port of a server's pod. */
export interface PodPort {
  /** Name, at most 15 characters; Services and probes refer to it. */
  readonly name: string;
  /** Number. */
  readonly port: number;
  /** Protocol inside TCP, for load balancers and meshes. */
  readonly appProtocol: "tcp" | "tls" | "http" | "https";
  /** Who may reach it. */
  readonly audience: PortAudience;
  /** Whether the client Service offers it. */
  readonly offered: boolean;
  /** Container that listens. */
  readonly container: "nats" | "exporter";
}

/** Name of the port that probes ask. */
export const MONITOR_PORT = "monitor";

/** Name of the exporter's port, as the official chart names it. */
export const METRICS_PORT = "prom-metrics";

/** The ports of a server's pod. */
export function podPorts(spec: BusSpec): readonly PodPort[] {
  const { listeners, exporter, profilingPort } = spec.kubernetes;
  const { websocket, mqtt, leafNodes, gateway } = listeners;
  const clientProtocol = spec.tls.clients ? "tls" : "tcp";
  const base = { container: "nats", offered: false } as const;
  const ports: readonly (PodPort | false)[] = [
    { ...base, name: "nats", port: KUBERNETES_PORTS.client, appProtocol: clientProtocol, audience: "clients", offered: true },
    { ...base, name: "cluster", port: KUBERNETES_PORTS.route, appProtocol: "tls", audience: "servers" },
    { ...base, name: MONITOR_PORT, port: KUBERNETES_PORTS.monitor, appProtocol: "http", audience: monitorAudience(spec) },
    websocket.enabled && {
      ...base,
      name: "websocket",
      port: websocket.port,
      appProtocol: websocket.tls ? "https" : "http",
      audience: "clients",
      offered: true,
    },
    mqtt.enabled && { ...base, name: "mqtt", port: mqtt.port, appProtocol: clientProtocol, audience: "clients", offered: true },
    leafNodes.enabled && { ...base, name: "leafnodes", port: leafNodes.port, appProtocol: "tls", audience: "clusters", offered: true },
    gateway.enabled && { ...base, name: "gateway", port: gateway.port, appProtocol: "tls", audience: "clusters" },
    profilingPort !== undefined && { ...base, name: "profiling", port: profilingPort, appProtocol: "http", audience: "nobody" },
    exporter.enabled && {
      ...base,
      container: "exporter",
      name: METRICS_PORT,
      port: exporter.port,
      appProtocol: "http",
      audience: "metrics",
    },
  ];
  return ports.filter((port) => port !== false);
}

/** Whether the monitoring pages are offered outside of the pods. */
export function isMonitorExposed({ kubernetes }: BusSpec): boolean {
  const { ingressClass, gatewayName } = kubernetes.listeners.monitor;
  return ingressClass !== undefined || gatewayName !== undefined;
}

// The kubelet's probes pass every policy; nobody else has business there unless it is exposed on purpose.
function monitorAudience(spec: BusSpec): PortAudience {
  return isMonitorExposed(spec) ? "metrics" : "nobody";
}
