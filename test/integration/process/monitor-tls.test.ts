import { describe, expect, test } from "vitest";
import type { ClusterInputs } from "../../../components/process/cluster-spec.ts";
import { createCluster, deleteCluster, updateCluster } from "../../../components/process/operations.ts";
import { prepareProcessCluster } from "../../support/process-cluster.ts";

function withMonitorTls(inputs: ClusterInputs, monitorTls: boolean): ClusterInputs {
  const scheme = monitorTls ? "https" : "http";
  const nodes = inputs.nodes.map((node) => ({ ...node, monitorUrl: node.monitorUrl.replace(/^https?/, scheme) }));
  return { ...inputs, nodes, settings: { ...inputs.settings, process: { ...inputs.settings.process, monitorTls } } };
}

describe("the monitor port", () => {
  test("speaks HTTPS when asked, and changes over in a rolling restart in which every server is asked where it still listens", async () => {
    await using cluster = await prepareProcessCluster();
    const secured = withMonitorTls(cluster.inputs, true);
    const { outs } = await createCluster(secured);
    try {
      expect(outs.running).toHaveLength(3);
      for (const url of outs.monitorUrls) expect(url).toMatch(/^https:/);
      const plain = withMonitorTls(cluster.inputs, false);
      const changed = (await updateCluster(plain)).outs;
      expect(changed.running).toHaveLength(3);
      for (const url of changed.monitorUrls) expect((await fetch(`${url}/healthz`)).status).toBe(200);
      const back = (await updateCluster(secured)).outs;
      for (const url of back.monitorUrls)
        await expect(fetch(`${url.replace("https", "http")}/healthz`).then(({ status }) => status)).resolves.not.toBe(200);
    } finally {
      await deleteCluster({ ...outs });
    }
  });
});
