/** Who is told of which alert, and which alerts say nothing new beside another. */
import type { Receiver } from "./receivers.ts";
import { type AlertRouting, assertRouting, type MuteTime, type RoutedSeverity } from "./routing-options.ts";

/** A condition on a label of an alert. */
export interface Matcher {
  /** Label. */
  readonly name: string;
  /** `=` compares, `=~` takes a regular expression over the whole value. */
  readonly op: "=" | "=~";
  /** Value or expression. */
  readonly value: string;
}

/** A branch of the routing tree. */
export interface Route {
  /** Receiver's name. */
  readonly receiver: string;
  /** Conditions, all of which must hold. */
  readonly matchers: readonly Matcher[];
  /** Alerts equal in these labels share a message. */
  readonly groupBy: readonly string[];
  /** Waiting time before a group's first message. */
  readonly groupWait: string;
  /** Time between messages when a group changes. */
  readonly groupInterval: string;
  /** Time after which an unchanged group is told again. */
  readonly repeatInterval: string;
  /** Whether later routes are tried as well. */
  readonly continue: boolean;
  /** Names of the times in which it keeps silent. */
  readonly muteTimes: readonly string[];
}

/** An alert that silences others while it fires. */
interface Inhibition {
  /** The alert that says it all. */
  readonly source: readonly Matcher[];
  /** The alerts that follow from it. */
  readonly target: readonly Matcher[];
  /** Labels that must be the same on both. A label absent on both counts as the same, so `nats_cluster` is always listed. */
  readonly equal: readonly string[];
}

/** Everything an Alertmanager must know. */
export interface AlertingPlan {
  /** Receiver of what no route takes. */
  readonly defaultReceiver: string;
  /** Routes in the order they are tried. */
  readonly routes: readonly Route[];
  /** Receivers, the one that tells nobody included. */
  readonly receivers: readonly Receiver[];
  /** Inhibitions. */
  readonly inhibitions: readonly Inhibition[];
  /** Times of silence. */
  readonly muteTimes: readonly MuteTime[];
}

/** Receiver that tells nobody. */
const NOBODY: Receiver = { name: "nobody" };

/**
 * Routes, receivers and inhibitions for the user's choice of receivers.
 * @throws ERR_CONFIG_VALUE when a route names a receiver that does not exist, or a name is used twice
 */
export function planAlerting(routing: AlertRouting | undefined): AlertingPlan {
  const chosen = routing ?? { receivers: [] };
  assertRouting(chosen);
  return {
    defaultReceiver: NOBODY.name,
    routes: planRoutes(chosen),
    receivers: [NOBODY, ...chosen.receivers],
    inhibitions: INHIBITIONS,
    muteTimes: chosen.muteTimes ?? [],
  };
}

function planRoutes(routing: AlertRouting): Route[] {
  const muted = (severity: RoutedSeverity): string[] =>
    (routing.muteTimes ?? []).filter(({ severities = ["warning", "info"] }) => severities.includes(severity)).map(({ name }) => name);
  const critical = { groupBy: ["nats_cluster"], groupWait: "10s", groupInterval: "1m", repeatInterval: "1h", muteTimes: muted("critical") };
  const warning = {
    groupBy: ["alertname", "nats_cluster"],
    groupWait: "30s",
    groupInterval: "5m",
    repeatInterval: "12h",
    muteTimes: muted("warning"),
  };
  const info = { ...warning, repeatInterval: "24h", muteTimes: muted("info") };
  const teams = Object.entries(routing.teams ?? {});
  const to = (receiver: string | undefined, labels: Readonly<Record<string, string>>, timing: typeof critical, goOn = false): Route => ({
    receiver: receiver ?? NOBODY.name,
    matchers: Object.entries(labels).map(([name, value]) => ({ name, op: "=", value })),
    ...timing,
    continue: goOn,
  });
  return [
    to(routing.watchdog, { alertname: "NatsWatchdog" }, { ...critical, groupWait: "0s", repeatInterval: "1m", muteTimes: [] }),
    // A team hears of its streams beside the pager, not instead of it.
    ...teams.map(([team, receiver]) => to(receiver, { severity: "critical", team }, critical, true)),
    to(routing.critical, { severity: "critical" }, critical),
    ...teams.map(([team, receiver]) => to(receiver, { severity: "warning", team }, warning)),
    to(routing.warning, { severity: "warning" }, warning),
    to(routing.info, { severity: "info" }, info),
  ];
}

const BUS = ["nats_cluster"];
const SERVER = [...BUS, "server_id"];
const STREAM = [...BUS, "account_name", "stream_name"];
const CONSUMER = [...STREAM, "consumer_name"];

/** What follows from what. Each line: the alert that says it all, the labels that must agree, the alerts it makes superfluous. */
const INHIBITIONS: readonly Inhibition[] = [
  inhibit("NatsQuorumLost", BUS, [
    "NatsClusterDegraded",
    "NatsNoMetaLeader",
    "NatsMetaLeader.+",
    "NatsMetaPeer.+",
    "NatsMetaApiBacklog",
    "NatsApiErrorRatio",
    "NatsStream.+",
    "NatsConsumer.+",
    "NatsMirror.+",
    "NatsSource.+",
    "NatsRoutesMissing",
    "NatsJszMissing",
    "NatsServerUnreachable",
    "NatsAssetsNotCurrent",
  ]),
  inhibit("NatsNoMetaLeader", BUS, ["NatsMetaApiBacklog", "NatsApiErrorRatio", "NatsMetaPeerNotCurrent", "NatsMetaLeaderFlapping"]),
  inhibit("NatsServerUnreachable", SERVER, [
    "NatsJszMissing",
    "NatsCpuSaturated",
    "NatsRoutesMissing",
    "NatsMetaPeerNotCurrent",
    "NatsConfigNotApplied",
  ]),
  inhibit("NatsServerUnreachable", BUS, ["NatsStreamReplicasMissing", "NatsStreamPeerNotCurrent"]),
  inhibit("NatsJetStreamDown", SERVER, ["NatsAssetsNotCurrent", "NatsJszMissing", "NatsMetaPeerNotCurrent"]),
  inhibit("NatsJetStreamDown", BUS, ["NatsStreamReplicasMissing", "NatsStreamPeerNotCurrent"]),
  inhibit("NatsStreamNoLeader", STREAM, [
    "NatsStreamIdle",
    "NatsStreamReplica.+",
    "NatsStreamPeerNotCurrent",
    "NatsConsumer.+",
    "NatsMirror.+",
    "NatsSource.+",
  ]),
  inhibit("NatsStreamAbsent", STREAM, ["NatsStreamIdle", "NatsConsumer.+"]),
  inhibit("NatsMirrorInactive", STREAM, ["NatsMirrorBehind"]),
  inhibit("NatsSourceInactive", STREAM, ["NatsSourceBehind"]),
  inhibit("NatsConsumerAckSaturated", CONSUMER, ["NatsConsumerStalled", "NatsConsumerBacklog"]),
  {
    source: [
      { name: "service", op: "=", value: "nats" },
      { name: "severity", op: "=", value: "critical" },
    ],
    target: [
      { name: "service", op: "=", value: "nats" },
      { name: "severity", op: "=", value: "warning" },
    ],
    equal: ["alertname", ...CONSUMER, "server_id"],
  },
];

function inhibit(source: string, equal: readonly string[], targets: readonly string[]): Inhibition {
  return {
    source: [{ name: "alertname", op: "=", value: source }],
    target: [{ name: "alertname", op: "=~", value: targets.join("|") }],
    equal,
  };
}
