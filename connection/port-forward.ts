/**
 * Forwards a loopback port to a ready pod through the Kubernetes API. Each local connection gets a pod of its own choice, so that whoever reconnects after a pod went away reaches another one.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import type { KubeConfig, V1Pod } from "@kubernetes/client-node";
import { BusError } from "../core/errors.ts";
import type { ForwardSpec } from "../core/forward.ts";
import { kubernetesClient, loadKubeconfig } from "./kubeconfig.ts";

interface Forward {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const forwards = new Map<string, Promise<Forward>>();
/** Keys of forwards that others than this process's pool dial, and that stay open as long as the process lives. */
const held = new Set<string>();

/**
 * The loopback port that leads to the pods: the open one of this process, else a new one.
 * @throws ERR_KUBECONFIG, ERR_CONNECT_FORWARD when the Kubernetes API does not answer or no pod is there
 */
export async function openForward(spec: ForwardSpec): Promise<number> {
  const key = JSON.stringify(spec);
  const known = forwards.get(key);
  if (known !== undefined) return (await known).port;
  const opening = listen(spec);
  forwards.set(key, opening);
  opening.catch(() => forwards.delete(key));
  return (await opening).port;
}

/** As {@link openForward}, for whoever keeps the port: {@link closeForwards} leaves it open. It keeps no program alive. */
export function holdForward(spec: ForwardSpec): Promise<number> {
  held.add(JSON.stringify(spec));
  return openForward(spec);
}

/** Ends every forward of this process but those that are held; a later {@link openForward} makes a new one. */
export async function closeForwards(): Promise<void> {
  const open = [...forwards].filter(([key]) => !held.has(key));
  for (const [key] of open) forwards.delete(key);
  await Promise.all(open.map(([, opening]) => opening.then((forward) => forward.close()).catch(() => undefined)));
}

/** Name of the pod to forward to: a ready one, not the one tried last while there is another; else one that runs. `undefined` when there is none.
 * @param last pod of the last attempt */
export function choosePod(pods: readonly V1Pod[], last: string | undefined): string | undefined {
  const staying = pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined && pod.status?.phase === "Running");
  const ready = staying.filter((pod) => pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"));
  const names = (ready.length > 0 ? ready : staying).flatMap((pod) => pod.metadata?.name ?? []).sort();
  return names.find((name) => last === undefined || name > last) ?? names[0];
}

async function listen(spec: ForwardSpec): Promise<Forward> {
  const kubeconfig = await loadKubeconfig(spec);
  let last = await findPod(kubeconfig, spec, undefined);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    void connectPod(kubeconfig, spec, last, socket).then((pod) => {
      last = pod ?? last;
    });
  });
  // Keeps no program alive: the connections through it do, as long as they are open.
  server.unref();
  const port = await bind(server);
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, close };
}

function bind(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  return promise;
}

/** Ties a local socket to a pod until one of both ends. @returns the pod's name; `undefined` when none could be reached, and the socket is closed */
async function connectPod(
  kubeconfig: KubeConfig,
  spec: ForwardSpec,
  last: string | undefined,
  socket: Socket,
): Promise<string | undefined> {
  try {
    const pod = await findPod(kubeconfig, spec, last);
    const { PortForward } = await kubernetesClient();
    const refused = new PassThrough();
    // The pod's words that nobody listens on the port.
    refused.once("data", () => socket.destroy());
    const tunnel = await new PortForward(kubeconfig).portForward(spec.namespace, pod, [spec.port], socket, refused, socket);
    const connection = typeof tunnel === "function" ? tunnel() : tunnel;
    if (connection === null || socket.destroyed) socket.destroy();
    connection?.on("close", () => socket.destroy());
    connection?.on("error", () => socket.destroy());
    socket.once("close", () => connection?.close());
    return pod;
  } catch {
    // Whoever dialled sees the connection end and tries again; the first attempt of all has told why.
    socket.destroy();
    return undefined;
  }
}

async function findPod(kubeconfig: KubeConfig, { namespace, selector }: ForwardSpec, last: string | undefined): Promise<string> {
  const { CoreV1Api } = await kubernetesClient();
  const labelSelector = Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
  const pods = await kubeconfig
    .makeApiClient(CoreV1Api)
    .listNamespacedPod({ namespace, labelSelector })
    .catch((error: unknown) => {
      throw unreachable(`the Kubernetes API did not list the pods of namespace ${namespace}: ${reasonOf(error)}`, error);
    });
  const pod = choosePod(pods.items, last);
  if (pod !== undefined) return pod;
  throw unreachable(`no pod of namespace ${namespace} with the labels ${labelSelector} runs`);
}

function reasonOf(error: unknown): string {
  const { code, message = "" } = error as { readonly code?: unknown; readonly message?: string };
  return typeof code === "number" ? `status ${code}` : String(code ?? message.split("\n", 1)[0]);
}

function unreachable(message: string, cause?: unknown): BusError {
  return new BusError("ERR_CONNECT_FORWARD", message, {
    path: "connection.forward",
    remedy: "check with kubectl get pods that the servers run, and that the kubeconfig may list pods and forward their ports",
    ...(cause === undefined ? {} : { cause }),
  });
}
