/** A bus of this project on the cluster of KUBECONFIG, made the way users without the Pulumi CLI make it: render, apply, `up --contents-only`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  StorageV1Api,
} from "@kubernetes/client-node";
import { expect } from "vitest";
import { parse } from "yaml";
import { inboxPrefix } from "../../accounts/roles.ts";
import { loadKubeconfig } from "../../connection/kubeconfig.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import type { CliOptions, CliResult } from "../support/cli-project.ts";
import { createProject, type Project } from "../support/project.ts";

const CONFLICTING = 422;
const UP_TIMEOUT_MS = 540_000;

/** Namespace of the bus. */
export const NAMESPACE = "natsbus-test";
/** Servers, which are pods of the same name. */
export const SERVERS = ["nats-0", "nats-1", "nats-2"];

/** A change to objects before they are applied. */
type Edit = (object: KubernetesObject) => KubernetesObject | undefined;

/** The bus under test; what it made is removed on dispose. */
export interface BusUnderTest extends AsyncDisposable {
  readonly project: Project;
  readonly kubeconfig: KubeConfig;
  readonly core: CoreV1Api;
  readonly storage: StorageV1Api;
  /** `natsbus render`, then every file applied as `kubectl apply` does it.
   * @param edit what to apply instead of an object; undefined leaves it out */
  apply(edit?: Edit): Promise<void>;
  /** `natsbus up --contents-only`, which must succeed. @returns what it said */
  up(options?: CliOptions): Promise<string>;
  /** As {@link up}, which may fail. */
  tryUp(options?: CliOptions): Promise<CliResult>;
  /** Runs `natsbus ARGS --stack dev`, which must end with that exit code. @returns stdout */
  natsbus(args: readonly string[], code?: number): Promise<string>;
  /** Everything that every command said so far. */
  transcript(): string;
  /** Deletes what {@link apply} made but for the namespace, as `kubectl delete -f` does it. */
  remove(): Promise<void>;
  /** How to connect as a user of the stack. */
  connection(user: string): ConnectionSpec;
  /** Map keyed by pod: what changes with every start of its server. */
  instances(): Promise<Readonly<Record<string, string>>>;
}

/**
 * Prepares the project; applies nothing.
 * @param namespace namespace of its objects, which goes when the bus is disposed
 */
export async function prepareBus(settings: Readonly<Record<string, unknown>>, namespace = NAMESPACE): Promise<BusUnderTest> {
  const project = await createProject();
  // Its ports on this machine mean nothing here, and leave no room for more servers.
  project.configure({ "natsbus:target": "kubernetes", "natsbus:process": undefined, ...settings });
  const kubeconfig = await loadKubeconfig({});
  const core = kubeconfig.makeApiClient(CoreV1Api);
  const said: string[] = [];
  const run = async (args: readonly string[], options: CliOptions = {}) => {
    const result = await project.natsbus([...args, "--stack", "dev"], { timeoutMs: UP_TIMEOUT_MS, ...options });
    said.push(result.stdout, result.stderr);
    return result;
  };
  const tryUp = (options?: CliOptions) => run(["up", "--contents-only", "--yes"], options);
  return {
    project,
    kubeconfig,
    core,
    storage: kubeconfig.makeApiClient(StorageV1Api),
    tryUp,
    natsbus: async (args, code = 0) => {
      const result = await run(args);
      expect(result.code, `${args.join(" ")}\n${result.stdout}\n${result.stderr}`).toBe(code);
      return result.stdout;
    },
    transcript: () => said.join("\n"),
    apply: async (edit = (object) => object) => {
      const rendered = await run(["render", "--out", "manifests"]);
      expect(rendered.code, rendered.stderr).toBe(0);
      await applyFolder(kubeconfig, project.path("manifests"), { namespace, edit });
    },
    up: async (options) => {
      const { code, stdout, stderr } = await tryUp(options);
      expect(code, `${stdout}\n${stderr}`).toBe(0);
      return stdout + stderr;
    },
    remove: () => removeFolder(kubeconfig, project.path("manifests")),
    connection: (user) => ({
      servers: [`tls://nats.${namespace}.svc:4222`],
      ca: readFileSync(project.path(".natsbus/dev/ca.pem"), "utf8"),
      creds: readFileSync(project.path(`.natsbus/dev/creds/${user}.creds`), "utf8"),
      inboxPrefix: inboxPrefix(user),
      forward: {
        namespace,
        selector: { "app.kubernetes.io/instance": "nats", "app.kubernetes.io/component": "server" },
        port: 4222,
      },
    }),
    instances: async () => {
      const { items } = await core.listNamespacedPod({ namespace });
      const restarts = (statuses: readonly { readonly restartCount: number }[] = []) =>
        statuses.map(({ restartCount }) => restartCount).join();
      return Object.fromEntries(
        items.map(({ metadata, status }) => [metadata?.name ?? "", `${metadata?.uid} ${restarts(status?.containerStatuses)}`]),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await core.deleteNamespace({ name: namespace }).catch(() => undefined);
      await project[Symbol.asyncDispose]();
    },
  };
}

async function applyFolder(
  kubeconfig: KubeConfig,
  folder: string,
  { namespace, edit }: { readonly namespace: string; readonly edit: Edit },
): Promise<void> {
  const client = KubernetesObjectApi.makeApiClient(kubeconfig);
  for (const file of readdirSync(folder).sort()) {
    const object = edit(parse(readFileSync(join(folder, file), "utf8")) as KubernetesObject);
    if (object !== undefined) await applyObject({ kubeconfig, client, namespace }, object);
  }
}

async function removeFolder(kubeconfig: KubeConfig, folder: string): Promise<void> {
  const client = KubernetesObjectApi.makeApiClient(kubeconfig);
  for (const file of readdirSync(folder).sort().reverse()) {
    const object = parse(readFileSync(join(folder, file), "utf8")) as KubernetesObject;
    if (object.kind !== "Namespace") await client.delete(object);
  }
}

/** Server-side apply. A set whose claim template changed is made anew around its running pods, as docs/kubernetes-operations.md says. */
async function applyObject(
  { kubeconfig, client, namespace }: { readonly kubeconfig: KubeConfig; readonly client: KubernetesObjectApi; readonly namespace: string },
  object: KubernetesObject,
): Promise<void> {
  const apply = () => client.patch(object, undefined, undefined, "natsbus-test", true, PatchStrategy.ServerSideApply);
  try {
    await apply();
  } catch (error) {
    if (object.kind !== "StatefulSet" || (error as { readonly code?: number }).code !== CONFLICTING) throw error;
    const name = object.metadata?.name ?? "";
    const apps = kubeconfig.makeApiClient(AppsV1Api);
    await apps.deleteNamespacedStatefulSet({ namespace, name, propagationPolicy: "Orphan" });
    await expect.poll(() => apps.readNamespacedStatefulSet({ namespace, name }).catch(() => "gone"), { timeout: 30_000 }).toBe("gone");
    await apply();
  }
}
