import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { readClusterFacts } from "../../../components/kubernetes/cluster-facts.ts";
import type { Manifest } from "../../../components/kubernetes/manifest.ts";
import { planKubernetes } from "../../../components/kubernetes/plan.ts";
import { clusterProblems } from "../../../components/kubernetes/preflight.ts";
import type { ResolvedBus } from "../../../components/resolved-bus.ts";
import { loadKubeconfig } from "../../../connection/kubeconfig.ts";
import type { BusSpec } from "../../../core/bus-spec.ts";
import { apiServerObstacle, startApiServer, type TestApiServer } from "../../kubernetes/api-server.ts";
import {
  KITCHEN_SINK,
  kubernetesBus,
  kubernetesSpec,
  objectsOf,
  type StackBlocks,
  stackFile,
  WATCHED,
  watchedObjectsOf,
} from "../../support/kubernetes-spec.ts";

const obstacle = apiServerObstacle();
if (obstacle !== undefined) process.stderr.write(`rendered objects are not checked by a real API server: ${obstacle}\n`);

const SPECS: Readonly<Record<string, BusSpec>> = {
  dev: kubernetesSpec({ ...stackFile("dev"), target: "kubernetes" }, "dev"),
  prod: kubernetesSpec(stackFile("prod"), "prod"),
  "kitchen sink": kubernetesSpec(KITCHEN_SINK, "sink"),
  "one ephemeral server": kubernetesSpec(
    { cluster: { servers: 1 }, kubernetes: { storage: { ephemeral: true }, exporter: { enabled: false } } },
    "one",
  ),
  "core NATS that grows": kubernetesSpec(
    { kubernetes: { autoscaling: { maxServers: 9 }, service: { type: "NodePort", nodePort: 30_422 } } },
    "grow",
  ),
  "existing certificates": kubernetesSpec({ kubernetes: { certificates: { source: "existing", secret: "tls" } } }, "existing"),
};

/** Buses that are watched, with the operator's objects. */
const BUSES: Readonly<Record<string, ResolvedBus>> = {
  "watched by ServiceMonitors": kubernetesBus(WATCHED, "watched"),
  "watched by PodMonitors": kubernetesBus(
    {
      monitoring: { enabled: true },
      kubernetes: {
        namespace: "pods",
        monitoring: { dashboards: "grafana-operator" },
        probe: { image: { repository: "natsbus-probe", tag: "1" } },
        certificates: { source: "existing", secret: "tls" },
      },
    },
    "pods",
  ),
};

const CASES: readonly (readonly [name: string, spec: BusSpec, objects: readonly Manifest[]])[] = [
  ...Object.entries(SPECS).map(([name, spec]) => [name, spec, objectsOf(spec)] as const),
  ...Object.entries(BUSES).map(([name, bus]) => [name, bus.spec, watchedObjectsOf(bus)] as const),
];

/** Kinds of other projects: the API server does not know them, so nothing can be said about them here. */
const FOREIGN = new Set(["HTTPRoute", "VerticalPodAutoscaler", "ScaledObject", "Certificate", "ExternalSecret"]);

/** Folder with the operators' own CustomResourceDefinitions as YAML; without it their objects are looked at without their schema. */
const DEFINITIONS = process.env["NATSBUS_TEST_DEFINITIONS"];
if (obstacle === undefined && DEFINITIONS === undefined)
  process.stdout.write(
    "Objects of Prometheus and Grafana Operator: no schemas are at hand (NATSBUS_TEST_DEFINITIONS), only their form is checked\n",
  );

const WATCHED_NAMESPACE = BUSES["watched by ServiceMonitors"]?.spec.kubernetes.namespace ?? "";

const PLURALS: Readonly<Record<string, string>> = { NetworkPolicy: "networkpolicies", Ingress: "ingresses" };

function readDefinitions(folder: string): Manifest[] {
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  const documents = files.flatMap((name) => parseAllDocuments(readFileSync(join(folder, name), "utf8")));
  return documents.map((document) => document.toJS() as Manifest).filter(({ kind }) => kind === "CustomResourceDefinition");
}

/** Definitions that know names and take every field. */
function bareDefinitions(): Manifest[] {
  const known = Object.values(BUSES).flatMap((bus) => watchedObjectsOf(bus).filter(({ apiVersion }) => /coreos|grafana/.test(apiVersion)));
  const kinds = new Map(known.map(({ apiVersion, kind }) => [kind, apiVersion] as const));
  return [...kinds].map(([kind, apiVersion]) => {
    const [group = "", version = ""] = apiVersion.split("/");
    const plural = `${kind.toLowerCase()}s`;
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    return {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: { group, names: { kind, plural }, scope: "Namespaced", versions: [{ name: version, served: true, storage: true, schema }] },
    };
  });
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly warnings: string;
}

describe.skipIf(obstacle !== undefined)("a real API server", () => {
  let server: TestApiServer;
  let kubeconfig: KubeConfig;

  beforeAll(async () => {
    server = await startApiServer();
    kubeconfig = await loadKubeconfig({ kubeconfig: server.kubeconfig });
    const definitions = DEFINITIONS === undefined ? bareDefinitions() : readDefinitions(DEFINITIONS);
    for (const definition of definitions) expect((await send(definition, false)).message).toBe("");
    for (const [, , objects] of CASES) for (const object of objects) if (object.kind === "Namespace") await send(object, false);
    const last = { name: "last", namespace: WATCHED_NAMESPACE };
    const rule = { apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule", metadata: last, spec: {} };
    await vi.waitFor(async () => expect((await send(rule)).message).toBe(""), { timeout: 60_000, interval: 200 });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  /** Server-side apply with strict fields, as a dry run unless told otherwise. */
  async function send(manifest: Manifest, dryRun = true): Promise<Answer> {
    const { apiVersion, kind, metadata } = manifest;
    const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const place = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
    const query = `fieldManager=test&fieldValidation=Strict${dryRun ? "&dryRun=All" : ""}`;
    const options: { ca?: string; headers: Record<string, string> } = { headers: {} };
    await kubeconfig.applyToHTTPSOptions(options as never);
    const url = new URL(`${root}${place}/${plural}/${metadata.name}?${query}`, kubeconfig.getCurrentCluster()?.server);
    const headers = { ...options.headers, "content-type": "application/apply-patch+yaml" };
    return new Promise((done, fail) => {
      const call = request(
        url,
        { ...options, method: "PATCH", headers, agent: new Agent({ ...(options.ca === undefined ? {} : { ca: options.ca }) }) },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => {
            text += part;
          });
          response.on("end", () => {
            // Before a kind is served the answer is plain text.
            const { message = "" } = text.startsWith("{") ? (JSON.parse(text) as { message?: string }) : { message: text };
            done({ status: response.statusCode ?? 0, message, warnings: String(response.headers["warning"] ?? "") });
          });
        },
      );
      call.on("error", fail);
      call.end(JSON.stringify(manifest));
    });
  }

  /** A pod as the controller would make it from a workload's template. */
  function podOf(workload: Manifest): Manifest {
    const { template } = workload["spec"] as {
      readonly template: { readonly metadata: { readonly labels: Record<string, string> }; readonly spec: object };
    };
    const volumes = (workload["spec"] as { readonly volumeClaimTemplates?: readonly Manifest[] }).volumeClaimTemplates ?? [];
    const claims = volumes.map(({ metadata }) => ({ name: metadata.name, persistentVolumeClaim: { claimName: `${metadata.name}-0` } }));
    const spec = template.spec as { readonly volumes: readonly object[] };
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `${workload.metadata.name}-0`, namespace: workload.metadata.namespace ?? "", labels: template.metadata.labels },
      spec: { ...spec, volumes: [...spec.volumes, ...claims] },
    };
  }

  describe.each(CASES)("%s", (...row) => {
    const [, spec, objects] = row;

    test("takes every object as it is", async () => {
      const answers = await Promise.all(
        objects
          .filter(({ kind }) => !FOREIGN.has(kind))
          .map(async (object) => [`${object.kind} ${object.metadata.name}`, await send(object)] as const),
      );
      expect(answers.length).toBeGreaterThan(6);
      for (const [object, answer] of answers) {
        expect([object, answer.message]).toEqual([object, ""]);
        expect([object, answer.warnings]).toEqual([object, ""]);
      }
    });

    test("admits the pods under the restricted level that their namespace enforces", async () => {
      const workloads = objects.filter(({ kind }) => kind === "StatefulSet" || kind === "Deployment");
      for (const workload of workloads) {
        const { scheduling } = spec.kubernetes;
        const pod = podOf(workload);
        // The class itself is not on this server; everything else about the pod is checked.
        const { priorityClassName: _, ...body } = pod["spec"] as Record<string, unknown>;
        expect(scheduling.priorityClass === undefined || "priorityClassName" in (pod["spec"] as object)).toBe(
          workload.kind === "StatefulSet" || scheduling.priorityClass === undefined,
        );
        expect(await send({ ...pod, spec: body })).toMatchObject({ message: "", warnings: "" });
      }
    });
  });

  test("refuses a pod that is not restricted, so that the admission above means something", async () => {
    const pod = podOf(objectsOf(SPECS["prod"] as BusSpec).find(({ kind }) => kind === "StatefulSet") as Manifest);
    const { securityContext: _, ...open } = pod["spec"] as Record<string, unknown>;
    const { status, message } = await send({ ...pod, spec: open });
    expect(status).toBe(403);
    expect(message).toContain('violates PodSecurity "restricted:latest"');
  });

  test("refuses an unknown field, so that the dry run above means something", async () => {
    const service = objectsOf(SPECS["prod"] as BusSpec).find(({ kind }) => kind === "Service") as Manifest;
    const answer = await send({ ...service, spec: { ...(service["spec"] as object), publishNotReadyAdresses: true } });
    expect(answer.message).toMatch(/publishNotReadyAdresses/);
  });

  describe("asked at preview", () => {
    const ask = async (blocks: StackBlocks) => {
      const kubernetes = { namespace: "asked", kubeconfig: server.kubeconfig, ...(blocks["kubernetes"] as object) };
      const spec = kubernetesSpec({ kubernetes });
      return clusterProblems(spec, await readClusterFacts(spec), planKubernetes(spec)).map(({ message }) => message);
    };

    test("tells a storage class and a default one that are missing", async () => {
      expect(await ask({})).toEqual(["no storage class is named, and the cluster has no default one; it has none"]);
      expect(await ask({ kubernetes: { storage: { className: "fast" } } })).toEqual([
        'there is no storage class "fast"; the cluster has none',
      ]);
    });

    test("tells a TLS Secret without key, and a claim that would shrink", async () => {
      const metadata = (name: string) => ({ name, namespace: "asked" });
      await send({ apiVersion: "v1", kind: "Namespace", metadata: { name: "asked" } }, false);
      await send({ apiVersion: "v1", kind: "Secret", metadata: metadata("half"), data: { "tls.crt": "eA==", "ca.crt": "eA==" } }, false);
      const labels = { "app.kubernetes.io/name": "nats", "app.kubernetes.io/instance": "nats", "app.kubernetes.io/component": "server" };
      await send(
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { ...metadata("nats-js-nats-0"), labels },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "5Gi" } } },
        },
        false,
      );
      const storage = { className: "fast", size: "1GiB" };
      expect(await ask({ kubernetes: { storage, certificates: { source: "existing", secret: "half" } } })).toEqual([
        'there is no storage class "fast"; the cluster has none',
        "the claim nats-js-nats-0 has 5Gi, and a claim cannot shrink to 1GiB",
        'the Secret "half" has no tls.key; it has ca.crt, tls.crt',
      ]);
    });

    test("tells kinds that are not installed, and a namespace in deletion", async () => {
      const finalizers = ["example.org/keep"];
      await send({ apiVersion: "v1", kind: "Namespace", metadata: { name: "leaving" } }, false);
      const core = kubeconfig.makeApiClient((await import("@kubernetes/client-node")).CoreV1Api);
      const held = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "held", finalizers } };
      await core.createNamespacedConfigMap({ namespace: "leaving", body: held });
      await core.deleteNamespace({ name: "leaving" });
      const found = await ask({
        kubernetes: { namespace: "leaving", storage: { ephemeral: true }, certificates: { source: "cert-manager", issuer: "ca" } },
      });
      expect(found).toEqual([
        'the namespace "leaving" is being deleted',
        "the cluster does not know Certificate objects (cert-manager.io)",
      ]);
    });
  });
});
