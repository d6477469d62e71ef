/** Takes a server away while publishers and a consumer are at work, brings it back, and tells what they saw. */
import { setTimeout as delay } from "node:timers/promises";
import type { MessageBus } from "../../client/message-bus.ts";
import { route } from "../../client/route.ts";
import { BusError } from "../../core/errors.ts";
import type { Context, ServerControl } from "./context.ts";
import { askServers } from "./monitor-answers.ts";
import type { ScratchStream } from "./scratch.ts";
import { addConsumer, item, numbers, openBus, until, withManager, workSubject } from "./tools.ts";

/** What was seen. Times in milliseconds. */
export interface Drill {
  /** Server that was taken away: the leader of the stream that was written to. */
  readonly victim: string;
  /** Longest time without an acknowledgement to any publisher. */
  readonly gapMs: number;
  /** Longest time without an acknowledgement to one publisher. */
  readonly worstGapMs: number;
  /** Messages that were acknowledged, before, meanwhile and after. */
  readonly acknowledged: number;
  /** Of those, acknowledged while the server was away. */
  readonly whileAway: number;
  /** Messages a publisher gave up. */
  readonly refused: number;
  /** Acknowledged messages that the consumer never got. */
  readonly lost: number;
  /** Messages the consumer got more than once. */
  readonly twice: number;
  /** From starting the server until every replica was current and every server healthy. */
  readonly catchUpMs: number;
}

interface Acknowledgement {
  readonly n: number;
  readonly atMs: number;
  readonly publisher: number;
}

const PUBLISHERS = 3;
const STEADY_MS = 1000;
const AFTER_MS = 1500;
const LONGEST_OUTAGE_MS = 60_000;
const CATCH_UP_MS = 120_000;

/** Longest time between neighbours of a list of moments, `fromMs` being the first neighbour; 0 for none. Pure. */
export function longestGap(moments: readonly number[], fromMs: number): number {
  let last = fromMs;
  let longest = 0;
  for (const moment of moments.filter((one) => one >= fromMs).toSorted((a, b) => a - b)) {
    longest = Math.max(longest, moment - last);
    last = moment;
  }
  return longest;
}

/** Why no server may be stopped now; `undefined` when the cluster is whole. */
export async function whatIsMissing(context: Context): Promise<string | undefined> {
  const answers = await askServers<{ readonly status?: string; readonly error?: string }>(context, "/healthz");
  if ("missing" in answers) return answers.missing;
  const ill = answers
    .filter(({ body }) => body?.status !== "ok")
    .map(({ server, body }) => `${server.name} ${body?.error ?? (body === undefined ? "does not answer" : body.status)}`);
  return ill.length === 0 ? undefined : ill.join("; ");
}

/**
 * Runs one drill.
 * @throws BusError ERR_CLUSTER_NOT_READY when the cluster is not whole before, or does not become whole again
 */
export async function runDrill(context: Context, control: ServerControl, how: "stop" | "kill"): Promise<Drill> {
  const missing = await whatIsMissing(context);
  if (missing !== undefined)
    throw new BusError("ERR_CLUSTER_NOT_READY", `no server is stopped while the cluster is not whole: ${missing}`, {
      remedy: "start what is down with `natsbus up`",
    });
  const stream = await context.scratch.stream(`drill-${how}`);
  await addConsumer(context, stream, { durable_name: "worker", ack_wait: 5e9 });
  const victim = await leaderOf(context, stream);
  const clients = await Promise.all(
    numbers(PUBLISHERS + 1).map(() => openBus(context, { publishing: { attemptTimeout: "250ms", deadline: "60s" } })),
  );
  const [reader, ...publishers] = clients;
  const seen = new Map<number, number>();
  const load = startLoad(publishers, stream);
  try {
    await reader?.consume({
      stream: stream.name,
      consumer: "worker",
      routes: [route(workSubject(stream), ({ value }) => void seen.set(value.n, (seen.get(value.n) ?? 0) + 1))],
    });
    await delay(STEADY_MS);
    context.note(`${how === "stop" ? "stopping" : "killing"} ${victim}`);
    const stoppedMs = performance.now();
    const stopped = await control.stop(victim, how);
    await until(() => isFlowing(load.acks, stoppedMs), LONGEST_OUTAGE_MS, context.signal);
    await delay(AFTER_MS);
    const startedMs = performance.now();
    context.note(`starting ${victim} again`);
    await stopped.restart();
    const catchUpMs = await waitWhole(context, stream, startedMs);
    const acks = await load.stop();
    await until(() => acks.every(({ n }) => seen.has(n)), LONGEST_OUTAGE_MS, context.signal);
    return conclude({ victim, acks, stoppedMs, startedMs, catchUpMs, seen, refused: load.refused() });
  } finally {
    await load.stop();
    await Promise.all(clients.map((bus) => bus.close()));
  }
}

function conclude(about: {
  readonly victim: string;
  readonly acks: readonly Acknowledgement[];
  readonly stoppedMs: number;
  readonly startedMs: number;
  readonly catchUpMs: number;
  readonly seen: ReadonlyMap<number, number>;
  readonly refused: number;
}): Drill {
  const { victim, acks, stoppedMs, startedMs, catchUpMs, seen, refused } = about;
  const away = acks.filter(({ atMs }) => atMs >= stoppedMs && atMs <= startedMs);
  const gaps = numbers(PUBLISHERS).map((publisher) =>
    longestGap(
      away
        .filter((ack) => ack.publisher === publisher)
        .map(({ atMs }) => atMs)
        .concat(startedMs),
      stoppedMs,
    ),
  );
  return {
    victim,
    gapMs: longestGap(away.map(({ atMs }) => atMs).concat(startedMs), stoppedMs),
    worstGapMs: Math.max(...gaps),
    acknowledged: acks.length,
    whileAway: away.length,
    refused,
    lost: acks.filter(({ n }) => !seen.has(n)).length,
    twice: [...seen.values()].filter((times) => times > 1).length,
    catchUpMs,
  };
}

/** Whether every publisher got acknowledgements for a while after the last interruption. */
function isFlowing(acks: readonly Acknowledgement[], sinceMs: number): boolean {
  const now = performance.now();
  const recent = acks.filter(({ atMs }) => atMs > Math.max(sinceMs, now - 500));
  return now - sinceMs > 1000 && new Set(recent.map(({ publisher }) => publisher)).size === PUBLISHERS;
}

interface RunningLoad {
  readonly acks: readonly Acknowledgement[];
  refused(): number;
  /** Lets what is on its way finish; answers every acknowledgement. */
  stop(): Promise<readonly Acknowledgement[]>;
}

function startLoad(publishers: readonly MessageBus[], stream: ScratchStream): RunningLoad {
  const subject = workSubject(stream);
  const acks: Acknowledgement[] = [];
  let isRunning = true;
  let next = 0;
  let refused = 0;
  const lane = async (bus: MessageBus, publisher: number): Promise<void> => {
    while (isRunning) {
      const n = next++;
      await bus.publish(subject, item(n)).then(
        () => acks.push({ n, atMs: performance.now(), publisher }),
        () => refused++,
      );
      await delay(2);
    }
  };
  const lanes = publishers.flatMap((bus, index) => [lane(bus, index), lane(bus, index)]);
  return {
    acks,
    refused: () => refused,
    async stop() {
      isRunning = false;
      await Promise.all(lanes);
      return acks;
    },
  };
}

async function leaderOf(context: Context, { name }: ScratchStream): Promise<string> {
  return withManager(context, async (manager) => (await manager.streams.info(name)).cluster?.leader ?? "");
}

/** @returns milliseconds since `sinceMs` */
async function waitWhole(context: Context, { name }: ScratchStream, sinceMs: number): Promise<number> {
  const isWhole = async (): Promise<boolean> => {
    if ((await whatIsMissing(context)) !== undefined) return false;
    const { cluster, config } = await withManager(context, (manager) => manager.streams.info(name));
    const current = (cluster?.replicas ?? []).filter((replica) => replica.current && replica.offline !== true).length;
    return current === config.num_replicas - 1;
  };
  const isThere = await until(() => isWhole().catch(() => false), CATCH_UP_MS, context.signal);
  if (!isThere)
    throw new BusError("ERR_CLUSTER_NOT_READY", `the cluster is not whole ${CATCH_UP_MS / 1000} s after the server was started again`, {
      remedy: "look at `natsbus status`",
    });
  return performance.now() - sinceMs;
}
