import { type CoreV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";

/** Lets nodes take new pods, or not: a pod made meanwhile waits, as one of a lost node does. */
export async function setSchedulable(core: CoreV1Api, schedulable: boolean): Promise<void> {
  const options = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  const { items } = await core.listNode();
  for (const { metadata } of items)
    await core.patchNode({ name: metadata?.name ?? "", body: { spec: { unschedulable: !schedulable } } }, options);
}
