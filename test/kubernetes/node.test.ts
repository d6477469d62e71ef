import { CoreV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { loadKubeconfig } from "../../connection/kubeconfig.ts";

test("the cluster has a node that takes pods", async () => {
  const api = (await loadKubeconfig({})).makeApiClient(CoreV1Api);
  const { items } = await api.listNode();
  expect(items.some((node) => node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"))).toBe(true);
});
