import { CoreV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadKubeconfig } from "../../../connection/kubeconfig.ts";
import { apiServerObstacle, startApiServer, type TestApiServer } from "../../kubernetes/api-server.ts";

const obstacle = apiServerObstacle();
if (obstacle !== undefined) process.stdout.write(`Real API server: SKIPPED. ${obstacle}\n`);

describe.skipIf(obstacle !== undefined)("a real API server", () => {
  let server: TestApiServer;
  let api: CoreV1Api;

  beforeAll(async () => {
    server = await startApiServer();
    api = (await loadKubeconfig({ kubeconfig: server.kubeconfig })).makeApiClient(CoreV1Api);
  });

  afterAll(async () => server[Symbol.asyncDispose]());

  test("refuses an object that no cluster would take", async () => {
    const body = { metadata: { name: "Not-A-Name" } };
    await expect(api.createNamespace({ body, dryRun: "All" })).rejects.toMatchObject({ code: 422 });
  });

  test("admits to a restricted namespace only pods that are restricted", async () => {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await api.createNamespace({ body: { metadata: { name: "restricted", labels } } });
    const containers = [{ name: "a", image: "a" }];
    const pod = { metadata: { name: "a" }, spec: { containers } };
    await expect(api.createNamespacedPod({ namespace: "restricted", body: pod, dryRun: "All" })).rejects.toMatchObject({ code: 403 });
    const tight = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, runAsNonRoot: true };
    const securityContext = { ...tight, seccompProfile: { type: "RuntimeDefault" } };
    const restricted = { ...pod, spec: { containers: [{ name: "a", image: "a", securityContext }] } };
    await api.createNamespacedPod({ namespace: "restricted", body: restricted, dryRun: "All" });
  });
});
