/** How servers on Kubernetes are reached from here. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";
import { selectorLabels } from "./labels.ts";

/** Addresses of the servers as their certificates name them, and the port-forward that leads there unless they can be reached directly. */
export function kubernetesReach(spec: BusSpec): Pick<ConnectionSpec, "servers" | "forward"> {
  const { reach, urls, namespace, kubeconfig, context } = spec.kubernetes;
  if (reach === "direct") return { servers: urls };
  const scheme = spec.tls.clients ? "tls" : "nats";
  const port = KUBERNETES_PORTS.client;
  return {
    servers: [`${scheme}://${objectNames(spec).set}.${namespace}.svc:${port}`],
    forward: {
      namespace,
      selector: selectorLabels(spec, "server"),
      port,
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    },
  };
}
