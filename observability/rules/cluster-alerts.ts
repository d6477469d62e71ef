/** Alerts on the availability of servers, quorum, leader and routes, and on the honesty of what reports it. */
import type { AlertSpec } from "../model.ts";
import { quoted } from "../promql.ts";
import { clustered, probed, published } from "./conditions.ts";
import { SERVER } from "./labels.ts";

/** Whether monitoring itself can be believed. */
export const MONITORING_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsWatchdog",
    severity: "none",
    // A bare vector has no labels for the text to name the bus with.
    expr: ({ cluster }) => `label_replace(vector(1), "nats_cluster", ${quoted(cluster)}, "", "")`,
    summary: "Alerting for bus {{ $labels.nats_cluster }} works (heartbeat {{ $value }})",
    description: "Always firing. An outside receiver must raise the alarm when this stops arriving.",
    panel: "cluster/alert-list",
  },
  {
    alert: "NatsTargetsAbsent",
    severity: "critical",
    for: "5m",
    expr: 'absent(up{job="nats"})',
    summary: "No exporter of bus {{ $labels.nats_cluster }} is being scraped (absent = {{ $value }})",
    description: "Prometheus knows no target of this bus. Silence would look like health: every other alert is blind.",
    panel: "cluster/exporters",
  },
  {
    alert: "NatsExporterDown",
    severity: "warning",
    for: "2m",
    expr: 'up{job="nats"} == 0',
    summary: "Exporter {{ $labels.instance }} of bus {{ $labels.nats_cluster }} cannot be scraped (up = {{ $value }})",
    description: "The exporter is down, or its server is frozen so that the exporter hangs. Nothing is known about that server.",
    panel: "cluster/exporters",
  },
  {
    alert: "NatsHealthzMissing",
    severity: "warning",
    for: "5m",
    expr: `max by (${SERVER}) (nats_varz_connections) unless on (${SERVER}) nats_healthz_status_value`,
    summary: "Server {{ $labels.server_id }} is scraped without its health ({{ $value }} connections at last sight)",
    description: "The exporter runs without -healthz. It would go on reporting a dead server's last values as if it lived.",
    panel: "cluster/reachable",
  },
  {
    alert: "NatsJszMissing",
    severity: "warning",
    for: "5m",
    expr: `nats_server:reachable:bool unless on (${SERVER}) nats_server_total_streams`,
    summary: "Server {{ $labels.server_id }} answers (reachable = {{ $value }}) but gives no JetStream figures",
    description:
      "/jsz takes longer than the exporter's 5 s limit, or the exporter runs without -jsz. Stream and consumer alerts are blind for this server.",
    panel: "cluster/reachable",
  },
  {
    alert: "NatsCanaryAbsent",
    severity: "warning",
    for: "5m",
    expr: "absent(nats_client_publish_total) or sum by (nats_cluster) (rate(nats_client_publish_total[5m])) == 0",
    summary: "The canary of bus {{ $labels.nats_cluster }} publishes nothing (signal = {{ $value }})",
    description: "Without the probe's canary the service level is not measured: no burn-rate alert can fire.",
    panel: "slo/outcomes",
    applies: published,
  },
];

/** Whether servers are there and agree. */
export const CLUSTER_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsServerUnreachable",
    severity: "warning",
    for: "3m",
    expr: `count by (${SERVER}) (nats_healthz_status_value{value="unreachable"}) > 0`,
    summary: "Server {{ $labels.server_id }} of bus {{ $labels.nats_cluster }} does not answer ({{ $value }} exporter sees it so)",
    description:
      "The server's monitor port refuses connections. Streams with a majority of copies elsewhere go on; three minutes spare a rolling restart.",
    panel: "cluster/reachable",
  },
  {
    alert: "NatsQuorumLost",
    severity: "critical",
    for: "30s",
    expr: "nats_cluster:quorum_ok:bool == 0",
    summary: "Bus {{ $labels.nats_cluster }} has lost its quorum (quorum_ok = {{ $value }})",
    description: "Fewer servers work than a majority needs. JetStream accepts no writes and no changes until enough servers are back.",
    panel: "cluster/quorum",
  },
  {
    alert: "NatsNoMetaLeader",
    severity: "critical",
    for: "1m",
    expr: 'count by (nats_cluster) (nats_server_total_streams{meta_leader=""}) == on (nats_cluster) count by (nats_cluster) (nats_server_total_streams)',
    summary: "None of the {{ $value }} answering servers of bus {{ $labels.nats_cluster }} knows a meta leader",
    description: "No stream or consumer can be created, changed or moved, and leaders that fail are not replaced.",
    panel: "cluster/meta-leader",
    applies: clustered,
  },
  {
    alert: "NatsMetaLeaderDisagreement",
    severity: "critical",
    for: "2m",
    expr: 'count by (nats_cluster) (count by (nats_cluster, meta_leader) (nats_server_total_streams{meta_leader!=""})) > 1',
    summary: "Servers of bus {{ $labels.nats_cluster }} follow {{ $value }} different meta leaders",
    description: "The cluster is split: a part of it follows a leader the others do not know.",
    panel: "cluster/meta-leader",
    applies: clustered,
  },
  {
    alert: "NatsMetaLeaderFlapping",
    severity: "warning",
    expr: "sum by (nats_cluster) (changes(nats_server:is_meta_leader:bool[1h])) > 6",
    summary: "The meta leader of bus {{ $labels.nats_cluster }} changed often ({{ $value }} flips in an hour, two an election)",
    description: "More than three elections an hour: servers starve for CPU or disk, or the network between them drops.",
    panel: "cluster/meta-leader",
    applies: clustered,
  },
  {
    alert: "NatsClusterDegraded",
    severity: "warning",
    for: "5m",
    expr: "nats_cluster:servers_healthy:count < on (nats_cluster) nats_cluster:servers_expected:count",
    summary: "Only {{ $value }} servers of bus {{ $labels.nats_cluster }} are healthy",
    description: "Fewer servers than declared: the next failure may be an outage.",
    panel: "cluster/servers",
    applies: clustered,
  },
  {
    alert: "NatsRoutesMissing",
    severity: "warning",
    for: "3m",
    // Compared with the living only: a dead server has its own alert, and its neighbours miss it by right.
    expr: "nats_server:remotes:count < on (nats_cluster) group_left () (count by (nats_cluster) (nats_server:reachable:bool) - 1)",
    summary: "Server {{ $labels.server_id }} has routes to only {{ $value }} other servers",
    description: "A server is not connected to all others that answer. Messages and Raft votes between them take detours or do not arrive.",
    panel: "cluster/routes",
    applies: clustered,
  },
  {
    alert: "NatsMetaPeersUnexpected",
    severity: "warning",
    for: "15m",
    expr: "max by (nats_cluster) (nats_varz_jetstream_meta_cluster_size) != on (nats_cluster) nats_cluster:servers_expected:count",
    summary: "The meta group of bus {{ $labels.nats_cluster }} counts {{ $value }} members",
    description: "The group has more or fewer members than declared. A ghost of a replaced server raises the majority that is needed.",
    panel: "cluster/peers",
    applies: clustered,
  },
  {
    alert: "NatsMetaPeerNotCurrent",
    severity: "warning",
    for: "2m",
    expr: `max by (${SERVER}) (natsbus_meta_peer_current) == 0`,
    summary: "The meta leader sees server {{ $labels.server_id }} offline or behind (current = {{ $value }})",
    description: "This member cannot take over the meta group, and does not know the newest streams and consumers.",
    panel: "cluster/peers",
    applies: (facts, options) => clustered(facts) && probed(facts, options),
  },
];
