/** Where servers are ended for good, by target. */
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endLeftNodes } from "../components/process/leave.ts";
import { kubernetesSet } from "../components/rollout/cluster-api.ts";
import { rolloutPlace } from "../components/rollout/wish.ts";
import type { BusSpec } from "../core/bus-spec.ts";
import { BusError } from "../core/errors.ts";
import { objectNames } from "../core/kubernetes-names.ts";
import type { BusPlace } from "./bus-state.ts";

const GONE_MS = 300_000;
const POLL_MS = 500;

/** The servers of a stack, as far as their number is concerned. */
export interface ScaleTarget {
  /** Names of those that there are, first to last; empty when the bus is not up. */
  names(): Promise<readonly string[]>;
  /**
   * Ends servers that have left the cluster, so that only the first `keep` stay.
   * @param options.volumes also delete their volumes, where there are any that outlive them
   */
  end(servers: readonly string[], options: { readonly keep: number; readonly volumes: boolean }): Promise<void>;
  /** Whether `up` makes the servers itself; else what has to be run to apply a new number, as command lines. */
  readonly apply: readonly string[] | "up";
}

/**
 * How the servers of this stack are counted and ended.
 * @throws BusError ERR_USAGE for targets whose servers somebody else ends; what finding the Kubernetes cluster throws
 */
export async function scaleTarget(place: BusPlace, spec: BusSpec): Promise<ScaleTarget> {
  if (spec.target === "process") return processTarget(place);
  if (spec.target === "kubernetes") return kubernetesTarget(spec);
  throw new BusError("ERR_USAGE", `servers of the target ${spec.target} are not scaled by this verb`, {
    remedy: "it knows the targets process and kubernetes; elsewhere set cluster.servers to add servers",
  });
}

function processTarget({ root, bus }: BusPlace): ScaleTarget {
  const folderOf = (name: string) => resolve(root, bus.servers.find((server) => server.name === name)?.directory ?? "");
  return {
    names: async () => bus.servers.map(({ name }) => name),
    end: (servers) => endLeftNodes(servers.map(folderOf)),
    apply: "up",
  };
}

async function kubernetesTarget(spec: BusSpec): Promise<ScaleTarget> {
  const { set, claim } = objectNames(spec);
  const port = await kubernetesSet(rolloutPlace(spec));
  const names = async () => Array.from({ length: (await port.observe())?.replicas ?? 0 }, (_, index) => `${set}-${index}`);
  return {
    names,
    end: async (servers, { keep, volumes }) => {
      if ((await names()).length > keep) await port.scale(keep);
      await waitGone(async () => (await port.observe())?.pods.filter((pod) => servers.includes(pod.name)).map(({ name }) => name) ?? []);
      if (volumes && !spec.kubernetes.storage.ephemeral) for (const server of servers) await port.deleteClaim(`${claim}-${server}`);
    },
    apply: [
      `natsbus render --stack ${spec.stack} --out manifests`,
      "kubectl apply -f manifests",
      `natsbus up --contents-only --stack ${spec.stack}`,
    ],
  };
}

async function waitGone(left: () => Promise<readonly string[]>): Promise<void> {
  const until = performance.now() + GONE_MS;
  for (;;) {
    const names = await left();
    if (names.length === 0) return;
    if (performance.now() >= until) {
      throw new BusError("ERR_KUBERNETES", `${names.join(", ")} did not end within ${GONE_MS / 1000} s`, {
        remedy: "look at them with kubectl describe pod, and run the command again",
      });
    }
    await delay(POLL_MS);
  }
}
