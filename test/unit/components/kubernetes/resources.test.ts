import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../../../components/kubernetes/manifest.ts";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { KubernetesObjects, resourceName } from "../../../../components/kubernetes/resources.ts";
import type { BusSpec } from "../../../../core/bus-spec.ts";
import { fakeMaterial, KITCHEN_SINK, kubernetesSpec, type StackBlocks } from "../../../support/kubernetes-spec.ts";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  readonly options: pulumi.CustomResourceOptions;
}

const registered = new Map<string, Registered>();

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    { newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs as object }), call: ({ inputs }) => inputs as object },
    "natsbus",
    "test",
    false,
  );
});

/** Registers a bus's objects; what Pulumi was asked for, by resource name. */
async function register(spec: BusSpec): Promise<ReadonlyMap<string, Registered>> {
  registered.clear();
  const guard = new pulumi.ComponentResource("test:index:Guard", "guard");
  const objects = new KubernetesObjects(
    "bus",
    { spec, plan: planKubernetes(spec), material: pulumi.output(fakeMaterial(spec)), guard },
    {
      transformations: [
        ({ type, name, props, opts }) => {
          registered.set(name, { type, name, inputs: props as Record<string, unknown>, options: opts });
          return undefined;
        },
      ],
    },
  );
  await plain(objects.servers.urn);
  return new Map(registered);
}

function plain(value: unknown): Promise<unknown> {
  return new Promise((done) => (pulumi.output(value) as pulumi.Output<unknown>).apply(done));
}

function expected(spec: BusSpec): Manifest[] {
  const { before, secrets, after } = planKubernetes(spec);
  return [...before, ...secrets.map(({ manifest }) => manifest), ...after];
}

const OPTIONS: Readonly<Record<string, StackBlocks>> = {
  defaults: {},
  "the kitchen sink": KITCHEN_SINK,
  "no namespace": { kubernetes: { createNamespace: false } },
  "no policy, no budget, no exporter": {
    kubernetes: { networkPolicy: { enabled: false }, disruptionBudget: false, exporter: { enabled: false } },
  },
  "cert-manager": { kubernetes: { certificates: { source: "cert-manager", issuer: "ca", issuerKind: "ClusterIssuer" } } },
  "existing certificates": { kubernetes: { certificates: { source: "existing", secret: "bus-tls" } } },
  ephemeral: { kubernetes: { storage: { ephemeral: true } } },
  "core NATS that grows": { kubernetes: { autoscaling: { maxServers: 9 } } },
  "one server without encryption": { cluster: { servers: 1 }, tls: { clients: false } },
};

describe("a bus as resources", () => {
  test.each(Object.entries(OPTIONS))("%s: every object is one resource with the planned inputs", async (_name, blocks) => {
    const spec = kubernetesSpec(blocks);
    const resources = await register(spec);
    for (const manifest of expected(spec)) {
      const resource = resources.get(resourceName("bus", manifest));
      expect(resource, resourceName("bus", manifest)).toBeDefined();
      const { apiVersion, kind, ...body } = manifest;
      expect(resource?.type).toBe(`kubernetes:${apiVersion === "v1" ? "core/v1" : apiVersion}:${kind}`);
      expect(await plain(resource?.inputs)).toMatchObject(body);
    }
    const others = [...resources.keys()].filter((name) => !expected(spec).some((manifest) => resourceName("bus", manifest) === name));
    expect(others.sort()).toEqual(["bus", "bus-provider"]);
  });

  test("the provider changes Secrets in place, takes fields over, and knows the cluster by a name of ours", async () => {
    const resources = await register(kubernetesSpec({ kubernetes: { kubeconfig: "/k", context: "c" } }));
    expect(await plain(resources.get("bus-provider")?.inputs)).toMatchObject({
      kubeconfig: "/k",
      context: "c",
      enableConfigMapMutable: "true",
      enableSecretMutable: "true",
      enablePatchForce: "true",
      clusterIdentifier: "natsbus/test",
    });
  });

  test("claims may differ from their template, the namespace outlives the stack, the servers come last", async () => {
    const resources = await register(kubernetesSpec());
    const options = (name: string) => resources.get(name)?.options;
    expect(options("bus-statefulset-nats")?.ignoreChanges).toEqual(["spec.volumeClaimTemplates"]);
    expect(options("bus-namespace-natsbus-test")?.retainOnDelete).toBe(true);
    expect(options("bus-statefulset-nats")?.dependsOn).toHaveLength(9);
    expect(options("bus-service-nats")?.ignoreChanges).toBeUndefined();
  });

  test("the content of Secrets is secret, and nothing else holds it", async () => {
    const resources = await register(kubernetesSpec(KITCHEN_SINK));
    const secrets = [...resources.values()].filter(({ type }) => type === "kubernetes:core/v1:Secret");
    expect(secrets.map(({ name }) => name).sort()).toEqual([
      "bus-secret-bus-box",
      "bus-secret-bus-config",
      "bus-secret-bus-routes",
      "bus-secret-bus-tls",
    ]);
    for (const { inputs } of secrets) expect(await pulumi.isSecret(inputs["stringData"] as pulumi.Output<unknown>)).toBe(true);
    const open = [...resources.values()].filter(({ type }) => type !== "kubernetes:core/v1:Secret");
    expect(JSON.stringify(await plain(open.map(({ inputs }) => inputs)))).not.toContain("SECRET ");
  });
});
