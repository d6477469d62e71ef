/** Everything of a namespace that a bus may have made, and whether a secret shows in what is none. */
import { type CoreV1Api, type KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";

const KINDS: readonly (readonly [apiVersion: string, kind: string])[] = [
  ["v1", "Pod"],
  ["v1", "Service"],
  ["v1", "ConfigMap"],
  ["v1", "Secret"],
  ["v1", "ServiceAccount"],
  ["v1", "PersistentVolumeClaim"],
  ["v1", "Event"],
  ["apps/v1", "StatefulSet"],
  ["apps/v1", "ControllerRevision"],
  ["apps/v1", "Deployment"],
  ["policy/v1", "PodDisruptionBudget"],
  ["networking.k8s.io/v1", "NetworkPolicy"],
];
// What Kubernetes itself puts into every namespace.
const BUILT_IN = new Set(["ConfigMap/kube-root-ca.crt", "ServiceAccount/default"]);
const SEED = /\bS[UAONC][A-Z2-7]{56}\b/g;
const KEY_LINE = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n([^\n]{20,})/g;

/** Objects by `Kind/name`, with everything they hold; events are among them. */
export async function listObjects(kubeconfig: KubeConfig, namespace: string): Promise<ReadonlyMap<string, unknown>> {
  const client = KubernetesObjectApi.makeApiClient(kubeconfig);
  const lists = await Promise.all(
    KINDS.map(async ([apiVersion, kind]) =>
      (await client.list(apiVersion, kind, namespace)).items.map((item) => [`${kind}/${item.metadata?.name}`, item] as const),
    ),
  );
  return new Map(lists.flat().filter(([key]) => !BUILT_IN.has(key)));
}

/** Every seed and private key in the Secrets of a namespace. */
export function secretsOf(objects: ReadonlyMap<string, unknown>): readonly string[] {
  const secrets = [...objects]
    .filter(([key]) => key.startsWith("Secret/"))
    .map(([, object]) => object as { readonly data?: Record<string, string> });
  const texts = secrets.flatMap(({ data = {} }) => Object.values(data).map((value) => Buffer.from(value, "base64").toString("utf8")));
  return [...new Set(texts.flatMap(findSecrets))];
}

/** Seeds and private keys in a text. */
export function findSecrets(text: string): readonly string[] {
  return [...(text.match(SEED) ?? []), ...[...text.matchAll(KEY_LINE)].map(([, line = ""]) => line)];
}

/** What the servers of a namespace have logged. */
export async function readLogs(core: CoreV1Api, namespace: string): Promise<readonly string[]> {
  const { items } = await core.listNamespacedPod({ namespace });
  return Promise.all(
    items.flatMap(({ metadata, spec }) =>
      (spec?.containers ?? []).map(({ name }) => core.readNamespacedPodLog({ namespace, name: metadata?.name ?? "", container: name })),
    ),
  );
}
