import type { StorageV1Api } from "@kubernetes/client-node";

/** Name of the storage class whose claims may grow. */
export const GROWING = "growing";

const NOT_FOUND = 404;
const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** Makes that class where it is missing, as the cluster's default one but for growth; the test's own node has it. */
export async function ensureGrowingClass(storage: StorageV1Api): Promise<void> {
  try {
    await storage.readStorageClass({ name: GROWING });
  } catch (error) {
    if ((error as { readonly code?: number }).code !== NOT_FOUND) throw error;
    const { items } = await storage.listStorageClass();
    const preset = items.find(({ metadata }) => metadata?.annotations?.[DEFAULT_CLASS] === "true");
    if (preset === undefined) throw new Error("the cluster has no default storage class to make volumes by");
    await storage.createStorageClass({ body: { ...preset, metadata: { name: GROWING }, allowVolumeExpansion: true } });
  }
}
