/** Waiting until a cluster may be used, or its next server restarted. */
import { setTimeout as delay } from "node:timers/promises";
import { BusError } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { assetBlocker, leaderOf, metaBlocker, type NodeView } from "./blockers.ts";

/** What to wait for. */
export interface GateOptions {
  /** Asks every server of the cluster, and for its streams and consumers when `assets` is true. */
  readonly observe: (assets: boolean) => Promise<readonly NodeView[]>;
  /** Also wait until every server is healthy and every stream and consumer group is current, as a rolling restart needs it.
   * @default false */
  readonly assets?: boolean;
  /** Longest wait in milliseconds. */
  readonly timeoutMs: number;
  /** Longest pause between two rounds, in milliseconds.
   * @default 25 */
  readonly longestPauseMs?: number;
  /** Called at each round; throws when waiting has become pointless, for instance because a server ended.
   * @default - nothing */
  readonly check?: () => Promise<void>;
  /** Told what blocks, each time that changes.
   * @default - nobody */
  readonly onBlocked?: (blocker: string) => void;
  /** What a person can do when the wait ends in vain.
   * @default - look at the servers' logs */
  readonly remedy?: string;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 25;
// Servers that are asked over a network or a shell, for minutes: not at every moment.
const BETWEEN_RESTARTS = { timeoutMs: 300_000, longestPauseMs: 500 };
const REMEDY = "look at the servers' logs and run the command again; what already runs is kept";

/**
 * Waits until a meta leader is elected and it sees every server current.
 * @returns the meta leader's name; a lone server is its own leader
 * @throws ERR_CLUSTER_NOT_READY naming what blocks
 */
export async function waitGate(options: GateOptions): Promise<string> {
  const until = performance.now() + options.timeoutMs;
  const assets = options.assets === true;
  let told: string | undefined;
  for (let pause = FIRST_PAUSE_MS; ; pause = nextPause(pause, options)) {
    await options.check?.();
    const views = await options.observe(assets);
    const blocker = metaBlocker(views) ?? (assets ? assetBlocker(views) : undefined);
    if (blocker === undefined) return leaderOf(views);
    if (performance.now() >= until) throw notReady(blocker, options);
    if (blocker !== told) options.onBlocked?.(blocker);
    told = blocker;
    await delay(pause);
  }
}

/** Where to look between two restarts, and how long. */
export interface CurrentOptions extends Pick<GateOptions, "observe" | "remedy"> {
  /** Longest wait in milliseconds.
   * @default 300000 */
  readonly timeoutMs?: number;
}

/**
 * Waits, and tells of it, until every server, stream and consumer is current, as the next restart needs it.
 * @returns the meta leader's name
 * @throws ERR_CLUSTER_NOT_READY naming what blocks
 */
export function waitCurrent({ timeoutMs = BETWEEN_RESTARTS.timeoutMs, ...where }: CurrentOptions): Promise<string> {
  progress("waiting until every server, stream and consumer is current");
  return waitGate({ ...BETWEEN_RESTARTS, ...where, timeoutMs, assets: true, onBlocked: (blocker) => progress(`waiting: ${blocker}`) });
}

/** Slowly longer: most waits end within the first few rounds. */
function nextPause(pause: number, { longestPauseMs = LONGEST_PAUSE_MS }: GateOptions): number {
  return Math.min(Math.ceil(pause * 1.1), longestPauseMs);
}

function notReady(blocker: string, { timeoutMs, remedy = REMEDY }: GateOptions): BusError {
  return new BusError("ERR_CLUSTER_NOT_READY", `the cluster is not ready after ${timeoutMs} ms: ${blocker}`, { remedy });
}
