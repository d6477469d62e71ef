/** The `kubernetes` block of a stack file with every default filled in. */
import type { KubernetesSettings } from "./kubernetes-schema.ts";

/** CPU and memory of a server's container, asked for and at most. */
export interface ServerResources {
  /** Cores in thousandths. */
  readonly cpuMillis: number;
  /** Memory in bytes. */
  readonly memoryBytes: number;
  /** Soft limit of Go's memory, in bytes: below the container's, so that the server gives memory back before it is killed. */
  readonly goMemoryBytes: number;
  /** Threads that run Go code at once. */
  readonly goMaxProcs: number;
}

/** Everything the `kubernetes` target declares; see `kubernetes-schema.ts` for the meaning of each key. */
export type KubernetesSpec = Omit<KubernetesSettings, "namespace" | "storage" | "preset"> & {
  /** Namespace of everything. */
  readonly namespace: string;
  /** Where each server keeps its streams; the size in bytes. */
  readonly storage: Omit<KubernetesSettings["storage"], "size"> & { readonly sizeBytes: number };
  /** What each server gets. */
  readonly resources: ServerResources;
};

/** Values of other blocks that defaults here come from. */
export interface KubernetesContext {
  /** Project and stack, for the namespace. */
  readonly project: string;
  /** Pulumi stack. */
  readonly stack: string;
  /** Disk for file streams a server, in bytes. */
  readonly maxStorageBytes: number;
  /** Cores a server may use; absent: the preset's. */
  readonly cpu?: number | undefined;
  /** Memory a server may use, in bytes; absent: the preset's. */
  readonly memoryBytes?: number | undefined;
}

const MEBIBYTE = 1024 ** 2;

const PRESETS: Readonly<Record<KubernetesSettings["preset"], { readonly cpu: number; readonly memoryMiB: number }>> = {
  nano: { cpu: 0.25, memoryMiB: 256 },
  small: { cpu: 0.5, memoryMiB: 512 },
  medium: { cpu: 1, memoryMiB: 1024 },
  large: { cpu: 2, memoryMiB: 4096 },
  xlarge: { cpu: 4, memoryMiB: 8192 },
};

/** Part of the container's memory that Go may fill before it collects harder; the rest is for what Go does not count. */
const GO_SHARE = 0.8;

/** Part of a volume that JetStream may fill: the file system keeps some for itself, and a full disk stops a server. */
export const LARGEST_STORE_SHARE = 0.9;

/** Fills in what depends on other blocks. */
export function resolveKubernetes(settings: KubernetesSettings, context: KubernetesContext): KubernetesSpec {
  const { preset, namespace, storage, ...rest } = settings;
  const { size, ...store } = storage;
  return {
    ...rest,
    namespace: namespace ?? namespaceOf(context),
    storage: { ...store, sizeBytes: size ?? defaultSize(context.maxStorageBytes) },
    resources: resolveResources(PRESETS[preset], context),
  };
}

function resolveResources(preset: { readonly cpu: number; readonly memoryMiB: number }, context: KubernetesContext): ServerResources {
  const cpu = context.cpu ?? preset.cpu;
  const memoryBytes = context.memoryBytes ?? preset.memoryMiB * MEBIBYTE;
  return {
    cpuMillis: Math.round(cpu * 1000),
    memoryBytes,
    goMemoryBytes: Math.floor((memoryBytes * GO_SHARE) / MEBIBYTE) * MEBIBYTE,
    goMaxProcs: Math.max(1, Math.ceil(cpu)),
  };
}

function defaultSize(maxStorageBytes: number): number {
  return Math.ceil((maxStorageBytes * 1.125) / MEBIBYTE) * MEBIBYTE;
}

function namespaceOf({ project, stack }: KubernetesContext): string {
  const text = `${project}-${stack}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return text.replaceAll(/^-+|-+$/g, "").slice(0, 63);
}
