import { type CoreV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";

const POLL_MS = 200;

/** Plays the part of a storage driver that grows volumes: gives every claim the capacity it asks for, as its external resizer does. Ends when disposed. */
export function playResizer(core: CoreV1Api, namespace: string): AsyncDisposable {
  let stopped = false;
  const options = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  const work = (async () => {
    while (!stopped) {
      const { items } = await core.listNamespacedPersistentVolumeClaim({ namespace });
      for (const { metadata, spec, status } of items) {
        const storage = spec?.resources?.requests?.["storage"];
        if (storage === undefined || status?.capacity?.["storage"] === storage) continue;
        const body = { status: { capacity: { storage } } };
        await core.patchNamespacedPersistentVolumeClaimStatus({ namespace, name: metadata?.name ?? "", body }, options);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      await work;
    },
  };
}
