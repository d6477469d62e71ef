/** What has to be done to a node's server, and what that costs, in words. Pure. */
import { type ChangePlan, type ChangeReason, classifyChange } from "../../core/reload.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";

/** What is done to one server, mildest first. */
type NodeAction = "none" | "reload" | "start" | "restart";

/** A node's server as it is. */
export interface NodeState {
  /** Whether it runs. */
  readonly running: boolean;
  /** Settings it was last given; absent: it was never started, or unknown. */
  readonly applied?: ServerConfigSpec;
  /** Version that was wanted and resources that were allowed when it was started; absent: unknown. */
  readonly launch?: LaunchState;
  /** Why its configuration is not what natsbus last gave it, for instance because somebody edited it; absent: it is. */
  readonly drift?: string;
}

/** What a server cannot change about itself: the program it runs and what it may take of the machine. */
export interface LaunchState {
  /** nats-server version wanted. */
  readonly wanted: string;
  /** Configured binary; absent: found or fetched. */
  readonly binary?: string;
  /** Soft memory limit in bytes; absent: none. */
  readonly memoryBytes?: number;
  /** Cores; absent: all. */
  readonly cpu?: number;
}

/** A node's server as it should be. */
export interface NodeGoal {
  /** Server name. */
  readonly name: string;
  /** Settings. */
  readonly spec: ServerConfigSpec;
  /** Program and resources. */
  readonly launch: LaunchState;
}

/** What is done to one server, and why. */
export interface NodeStep {
  /** Server name. */
  readonly name: string;
  /** What is done. */
  readonly action: NodeAction;
  /** Why, in words. */
  readonly reasons: readonly string[];
}

/** One step a node, in the order of the nodes.
 * @param states in the order of the goals */
export function planSteps(goals: readonly NodeGoal[], states: readonly NodeState[]): NodeStep[] {
  return goals.map((goal, index) => planStep(goal, states[index] ?? { running: false }));
}

/** What the steps cost, in words for the plan; empty when there is nothing to do. */
export function describeSteps(steps: readonly NodeStep[]): string[] {
  const lines: string[] = [];
  const starts = steps.filter((step) => step.action === "start");
  const reloads = steps.filter((step) => step.action === "reload");
  const restarts = steps.filter((step) => step.action === "restart");
  if (starts.length > 0) lines.push(`start of ${countServers(starts)}: ${reasonsOf(starts)}`);
  if (reloads.length > 0)
    lines.push(`${restarts.length > 0 ? "reload" : "reload only"} of ${countServers(reloads)}: ${reasonsOf(reloads)}`);
  if (restarts.length === 1) lines.push(`restart of ${countServers(restarts)}: ${reasonsOf(restarts)}`);
  if (restarts.length > 1) lines.push(`rolling restart of ${restarts.length} servers, one at a time: ${reasonsOf(restarts)}`);
  return lines;
}

function planStep(goal: NodeGoal, state: NodeState): NodeStep {
  const { name } = goal;
  if (!state.running) return { name, action: "start", reasons: [state.applied === undefined ? "new" : "does not run"] };
  const launch = launchReasons(state.launch, goal.launch);
  const change: ChangePlan | undefined = state.applied === undefined ? undefined : classifyChange(state.applied, goal.spec);
  const drift = state.drift === undefined ? [] : [state.drift];
  const settings = change?.reasons.map(describeReason) ?? ["the settings it runs with are not known"];
  const reasons = [...launch, ...settings, ...drift];
  if (launch.length > 0 || change === undefined || change.action === "restart") return { name, action: "restart", reasons };
  return { name, action: change.action === "reload" || drift.length > 0 ? "reload" : "none", reasons };
}

function launchReasons(was: LaunchState | undefined, wanted: LaunchState): string[] {
  // A server whose start was never written down was started with what is wanted, by a run that was cut short.
  if (was === undefined) return [];
  const version = was.wanted === wanted.wanted ? [] : [`nats-server ${was.wanted} becomes ${wanted.wanted}`];
  const binary = was.binary === wanted.binary ? [] : ["another nats-server binary is configured"];
  const memory = was.memoryBytes === wanted.memoryBytes ? [] : ["the memory limit of the process changes"];
  const cpu = was.cpu === wanted.cpu ? [] : ["the CPU limit of the process changes"];
  return [...version, ...binary, ...memory, ...cpu];
}

/** The setting, and why it needs a restart; that a reload is enough says the line itself. */
function describeReason(reason: ChangeReason): string {
  return reason.action === "reload" ? reason.path : `${reason.path} (${reason.why})`;
}

/** `n2` or `3 servers`. */
function countServers(steps: readonly NodeStep[]): string {
  return steps.length === 1 ? (steps[0]?.name ?? "") : `${steps.length} servers`;
}

function reasonsOf(steps: readonly NodeStep[]): string {
  return [...new Set(steps.flatMap((step) => step.reasons))].join("; ");
}
