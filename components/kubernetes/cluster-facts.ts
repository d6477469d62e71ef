/** What a Kubernetes cluster answers about the things that the declared objects need. The client library is loaded only here and for port-forwards. */
import type { ApiException, KubeConfig } from "@kubernetes/client-node";
import { kubernetesClient, loadKubeconfig } from "../../connection/kubeconfig.ts";
import type { BusSpec } from "../../core/bus-spec.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { selectorLabels } from "./labels.ts";

/** What is there; `undefined` for what is absent or was not asked for. */
export interface ClusterFacts {
  /** The namespace, and whether it is being deleted. */
  readonly namespace: { readonly deleting: boolean } | undefined;
  /** API groups the cluster knows, custom ones included. */
  readonly groups: readonly string[];
  /** Names of the storage classes, and whether their volumes can grow. */
  readonly storageClasses: readonly { readonly name: string; readonly grows: boolean; readonly isDefault: boolean }[];
  /** Names of the priority classes. */
  readonly priorityClasses: readonly string[];
  /** Map keyed by Secret name: its entries; only of Secrets that are referred to. */
  readonly secrets: Readonly<Record<string, readonly string[] | undefined>>;
  /** Claims of the servers: name and quantity asked for. */
  readonly claims: readonly { readonly name: string; readonly storage: string; readonly storageClass: string | undefined }[];
}

const PATIENCE_MS = 5000;
const NOT_FOUND = 404;
const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/**
 * Asks the cluster.
 * @throws ERR_KUBECONFIG, and whatever the client throws when the cluster does not answer
 */
export async function readClusterFacts(spec: BusSpec): Promise<ClusterFacts> {
  const { namespace, kubeconfig, context } = spec.kubernetes;
  const access = { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  const config = await loadKubeconfig(access);
  const apis = await openApis(config);
  const known = await inTime(orAbsent(apis.core.readNamespace({ name: namespace })));
  const [groups, storageClasses, priorityClasses, secrets, claims] = await inTime(
    Promise.all([
      apis.groups.getAPIVersions(),
      apis.storage.listStorageClass(),
      apis.scheduling.listPriorityClass(),
      readSecrets(apis, spec),
      known === undefined ? undefined : apis.core.listNamespacedPersistentVolumeClaim({ namespace, labelSelector: selectorText(spec) }),
    ]),
  );
  return {
    namespace: known === undefined ? undefined : { deleting: known.metadata?.deletionTimestamp !== undefined },
    groups: groups.groups.map(({ name }) => name),
    storageClasses: storageClasses.items.map(({ metadata, allowVolumeExpansion }) => ({
      name: metadata?.name ?? "",
      grows: allowVolumeExpansion === true,
      isDefault: metadata?.annotations?.[DEFAULT_CLASS] === "true",
    })),
    priorityClasses: priorityClasses.items.map(({ metadata }) => metadata?.name ?? ""),
    secrets,
    claims: (claims?.items ?? []).map(({ metadata, spec: claim }) => ({
      name: metadata?.name ?? "",
      storage: claim?.resources?.requests?.["storage"] ?? "",
      storageClass: claim?.storageClassName,
    })),
  };
}

/** Secrets that somebody else must have made, with the entries each must have. */
export function foreignSecrets(
  spec: BusSpec,
): readonly { readonly name: string; readonly path: string; readonly entries: readonly string[] }[] {
  const { certificates, encryption, listeners } = spec.kubernetes;
  return [
    ...(certificates.source === "existing"
      ? [{ name: objectNames(spec).tls, path: "kubernetes.certificates.secret", entries: ["tls.crt", "tls.key", "ca.crt"] }]
      : []),
    ...(encryption.secret === undefined
      ? []
      : [{ name: encryption.secret, path: "kubernetes.encryption.secret", entries: encryptionEntries(encryption) }]),
    ...listeners.leafNodes.remotes.flatMap(({ credentialsSecret, credentialsKey }) =>
      credentialsSecret === undefined
        ? []
        : [{ name: credentialsSecret, path: "kubernetes.listeners.leafNodes.remotes", entries: [credentialsKey] }],
    ),
  ];
}

function encryptionEntries({ key, previousKey }: BusSpec["kubernetes"]["encryption"]): string[] {
  return [key, ...(previousKey === undefined ? [] : [previousKey])];
}

type Apis = Awaited<ReturnType<typeof openApis>>;

async function openApis(config: KubeConfig) {
  const { ApisApi, CoreV1Api, SchedulingV1Api, StorageV1Api } = await kubernetesClient();
  return {
    core: config.makeApiClient(CoreV1Api),
    storage: config.makeApiClient(StorageV1Api),
    scheduling: config.makeApiClient(SchedulingV1Api),
    groups: config.makeApiClient(ApisApi),
  };
}

async function readSecrets({ core }: Apis, spec: BusSpec): Promise<ClusterFacts["secrets"]> {
  const { namespace } = spec.kubernetes;
  const found = foreignSecrets(spec).map(async ({ name }) => {
    const secret = await orAbsent(core.readNamespacedSecret({ name, namespace }));
    return [name, secret === undefined ? undefined : Object.keys(secret.data ?? {})] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

function selectorText(spec: BusSpec): string {
  return Object.entries(selectorLabels(spec, "server"))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

async function orAbsent<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if ((error as Partial<ApiException<unknown>>).code === NOT_FOUND) return undefined;
    throw error;
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
