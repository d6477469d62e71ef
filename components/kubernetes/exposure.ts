/** What is reached by host name from outside: Ingresses, HTTPRoutes. And certificates that cert-manager makes. Pure. */
import { isIP } from "node:net";
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { certificateHosts, objectNames, serverNames } from "../../core/kubernetes-names.ts";
import { metadataOf } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { MONITOR_PORT, podPorts } from "./ports.ts";
import { monitorServiceName } from "./workload.ts";

const MS_PER_SECOND = 1000;

interface Exposed {
  /** Name of the objects. */
  readonly name: string;
  /** Service behind them. */
  readonly service: string;
  /** Port of that Service, by name. */
  readonly port: string;
  /** The stack file's choices. */
  readonly settings: BusSpec["kubernetes"]["listeners"]["monitor"];
}

/** Ingresses and HTTPRoutes for the WebSocket listener and the monitoring pages. */
export function exposures(spec: BusSpec): Manifest[] {
  const { listeners, name } = spec.kubernetes;
  const websocket = { name: `${name}-websocket`, service: objectNames(spec).set, port: "websocket", settings: listeners.websocket };
  const monitor = { name: monitorServiceName(spec), service: monitorServiceName(spec), port: MONITOR_PORT, settings: listeners.monitor };
  return [websocket, monitor].flatMap((exposed) => [
    ...(exposed.settings.ingressClass === undefined ? [] : [ingress(spec, exposed)]),
    ...(exposed.settings.gatewayName === undefined ? [] : [httpRoute(spec, exposed)]),
  ]);
}

function ingress(spec: BusSpec, { name, service, port, settings }: Exposed): Manifest {
  const { hosts, ingressClass, tlsSecret, annotations } = settings;
  const backend = { service: { name: service, port: { name: port } } };
  const body: types.input.networking.v1.IngressSpec = {
    ...(ingressClass === undefined ? {} : { ingressClassName: ingressClass }),
    ...(tlsSecret === undefined ? {} : { tls: [{ hosts, secretName: tlsSecret }] }),
    rules: hosts.map((host) => ({ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } })),
  };
  return { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: metadataOf(spec, name, { annotations }), spec: body };
}

function httpRoute(spec: BusSpec, { name, service, port, settings }: Exposed): Manifest {
  const { hosts, gatewayName, gatewayNamespace, annotations } = settings;
  const number = podPorts(spec).find((candidate) => candidate.name === port)?.port;
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: metadataOf(spec, name, { annotations }),
    spec: {
      parentRefs: [{ name: gatewayName, ...(gatewayNamespace === undefined ? {} : { namespace: gatewayNamespace }) }],
      hostnames: hosts,
      rules: [{ matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs: [{ name: service, port: number }] }],
    },
  };
}

/** The servers' certificate, when cert-manager makes it. */
export function certificateRequests(spec: BusSpec): Manifest[] {
  const { source, issuer, issuerKind } = spec.kubernetes.certificates;
  if (source !== "cert-manager") return [];
  const hosts = [...new Set(serverNames(spec).flatMap((server) => certificateHosts(spec, server)))];
  const { tls } = objectNames(spec);
  return [
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: metadataOf(spec, tls),
      spec: {
        secretName: tls,
        commonName: hosts[0],
        dnsNames: hosts.filter((host) => isIP(host) === 0),
        ipAddresses: hosts.filter((host) => isIP(host) !== 0),
        duration: `${spec.tls.validityMs / MS_PER_SECOND}s`,
        renewBefore: `${spec.tls.renewBeforeMs / MS_PER_SECOND}s`,
        // Servers of other clusters and leaf nodes are clients as well.
        usages: ["server auth", "client auth"],
        privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
        issuerRef: { group: "cert-manager.io", kind: issuerKind, name: issuer },
      },
    },
  ];
}
