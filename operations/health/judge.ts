/** What makes a bus healthy, as `nats server check` judges it: the same checks, limits and words of alarm. Pure. */

import { type Finding, type HealthFigure, type HealthResult, resultOf } from "./result.ts";
import type { ConsumerSeen, CredentialSeen, MetaSeen, StreamSeen, StreamsSeen, UsageSeen } from "./seen.ts";

/** Limits of the checks. */
export interface HealthLimits {
  /** Seconds for connecting, for a round trip to the server, and for a request that comes back: warning and critical. */
  readonly time: { readonly warning: number; readonly critical: number };
  /** Percent of JetStream memory or storage in use. */
  readonly usage: { readonly warning: number; readonly critical: number };
  /** Raft entries a peer may be behind. */
  readonly peerLag: number;
  /** Seconds for which a peer may be silent. */
  readonly peerSeen: number;
  /** Messages a mirror or source may be behind. */
  readonly originLag: number;
  /** Share of a consumer's largest number of unacknowledged messages. */
  readonly ackPendingShare: number;
  /** Seconds left to credentials: warning and critical. */
  readonly validity: { readonly warning: number; readonly critical: number };
}

/** The limits of `nats server check` where it has any, and those of the alerts elsewhere. */
export const DEFAULT_LIMITS: HealthLimits = {
  time: { warning: 0.5, critical: 1 },
  usage: { warning: 75, critical: 90 },
  peerLag: 200,
  peerSeen: 5,
  originLag: 10_000,
  ackPendingShare: 0.95,
  validity: { warning: 14 * 86_400, critical: 3 * 86_400 },
};

/** How long it took, in seconds. */
export function judgeConnection(seen: Readonly<Record<"connect" | "rtt" | "request", number>>, { time }: HealthLimits): HealthResult {
  const figures = Object.entries(seen).map(([name, seconds]): HealthFigure => ({ name, value: rounded(seconds), unit: "s", ...time }));
  return resultOf("connection", "", { findings: [], figures, fine: "connects and answers" });
}

/** Whether the meta group has a leader and all its members are current. */
export function judgeMeta({ leader, peers }: MetaSeen, expected: number, limits: HealthLimits): HealthResult {
  const members = peers.length + (leader === undefined ? 0 : 1);
  const figures: HealthFigure[] = [
    { name: "peers", value: members, unit: "" },
    { name: "peer_offline", value: peers.filter((peer) => peer.offline).length, unit: "", critical: 1 },
    { name: "peer_not_current", value: peers.filter((peer) => !peer.current).length, unit: "", critical: 1 },
    { name: "peer_inactive", value: peers.filter((peer) => peer.activeSeconds > limits.peerSeen).length, unit: "", critical: 1 },
    { name: "peer_lagged", value: peers.filter((peer) => peer.lag > limits.peerLag).length, unit: "", critical: 1 },
  ];
  const findings: Finding[] = [
    ...(leader === undefined ? [critical("no leader")] : []),
    ...(leader !== undefined && members !== expected ? [critical(`${members} peers of expected ${expected}`)] : []),
  ];
  return resultOf("meta", "", { findings, figures, fine: `${members} peers led by ${leader}` });
}

/** Use of an account's JetStream, and whether its streams are whole. */
export function judgeJetStream(seen: UsageSeen, streams: StreamsSeen, limits: HealthLimits): HealthResult {
  const { usage } = limits;
  const percent = (name: string, used: number, limit: number): HealthFigure[] =>
    limit > 0 ? [{ name, value: rounded((100 * used) / limit), unit: "%", ...usage }] : [];
  const figures: HealthFigure[] = [
    { name: "streams", value: seen.streams, unit: "" },
    { name: "consumers", value: seen.consumers, unit: "" },
    ...percent("memory_pct", seen.memory, seen.maxMemory),
    ...percent("store_pct", seen.storage, seen.maxStorage),
    ...copyFigures(streams, limits),
  ];
  return resultOf("jetstream", "", { findings: [], figures, fine: `${seen.streams} streams, ${seen.consumers} consumers` });
}

/** How many streams have which trouble with their copies; a stream of one copy has none. Two copies in trouble count twice. */
function copyFigures({ found, silent }: StreamsSeen, limits: HealthLimits): HealthFigure[] {
  const troubles = found.flatMap((stream) => (stream.replicas > 1 ? copyTroubles(stream, limits) : []));
  const count = (name: CopyTrouble): HealthFigure => ({
    name: `replicas_${name}`,
    value: troubles.filter((trouble) => trouble === name).length + (name === "fail" ? silent.length : 0),
    unit: "",
    critical: 1,
  });
  return (["no_leader", "missing_replicas", "lagged", "not_seen", "fail"] as const).map(count);
}

type CopyTrouble = "no_leader" | "missing_replicas" | "lagged" | "not_seen" | "fail";

function copyTroubles({ group, replicas }: StreamSeen, limits: HealthLimits): CopyTrouble[] {
  if (group === undefined) return ["fail"];
  if (group.leader === undefined) return ["no_leader"];
  if (group.peers.length !== replicas - 1) return ["missing_replicas"];
  return group.peers.flatMap(({ offline, activeSeconds, lag }): CopyTrouble[] => {
    if (offline) return ["fail"];
    if (activeSeconds > limits.peerSeen) return ["not_seen"];
    return lag > limits.peerLag ? ["lagged"] : [];
  });
}

/** Whether a stream is led, whole, current and not full; an origin not far ahead. */
export function judgeStream(seen: StreamSeen, limits: HealthLimits): HealthResult {
  const { group, replicas, origins, fill } = seen;
  const peers = group?.peers ?? [];
  const size = peers.length + 1;
  const findings: Finding[] = [
    ...(group !== undefined && group.leader === undefined ? [critical("no leader")] : []),
    ...(group !== undefined && size < replicas ? [critical(`${size} of ${replicas} copies`)] : []),
    ...peers.flatMap(({ name, offline, current, lag, activeSeconds }) => {
      if (offline) return [critical(`copy on ${name} is offline`)];
      if (!current) return [critical(`copy on ${name} is not current`)];
      if (activeSeconds > limits.peerSeen) return [critical(`copy on ${name} was last seen ${rounded(activeSeconds)} s ago`)];
      return lag > limits.peerLag ? [critical(`copy on ${name} is ${lag} entries behind`)] : [];
    }),
    ...origins.flatMap(({ name, lag, activeSeconds }) => {
      if (lag > limits.originLag) return [critical(`${lag} messages behind ${name}`)];
      return activeSeconds === undefined ? [critical(`${name} was never heard`)] : [];
    }),
  ];
  const share: HealthFigure[] =
    fill === undefined ? [] : [{ name: "limit_pct", value: rounded(100 * fill), unit: "%", warning: 85, critical: 98 }];
  const figures: HealthFigure[] = [
    { name: "messages", value: seen.messages, unit: "" },
    { name: "bytes", value: seen.bytes, unit: "B" },
    ...share,
  ];
  return resultOf("stream", seen.name, { findings, figures, fine: `${replicas} copies, ${seen.messages} messages` });
}

/** Whether a consumer is led, can deliver, and keeps up. */
export function judgeConsumer(seen: ConsumerSeen, limits: HealthLimits): HealthResult {
  const { leader, clustered, ackPending, maxAckPending, pending, backlogLimit } = seen;
  const findings: Finding[] = clustered && leader === undefined ? [critical("no leader")] : [];
  const figures: HealthFigure[] = [
    {
      name: "outstanding_ack",
      value: ackPending,
      unit: "",
      ...(maxAckPending > 0 ? { critical: Math.ceil(limits.ackPendingShare * maxAckPending) } : {}),
    },
    { name: "unprocessed", value: pending, unit: "", ...(backlogLimit === undefined ? {} : { critical: backlogLimit }) },
    { name: "redelivered", value: seen.redelivered, unit: "" },
  ];
  return resultOf("consumer", `${seen.stream} > ${seen.name}`, { findings, figures, fine: `${pending} messages wait` });
}

/** Whether credentials are good for a while. */
export function judgeCredential({ name, expiresAt }: CredentialSeen, now: Date, { validity }: HealthLimits): HealthResult {
  if (expiresAt === undefined) return resultOf("credential", name, { findings: [], figures: [], fine: "good for ever" });
  const left = expiresAt - Math.floor(now.getTime() / 1000);
  const figures: HealthFigure[] = [{ name: "left", value: left, unit: "s" }];
  const findings: Finding[] =
    left <= validity.critical
      ? [critical(left <= 0 ? "expired" : `ends in ${left} s`)]
      : left <= validity.warning
        ? [{ state: "WARNING", text: `ends in ${left} s` }]
        : [];
  return resultOf("credential", name, { findings, figures, fine: `ends in ${Math.round(left / 86_400)} days` });
}

function critical(text: string): Finding {
  return { state: "CRITICAL", text };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
