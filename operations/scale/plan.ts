/** What has to happen before servers may leave a cluster, and which streams move when servers joined. Pure; the same for every target. */
import type { NodeView } from "../../components/gate/blockers.ts";
import type { Problem } from "../../core/errors.ts";
import { renderSize } from "../../core/units.ts";

/** Fewer servers than this are no cluster that goes on when one stops. */
const FEWEST_SERVERS = 3;

/** One stream, a KV bucket's or an object store's too, and the servers that hold it. */
export interface Holding {
  /** Account as the servers name it: its public key, or its name where accounts stand in the configuration. */
  readonly account: string;
  /** Account as people name it. */
  readonly accountName: string;
  /** Stream name. */
  readonly stream: string;
  /** Replicas it is to have. */
  readonly replicas: number;
  /** Servers that hold a replica. */
  readonly servers: readonly string[];
  /** Bytes of one replica. */
  readonly bytes: number;
}

/** A cluster that is to have fewer servers. */
export interface ShrinkFacts {
  /** Names of the servers that run, first to last. */
  readonly names: readonly string[];
  /** Servers that are to stay: the first ones. */
  readonly wanted: number;
  /** Every stream. */
  readonly holdings: readonly Holding[];
  /** Servers that do not answer and still belong to the meta group. */
  readonly silent: readonly string[];
  /** Largest JetStream storage of a server, in bytes. */
  readonly storageBytes: number;
}

/** One step on the way to fewer servers, in order. */
export type ShrinkStep =
  | { readonly action: "move"; readonly server: string; readonly streams: readonly Holding[] }
  | { readonly action: "remove"; readonly server: string }
  | { readonly action: "end"; readonly servers: readonly string[] };

/** Every stream any server holds, by account and name. */
export function collectHoldings(views: readonly NodeView[]): Holding[] {
  const found = new Map<string, Holding>();
  for (const { name, jsz } of views) {
    for (const { id, name: accountName, stream_detail: streams = [] } of jsz?.account_details ?? []) {
      for (const { name: stream, config, state } of streams) {
        const account = id ?? accountName;
        const key = `${account} ${stream}`;
        const known = found.get(key);
        const replicas = config?.num_replicas ?? known?.replicas ?? 1;
        const bytes = Math.max(state?.bytes ?? 0, known?.bytes ?? 0);
        found.set(key, { account, accountName, stream, replicas, bytes, servers: [...(known?.servers ?? []), name] });
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, holding]) => holding);
}

/** Servers that leave, the last one first: that is the order in which every target takes them away. */
export function leavingServers(names: readonly string[], wanted: number): string[] {
  return names.slice(wanted).toReversed();
}

/** Everything that speaks against having fewer servers; empty when nothing would be lost. */
export function shrinkProblems(facts: ShrinkFacts): Problem[] {
  return [...sizeProblems(facts), ...replicaProblems(facts), ...silenceProblems(facts), ...roomProblems(facts)];
}

/** Every step, in order: one server after the other is emptied and leaves the meta group, and only then they are ended. */
export function planShrink({ names, wanted, holdings }: Pick<ShrinkFacts, "names" | "wanted" | "holdings">): ShrinkStep[] {
  const leaving = leavingServers(names, wanted);
  if (leaving.length === 0) return [];
  const steps = leaving.flatMap((server): ShrinkStep[] => {
    const streams = holdings.filter((holding) => holding.servers.includes(server));
    const move: ShrinkStep[] = streams.length === 0 ? [] : [{ action: "move", server, streams }];
    return [...move, { action: "remove", server }];
  });
  return [...steps, { action: "end", servers: leaving }];
}

/** The steps in words for whoever has to agree. */
export function describeShrink(steps: readonly ShrinkStep[]): string[] {
  return steps.map((step) => {
    if (step.action === "remove") return `${step.server} leaves the meta group`;
    if (step.action === "end") return `${step.servers.join(", ")} ${step.servers.length === 1 ? "is" : "are"} shut down`;
    const bytes = step.streams.reduce((sum, stream) => sum + stream.bytes, 0);
    const names = step.streams.map(({ stream }) => stream).join(", ");
    return `${step.server}: ${step.streams.length} stream${step.streams.length === 1 ? "" : "s"} (${renderSize(bytes)}) move to the servers that stay: ${names}`;
  });
}

/** A replica that is better held by another server. */
export interface SpreadMove {
  /** Stream. */
  readonly holding: Holding;
  /** Server that gives its replica up; which one takes it is the meta leader's choice. */
  readonly from: string;
}

/** The next replica to move so that servers hold about as many as one another; `undefined` when none may hold two more than another that could take one.
 * A stream whose servers hold the most goes first, and of those the smallest. */
export function nextSpread(holdings: readonly Holding[], servers: readonly string[]): SpreadMove | undefined {
  const counts = countReplicas(holdings, servers);
  const byLoad = [...servers].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  for (const from of byLoad) {
    const moves = holdings.filter((holding) => holding.servers.includes(from) && mayGo(holding, from, counts));
    const loadOf = (holding: Holding) => holding.servers.reduce((sum, server) => sum + (counts.get(server) ?? 0), 0);
    const [holding] = moves.toSorted((a, b) => loadOf(b) - loadOf(a) || a.bytes - b.bytes);
    if (holding !== undefined) return { holding, from };
  }
  return undefined;
}

/** How uneven servers hold replicas: the sum of squares of their counts, smallest when they are even. */
export function unevenness(holdings: readonly Holding[], servers: readonly string[]): number {
  return [...countReplicas(holdings, servers).values()].reduce((sum, count) => sum + count * count, 0);
}

function countReplicas(holdings: readonly Holding[], servers: readonly string[]): Map<string, number> {
  return new Map(servers.map((server) => [server, holdings.filter((holding) => holding.servers.includes(server)).length]));
}

/** Whether some server without a replica of it holds at least two fewer than `from`. */
function mayGo(holding: Holding, from: string, counts: ReadonlyMap<string, number>): boolean {
  const load = counts.get(from) ?? 0;
  return [...counts].some(([server, count]) => !holding.servers.includes(server) && load - count >= 2);
}

function sizeProblems({ names, wanted }: ShrinkFacts): Problem[] {
  if (wanted >= FEWEST_SERVERS || wanted >= names.length) return [];
  const message = `with ${wanted} of ${names.length} servers the bus would stand still, or lose messages, as soon as one stops; at least ${FEWEST_SERVERS} must stay`;
  return [problem("cluster.servers", message, `keep ${FEWEST_SERVERS}, or bring up another bus and copy the streams there`)];
}

function replicaProblems({ holdings, wanted }: ShrinkFacts): Problem[] {
  return holdings
    .filter((holding) => holding.replicas > wanted)
    .map(({ stream, accountName, replicas }) =>
      problem(
        `streams.${stream}`,
        `stream ${stream} of account ${accountName} keeps ${replicas} replicas, and ${wanted} servers would be left`,
        `set its replicas to ${wanted} or fewer first, and run up`,
      ),
    );
}

function silenceProblems({ silent }: ShrinkFacts): Problem[] {
  return silent.map((server) =>
    problem("cluster.servers", `${server} does not answer, and may hold the only replica of a stream`, "start it again first"),
  );
}

function roomProblems({ holdings, wanted, storageBytes }: ShrinkFacts): Problem[] {
  const held = holdings.reduce((sum, { bytes, replicas }) => sum + bytes * replicas, 0);
  if (held <= wanted * storageBytes) return [];
  const message = `the streams hold ${renderSize(held)} with their replicas, and ${wanted} servers with ${renderSize(storageBytes)} each have room for ${renderSize(wanted * storageBytes)}`;
  return [problem("jetstream.maxStorage", message, "raise it, or let streams keep less")];
}

function problem(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_SCALE_DOWN", path, message, remedy };
}
