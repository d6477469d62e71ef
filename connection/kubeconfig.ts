/** Finds the way to a Kubernetes cluster. The client library is loaded only when a cluster is asked for. */
import { existsSync } from "node:fs";
import type { KubeConfig } from "@kubernetes/client-node";
import { BusError } from "../core/errors.ts";
import type { KubernetesAccess } from "../core/forward.ts";

const MADE_UP_SERVER = "http://localhost:8080";

/** The client library, loaded on first use. */
export const kubernetesClient = () => import("@kubernetes/client-node");

/**
 * The kubeconfig of a cluster, with the wanted context chosen.
 * @throws ERR_KUBECONFIG when it is absent, cannot be read, or has no such context; its text is never quoted
 */
export async function loadKubeconfig({ kubeconfig, context }: KubernetesAccess): Promise<KubeConfig> {
  const { KubeConfig: Loader } = await kubernetesClient();
  const loaded = new Loader();
  try {
    if (kubeconfig === undefined) loaded.loadFromDefault();
    else if (isText(kubeconfig)) loaded.loadFromString(kubeconfig);
    else loaded.loadFromFile(existing(kubeconfig));
  } catch (error) {
    throw unusable(isText(kubeconfig ?? "") ? "the given text is no kubeconfig" : `the kubeconfig cannot be read: ${firstLine(error)}`);
  }
  // What the library makes up when it finds nothing.
  if (kubeconfig === undefined && loaded.getCurrentCluster()?.server === MADE_UP_SERVER) throw unusable("no kubeconfig was found");
  if (context !== undefined) chooseContext(loaded, context);
  if (loaded.getCurrentCluster() === null) throw unusable("the kubeconfig names no cluster");
  return loaded;
}

/** A kubeconfig is many lines of YAML or one of JSON; a path is neither. */
function isText(kubeconfig: string): boolean {
  return kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
}

function existing(path: string): string {
  if (!existsSync(path)) throw new Error(`there is no file ${path}`);
  return path;
}

function chooseContext(loaded: KubeConfig, context: string): void {
  const known = loaded.getContexts().map(({ name }) => name);
  if (!known.includes(context)) throw unusable(`the kubeconfig has no context "${context}"; it has ${known.join(", ") || "none"}`);
  loaded.setCurrentContext(context);
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0] ?? "";
}

function unusable(message: string): BusError {
  return new BusError("ERR_KUBECONFIG", message, {
    path: "kubernetes.kubeconfig",
    remedy: "give the path or text of a kubeconfig that kubectl works with, and one of its contexts",
  });
}
