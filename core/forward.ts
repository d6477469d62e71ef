/** How servers inside a Kubernetes cluster are reached from outside it: plain data, part of a connection. */
import type { Problem } from "./errors.ts";

/** Which cluster, and as whom. */
export interface KubernetesAccess {
  /** Text or path of a kubeconfig. Its text is a secret.
   * @default - the files of `KUBECONFIG`, else `~/.kube/config`, else the service account of the pod that natsbus runs in */
  readonly kubeconfig?: string;
  /** Context of the kubeconfig.
   * @default - its current context */
  readonly context?: string;
}

/** A port of pods, forwarded through the Kubernetes API as `kubectl port-forward` does it. */
export interface ForwardSpec extends KubernetesAccess {
  /** Namespace of the pods. */
  readonly namespace: string;
  /** Map keyed by label: the value that pods must have. Any ready pod that has them all is taken. */
  readonly selector: Readonly<Record<string, string>>;
  /** Port inside the pods. */
  readonly port: number;
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Everything wrong with a port-forward that can be told without asking the cluster.
 * @param path where it stands in the user's input */
export function forwardProblems({ namespace, selector, port }: ForwardSpec, path: string): Problem[] {
  const found: Problem[] = [];
  const add = (key: string, message: string, remedy: string) =>
    found.push({ code: "ERR_CONNECT_OPTION", path: `${path}.${key}`, message, remedy });
  if (!NAMESPACE.test(namespace))
    add(
      "namespace",
      `"${namespace}" is not a namespace: lower case letters, digits and -, at most 63`,
      "name the namespace of the servers",
    );
  if (Object.keys(selector).length === 0)
    add("selector", "no label is given, so any pod of the namespace would be taken", "give the labels of the servers' pods");
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535))
    add("port", `${port} is not a port; allowed is 1 to 65535`, "give the port on which the servers take clients, for instance 4222");
  return found;
}
