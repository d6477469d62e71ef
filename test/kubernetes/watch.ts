import type { CoreV1Api, V1Pod } from "@kubernetes/client-node";

const POLL_MS = 100;

/** Watches in which order pods are replaced by ready ones, and how few were ready at once. */
export function watchPods(core: CoreV1Api, namespace: string) {
  const order: string[] = [];
  let fewest = Number.POSITIVE_INFINITY;
  let stopped = false;
  const work = (async () => {
    const known = new Map<string, string>();
    while (!stopped) {
      const ready = (await core.listNamespacedPod({ namespace })).items.filter(isReady);
      fewest = Math.min(fewest, ready.length);
      for (const { metadata } of ready) {
        const [name = "", uid = ""] = [metadata?.name, metadata?.uid];
        if (known.has(name) && known.get(name) !== uid) order.push(name);
        known.set(name, uid);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await work;
      return { order, fewest };
    },
  };
}

function isReady({ metadata, status }: V1Pod): boolean {
  return (
    metadata?.deletionTimestamp === undefined &&
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  );
}
