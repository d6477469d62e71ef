/** A pod with the `nats` command and a context that is ready to use. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { KUBERNETES_PORTS } from "../../core/kubernetes-rules.ts";
import { guaranteed, imageName, metadataOf, objectLabels, selectorLabels } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { authoritySource, CONTAINER_SECURITY, POD_SECURITY } from "./pod.ts";
import type { Material } from "./server-files.ts";

const CONTEXT = "bus";
const CONTEXT_FOLDER = "/etc/nats-context";

/** The Deployment; its command line finds the bus without an option. */
export function toolboxDeployment(spec: BusSpec): Manifest {
  const { toolbox } = objectNames(spec);
  const body: types.input.apps.v1.DeploymentSpec = {
    replicas: 1,
    selector: { matchLabels: selectorLabels(spec, "toolbox") },
    template: { metadata: { labels: { ...objectLabels(spec, "toolbox") } }, spec: toolboxPod(spec) },
  };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: metadataOf(spec, toolbox, { component: "toolbox" }), spec: body };
}

function toolboxPod(spec: BusSpec): types.input.core.v1.PodSpec {
  const { toolbox, pullSecrets } = spec.kubernetes;
  return {
    serviceAccountName: objectNames(spec).set,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: POD_SECURITY,
    ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    containers: [
      {
        name: "nats-box",
        image: imageName(toolbox.image),
        imagePullPolicy: toolbox.image.pullPolicy,
        command: ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"],
        env: [
          { name: "XDG_CONFIG_HOME", value: CONTEXT_FOLDER },
          { name: "NATS_CONTEXT", value: CONTEXT },
          { name: "HOME", value: "/tmp" },
        ],
        resources: guaranteed(Math.round(toolbox.cpu * 1000), toolbox.memory),
        securityContext: CONTAINER_SECURITY,
        volumeMounts: [
          { name: "context", mountPath: CONTEXT_FOLDER, readOnly: true },
          { name: "tmp", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "context", projected: { defaultMode: 0o440, sources: contextSources(spec) } },
      { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
    ],
  };
}

function contextSources(spec: BusSpec): types.input.core.v1.VolumeProjection[] {
  const name = objectNames(spec).toolbox;
  const items = [
    { key: "context.json", path: `nats/context/${CONTEXT}.json` },
    { key: "user.creds", path: "user.creds" },
  ];
  return [{ secret: { name, items } }, authoritySource(spec, name)];
}

/** Map keyed by entry: the context, the credentials it names and the authorities to trust. */
export function toolboxFiles(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  const { toolbox, namespace } = spec.kubernetes;
  const scheme = spec.tls.clients ? "tls" : "nats";
  const credentials = material.credentials[toolbox.user] ?? "";
  const context = {
    description: `${spec.cluster.name} as ${toolbox.user}`,
    url: `${scheme}://${objectNames(spec).set}.${namespace}.svc:${KUBERNETES_PORTS.client}`,
    ...(credentials === "" ? {} : { creds: `${CONTEXT_FOLDER}/user.creds` }),
    ...(spec.tls.clients ? { ca: `${CONTEXT_FOLDER}/ca.pem` } : {}),
  };
  return { "context.json": `${JSON.stringify(context, null, 2)}\n`, "user.creds": credentials, "ca.pem": material.authority };
}
