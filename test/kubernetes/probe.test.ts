import type { KubernetesObject } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { prepareBus, SERVERS } from "./bus.ts";
import { PROBE_IMAGE } from "./pieces.ts";

const NAMESPACE = "natsbus-test-probe";
// The image is in the node that these tests start; another cluster must be given one, and pulls the exporter's.
const onOwnNode = process.env["NATSBUS_TEST_NODE"] !== undefined;
const given = process.env["NATSBUS_TEST_PROBE_IMAGE"];
const [, repository, tag] = /^(.+):([^:/]+)$/.exec(given ?? `${PROBE_IMAGE.repository}:${PROBE_IMAGE.tag}`) ?? [];

if (!onOwnNode && given === undefined)
  process.stdout.write("The probe in a pod: NOT RUN. NATSBUS_TEST_PROBE_IMAGE names no image that the cluster of KUBECONFIG has.\n");

/** Leaves out what the cluster does not know and the node has no image of: objects of the Prometheus Operator, the exporters. */
function edit(object: KubernetesObject): KubernetesObject | undefined {
  if (object.apiVersion?.startsWith("monitoring.coreos.com/")) return undefined;
  if (object.kind !== "StatefulSet" || !onOwnNode) return object;
  const set = structuredClone(object) as { spec: { template: { spec: { containers: { name: string }[] } } } };
  const pod = set.spec.template.spec;
  pod.containers = pod.containers.filter(({ name }) => name !== "exporter");
  return set as unknown as KubernetesObject;
}

test.skipIf(!onOwnNode && given === undefined)(
  "the probe runs in a pod from its image, reads every server and publishes through each of them",
  async () => {
    await using bus = await prepareBus(
      {
        "natsbus:monitoring": { enabled: true },
        "natsbus:jetstream": { maxMemory: "64MiB", maxStorage: "512MB" },
        "natsbus:kubernetes": {
          namespace: NAMESPACE,
          preset: "nano",
          scheduling: { antiAffinity: "none" },
          storage: { ephemeral: true, size: "640MiB" },
          exporter: { cpu: 0.05 },
          probe: { image: { repository, tag }, cpu: 0.2 },
        },
      },
      NAMESPACE,
    );
    await bus.apply(edit);
    await bus.up();
    const page = () =>
      bus.core.connectGetNamespacedServiceProxyWithPath({ namespace: NAMESPACE, name: "nats-probe:prom-metrics", path: "metrics" });
    const serversWith = async (series: string, fits: (value: number) => boolean) => {
      const values = readValues(await page().catch(String));
      return SERVERS.filter((server) => fits(values.get(series.replace("NAME", server)) ?? Number.NaN));
    };
    const wait = (series: string, fits: (value: number) => boolean) =>
      expect.poll(() => serversWith(series, fits), { timeout: 90_000, interval: 1_000 }).toEqual(SERVERS);
    await wait('natsbus_meta_ready{server_id="NAME"}', (value) => value === 1);
    // The digest that natsbus wrote into its Secret is the one that the server reports.
    await wait('natsbus_server_config_current{server_id="NAME"}', (value) => value === 1);
    await wait('natsbus_certificate_not_after_seconds{server_id="NAME",listener="client"}', (value) => value > Date.now() / 1000);
    // Over TLS, as the user `canary`.
    await wait('nats_client_publish_total{server_id="NAME",result="ok"}', (value) => value > 0);
    const { items } = await bus.core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: "app.kubernetes.io/component=probe" });
    expect(items.map(({ status }) => status?.containerStatuses?.map(({ ready, restartCount }) => [ready, restartCount]))).toEqual([
      [[true, 0]],
    ]);
    await closeConnections();
  },
);

/** Map keyed by series: its value. */
function readValues(page: string): ReadonlyMap<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}
