/** Labels of the declared objects, and quantities in Kubernetes's form. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import type { Manifest } from "./manifest.ts";

/** Parts of a bus that run in pods. */
export type Component = "server" | "toolbox" | "probe";

const PROGRAMS: Readonly<Record<Component, string>> = { server: "nats", toolbox: "nats-box", probe: "natsbus-probe" };

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

/** Labels that pods of a part are selected by; they never change. */
export function selectorLabels({ kubernetes }: Pick<BusSpec, "kubernetes">, component: Component): Readonly<Record<string, string>> {
  return {
    "app.kubernetes.io/name": PROGRAMS[component],
    "app.kubernetes.io/instance": kubernetes.name,
    "app.kubernetes.io/component": component,
  };
}

/** Labels of an object. */
export function objectLabels(spec: BusSpec, component: Component = "server"): Readonly<Record<string, string>> {
  return {
    ...selectorLabels(spec, component),
    "app.kubernetes.io/part-of": labelValue(spec.cluster.name),
    "app.kubernetes.io/managed-by": "natsbus",
    ...spec.kubernetes.labels,
  };
}

/** Name, namespace, labels and annotations of an object. */
export function metadataOf(
  spec: BusSpec,
  name: string,
  options: { readonly component?: Component; readonly annotations?: Readonly<Record<string, string>> } = {},
): Manifest["metadata"] {
  const annotations = { ...spec.kubernetes.annotations, ...options.annotations };
  return {
    name,
    namespace: spec.kubernetes.namespace,
    labels: objectLabels(spec, options.component),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

/** Bytes as a quantity: `2Gi`, `512Mi`, or the number. */
export function byteQuantity(bytes: number): string {
  if (bytes % GIBIBYTE === 0) return `${bytes / GIBIBYTE}Gi`;
  return bytes % MEBIBYTE === 0 ? `${bytes / MEBIBYTE}Mi` : String(bytes);
}

/** Thousandths of a core as a quantity: `2`, `500m`. */
export function cpuQuantity(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

/** Requests equal to limits: the pod is evicted last, and its servers are not slowed down by neighbours. */
export function guaranteed(cpuMillis: number, memoryBytes: number) {
  const amount = { cpu: cpuQuantity(cpuMillis), memory: byteQuantity(memoryBytes) };
  return { requests: amount, limits: amount };
}

/** `repository:tag`, or `repository@digest`; the tag stands before a digest, for people. */
export function imageName(
  image: { readonly repository?: string | undefined; readonly tag?: string | undefined; readonly digest?: string | undefined },
  fallbackTag?: string,
): string {
  const tag = image.tag ?? fallbackTag;
  return `${image.repository ?? ""}${tag === undefined ? "" : `:${tag}`}${image.digest === undefined ? "" : `@${image.digest}`}`;
}

function labelValue(text: string): string {
  return text.slice(0, 63).replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}
