/** The calls to a Kubernetes cluster that a rollout needs. I/O. */
import type {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  StorageV1Api,
  V1PersistentVolumeClaim,
  V1Pod,
  V1StatefulSet,
} from "@kubernetes/client-node";
import { kubernetesClient, loadKubeconfig } from "../../connection/kubeconfig.ts";
import { BusError } from "../../core/errors.ts";
import type { ClaimView, PodView, RolloutRequest, SetPlace, SetView } from "./model.ts";
import { parseQuantity } from "./quantity.ts";

/** Annotation of the StatefulSet by which a person speaks to a running rollout. */
export const REQUEST_ANNOTATION = "natsbus/rollout";
/** Annotation of a pod that makes the kubelet look at its volumes at once instead of within a minute. */
const REFRESH_ANNOTATION = "natsbus/refreshed";
const REVISION_LABEL = "controller-revision-hash";
const REQUESTS: ReadonlySet<string> = new Set<RolloutRequest>(["paused", "aborted"]);
const FOUND_NOTHING = 404;

/** A StatefulSet with its pods and claims. */
export interface SetPort {
  /** As it is; `undefined` when there is no such set. */
  observe(): Promise<SetView | undefined>;
  /** Deletes a pod, if it is still that one; its server gets the whole grace period. */
  deletePod(name: string, uid: string): Promise<void>;
  /** Has the kubelet bring changed Secrets into a pod now. */
  refreshPod(name: string): Promise<void>;
  /** Leaves a request for a running rollout, or takes it back. */
  request(what: RolloutRequest | undefined): Promise<void>;
  /** Asks for a larger volume. */
  growClaim(name: string, sizeBytes: number): Promise<void>;
  /** Whether claims of a storage class may grow; `undefined` when there is no such class. */
  mayGrow(className: string): Promise<boolean | undefined>;
  /** Changes the number of pods. */
  scale(replicas: number): Promise<void>;
  /** Deletes a claim and with it what the volume holds, as the volume's own policy says. */
  deleteClaim(name: string): Promise<void>;
}

/**
 * The set over the Kubernetes API.
 * @throws ERR_KUBECONFIG; each call ERR_KUBERNETES when the API refuses or does not answer
 */
export async function kubernetesSet(place: SetPlace): Promise<SetPort> {
  const kubeconfig = await loadKubeconfig(place.access);
  const clients = await makeClients(kubeconfig);
  return bindPort(place, clients);
}

interface Clients {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly storage: StorageV1Api;
}

async function makeClients(kubeconfig: KubeConfig): Promise<Clients> {
  const { CoreV1Api: Core, AppsV1Api: Apps, StorageV1Api: Storage } = await kubernetesClient();
  return { core: kubeconfig.makeApiClient(Core), apps: kubeconfig.makeApiClient(Apps), storage: kubeconfig.makeApiClient(Storage) };
}

function bindPort({ namespace, set }: SetPlace, { core, apps, storage }: Clients): SetPort {
  const own = { namespace, name: set };
  const mergePatch = async () => {
    const { PatchStrategy, setHeaderOptions } = await kubernetesClient();
    return setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  };
  const annotate = (value: string | null) => ({ metadata: { annotations: { [REQUEST_ANNOTATION]: value } } });
  return {
    observe: async () => {
      const found = await absentOr(apps.readNamespacedStatefulSet(own), `read StatefulSet ${set}`);
      if (found === undefined) return undefined;
      const labelSelector = selectorOf(found);
      const [pods, claims] = await calling(
        `list the pods and claims of ${set}`,
        Promise.all([core.listNamespacedPod({ namespace, labelSelector }), core.listNamespacedPersistentVolumeClaim({ namespace })]),
      );
      return toSetView(found, pods.items, claims.items);
    },
    deletePod: async (name, uid) => {
      await absentOr(core.deleteNamespacedPod({ namespace, name, body: { preconditions: { uid } } }), `delete pod ${name}`);
    },
    refreshPod: async (name) => {
      const body = { metadata: { annotations: { [REFRESH_ANNOTATION]: new Date().toISOString() } } };
      await absentOr(core.patchNamespacedPod({ namespace, name, body }, await mergePatch()), `annotate pod ${name}`);
    },
    request: async (what) => {
      await calling(
        `annotate StatefulSet ${set}`,
        apps.patchNamespacedStatefulSet({ ...own, body: annotate(what ?? null) }, await mergePatch()),
      );
    },
    growClaim: async (name, sizeBytes) => {
      const body = { spec: { resources: { requests: { storage: String(sizeBytes) } } } };
      await calling(`grow claim ${name}`, core.patchNamespacedPersistentVolumeClaim({ namespace, name, body }, await mergePatch()));
    },
    mayGrow: async (name) => {
      const found = await absentOr(storage.readStorageClass({ name }), `read storage class ${name}`);
      return found === undefined ? undefined : found.allowVolumeExpansion === true;
    },
    scale: async (replicas) => {
      const body = { spec: { replicas } };
      await calling(`scale StatefulSet ${set}`, apps.patchNamespacedStatefulSet({ ...own, body }, await mergePatch()));
    },
    deleteClaim: async (name) => {
      await absentOr(core.deleteNamespacedPersistentVolumeClaim({ namespace, name }), `delete claim ${name}`);
    },
  };
}

function toSetView(set: V1StatefulSet, pods: readonly V1Pod[], claims: readonly V1PersistentVolumeClaim[]): SetView {
  const request = set.metadata?.annotations?.[REQUEST_ANNOTATION] ?? "";
  const prefixes = (set.spec?.volumeClaimTemplates ?? []).map((template) => `${template.metadata?.name}-${set.metadata?.name}-`);
  const own = claims.filter((claim) => prefixes.some((prefix) => claim.metadata?.name?.startsWith(prefix)));
  return {
    replicas: set.spec?.replicas ?? 1,
    revision: set.status?.updateRevision ?? "",
    settled: (set.status?.observedGeneration ?? 0) >= (set.metadata?.generation ?? 0),
    request: REQUESTS.has(request) ? (request as RolloutRequest) : undefined,
    pods: pods.map(toPodView).sort((a, b) => (a.name < b.name ? -1 : 1)),
    claims: own.map(toClaimView).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function toPodView({ metadata, status }: V1Pod): PodView {
  const trouble = troubleOf(status);
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    revision: metadata?.labels?.[REVISION_LABEL] ?? "",
    ready: status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
    leaving: metadata?.deletionTimestamp !== undefined,
    ...(trouble === undefined ? {} : { trouble }),
  };
}

/** Why a pod does not run: what a container waits for, or why no node takes it. */
function troubleOf(status: V1Pod["status"]): string | undefined {
  const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting).find((reason) => reason?.reason !== undefined);
  if (waiting !== undefined && waiting.reason !== "ContainerCreating") return [waiting.reason, waiting.message].filter(Boolean).join(": ");
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === "PodScheduled" && is === "False");
  return unscheduled === undefined ? undefined : [unscheduled.reason, unscheduled.message].filter(Boolean).join(": ");
}

function toClaimView({ metadata, spec, status }: V1PersistentVolumeClaim): ClaimView {
  return {
    name: metadata?.name ?? "",
    requestedBytes: parseQuantity(spec?.resources?.requests?.["storage"] ?? "0"),
    capacityBytes: parseQuantity(status?.capacity?.["storage"] ?? "0"),
    className: spec?.storageClassName ?? "",
  };
}

function selectorOf(set: V1StatefulSet): string {
  const labels = Object.entries(set.spec?.selector.matchLabels ?? {});
  return labels.map(([label, value]) => `${label}=${value}`).join(",");
}

/** The answer; `undefined` when the object does not exist. */
async function absentOr<T>(asked: Promise<T>, what: string): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === FOUND_NOTHING) return undefined;
    throw refused(what, error);
  }
}

async function calling<T>(what: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw refused(what, error);
  }
}

function refused(what: string, error: unknown): BusError {
  return new BusError("ERR_KUBERNETES", `the Kubernetes API did not ${what}: ${reasonOf(error)}`, {
    remedy: "check with kubectl that the cluster answers and that the kubeconfig has the right",
    cause: error,
  });
}

/** The API's own words, which stand as JSON in the error's body; or why nothing was said at all. */
function reasonOf(error: unknown): string {
  const { code, body, message = "", cause } = error as Error & { readonly code?: unknown; readonly body?: unknown };
  // `fetch failed` says nothing; what failed is behind it.
  if (cause instanceof Error && cause.message !== "") return cause.message;
  if (typeof body === "string" && body.startsWith("{")) return String((JSON.parse(body) as { readonly message?: unknown }).message ?? code);
  return typeof code === "number" ? `status ${code}` : (message.split("\n", 1)[0] ?? String(code));
}
