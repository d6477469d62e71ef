/** Makes a freshly started node usable; runs inside its network: `node test/kubernetes/prepare.ts VOLUMES`. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppsV1Api, CoreV1Api, KubernetesObjectApi } from "@kubernetes/client-node";
import { loadKubeconfig } from "../../connection/kubeconfig.ts";
import { baseObjects } from "./base-objects.ts";

const TIMEOUT_MS = 240_000;
const POLL_MS = 250;

const [volumes = ""] = process.argv.slice(2);
const kubeconfig = await loadKubeconfig({});
const core = kubeconfig.makeApiClient(CoreV1Api);

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + TIMEOUT_MS;
  for (;;) {
    const problem = await done().then(
      (yes) => (yes ? undefined : "not yet"),
      (error: unknown) => String(error).slice(0, 300),
    );
    if (problem === undefined) return;
    if (performance.now() > end) throw new Error(`${what}: ${problem} after ${TIMEOUT_MS} ms`);
    await delay(POLL_MS);
  }
}

async function createObjects(): Promise<void> {
  const client = KubernetesObjectApi.makeApiClient(kubeconfig);
  for (const object of baseObjects(volumes)) await client.create(object);
}

// A pod's fsGroup is not applied to host paths: whoever the servers run as must be able to write.
for (const index of [0, 1, 2, 3, 4, 5]) {
  mkdirSync(join(volumes, String(index)), { recursive: true });
  chmodSync(join(volumes, String(index)), 0o777);
}
await until("the API server", async () => (await core.readNamespace({ name: "kube-system" })).metadata !== undefined);
await createObjects();
await until("the node", async () => {
  const nodes = await core.listNode();
  return nodes.items.some((node) => node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"));
});
await until("CoreDNS", async () => {
  const deployment = await kubeconfig.makeApiClient(AppsV1Api).readNamespacedDeployment({ name: "coredns", namespace: "kube-system" });
  return deployment.status?.readyReplicas === 1;
});
