/** What the `Rollout` resource of the kubernetes target takes and gives, and what it sees of the cluster: plain data. */
import type { ConnectionSpec } from "../../core/connection.ts";
import type { KubernetesAccess } from "../../core/forward.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";

/** Which set of servers, in which cluster. */
export interface SetPlace {
  /** Which Kubernetes cluster. A kubeconfig's text is a secret. */
  readonly access: KubernetesAccess;
  /** Namespace of the StatefulSet. */
  readonly namespace: string;
  /** Name of the StatefulSet. */
  readonly set: string;
}

/** The volume that every server wants. */
export interface ClaimWish {
  /** Name of the claim template; the claims are `<name>-<server>`. */
  readonly name: string;
  /** Size in bytes. */
  readonly sizeBytes: number;
}

/** Servers that are to run what is declared. */
export interface RolloutInputs extends SetPlace {
  /** Names of the servers, which are those of their pods, first to last. */
  readonly servers: readonly string[];
  /** nats-server version wanted. */
  readonly version: string;
  /** How to reach a user of the system account. A secret. Absent: the servers know no such user, so that every change restarts them.
   * @default - none */
  readonly connection?: ConnectionSpec;
  /** Map keyed by server name: settings, for the words of a preview. A secret. */
  readonly settings: Readonly<Record<string, ServerConfigSpec>>;
  /** Map keyed by server name: digest the server must report; empty where variables of the pod make it unknown beforehand. */
  readonly digests: Readonly<Record<string, string>>;
  /** Volumes; absent: none. */
  readonly claim?: ClaimWish;
  /** Longest wait for one step of the rollout, in milliseconds.
   * @default 600000 */
  readonly timeoutMs?: number;
}

/** What the resource gives on top of what it takes. */
export interface RolloutResults {
  /** Revision of the StatefulSet that every pod has. */
  readonly revision: string;
  /** Map keyed by server name: digest of the configuration in force. */
  readonly reported: Readonly<Record<string, string>>;
  /** nats-server version that runs; empty when it cannot be asked. */
  readonly serverVersion: string;
}

/** Everything in the state. */
export type RolloutOutputs = RolloutInputs & RolloutResults;

/** One pod as it is. */
export interface PodView {
  /** Name. */
  readonly name: string;
  /** New with every pod of that name. */
  readonly uid: string;
  /** Revision of the set it was made from. */
  readonly revision: string;
  /** Whether its readiness probe passes. */
  readonly ready: boolean;
  /** Whether it is being deleted. */
  readonly leaving: boolean;
  /** Why it does not start, in Kubernetes's words; absent: nothing is known to be wrong. */
  readonly trouble?: string;
}

/** One claim as it is. */
export interface ClaimView {
  /** Name. */
  readonly name: string;
  /** Size asked for, in bytes. */
  readonly requestedBytes: number;
  /** Size there is, in bytes; 0 while it is not bound. */
  readonly capacityBytes: number;
  /** Storage class; empty when it has none. */
  readonly className: string;
}

/** A set of servers as Kubernetes sees it. */
export interface SetView {
  /** Pods wanted. */
  readonly replicas: number;
  /** Revision that new pods are made from. */
  readonly revision: string;
  /** Whether the controller has seen the last change of the set. */
  readonly settled: boolean;
  /** What an operator asked of a running rollout. */
  readonly request: RolloutRequest | undefined;
  /** Its pods by name. */
  readonly pods: readonly PodView[];
  /** Its claims by name. */
  readonly claims: readonly ClaimView[];
}

/** What a person can ask of a rollout while it runs. */
export type RolloutRequest = "paused" | "aborted";
