/** Alerts on what clients do to the servers, and the servers to their clients. */
import type { AlertSpec } from "../model.ts";
import { clustered } from "./conditions.ts";
import { SERVER } from "./labels.ts";

/** Whether clients are served. */
export const CLIENT_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsSlowConsumers",
    severity: "warning",
    expr: `max by (${SERVER}) (increase(nats_varz_slow_consumer_stats_clients[5m])) > 0`,
    summary: 'Server {{ $labels.server_id }} cut off {{ printf "%.0f" $value }} slow clients in 5 minutes',
    description: "A client read more slowly than messages came, was disconnected and lost what was on the way to it.",
    panel: "cluster/slow",
  },
  {
    alert: "NatsRouteSlowConsumer",
    severity: "critical",
    expr: `max by (${SERVER}) (increase(nats_varz_slow_consumer_stats_routes[10m])) > 0`,
    summary: 'Server {{ $labels.server_id }} cut {{ printf "%.0f" $value }} routes to other servers in 10 minutes',
    description: "Another server could not keep up. Raft groups lose votes and messages between servers were dropped.",
    panel: "cluster/slow",
    applies: clustered,
  },
  {
    alert: "NatsStalledClients",
    severity: "warning",
    for: "10m",
    expr: `max by (${SERVER}) (rate(nats_varz_stalled_clients[5m])) > 1`,
    summary: "Server {{ $labels.server_id }} holds publishers back {{ $value | humanize }} times a second",
    description: "Publishers are slowed down because receivers do not keep up.",
    panel: "cluster/slow",
  },
  {
    alert: "NatsConnectionsNearLimit",
    severity: "warning",
    for: "10m",
    expr: `nats_server:connections:count / on (${SERVER}) (max by (${SERVER}) (nats_varz_max_connections) > 0) > 0.8`,
    summary: "Server {{ $labels.server_id }} uses {{ $value | humanizePercentage }} of its connections",
    description: "At the limit the server refuses new clients.",
    panel: "cluster/connections",
  },
  {
    alert: "NatsReconnectStorm",
    severity: "warning",
    for: "5m",
    expr: `max by (${SERVER}) (rate(nats_varz_total_connections[5m])) > 10 and on (${SERVER}) max by (${SERVER}) (rate(nats_varz_total_connections[5m])) * 300 > on (${SERVER}) 2 * nats_server:connections:count`,
    summary: "Server {{ $labels.server_id }} gets {{ $value | humanize }} new connections a second",
    description: "Clients connect again and again: wrong credentials, a failing TLS handshake or a loop of slow clients.",
    panel: "cluster/connections",
  },
  {
    alert: "NatsApiErrorRatio",
    severity: "warning",
    for: "10m",
    expr: "sum by (nats_cluster) (rate(nats_varz_jetstream_stats_api_errors[10m])) / (sum by (nats_cluster) (rate(nats_varz_jetstream_stats_api_total[10m])) > 0.1) > 0.1",
    summary: "{{ $value | humanizePercentage }} of JetStream API requests on bus {{ $labels.nats_cluster }} fail",
    description: "Clients ask for streams or consumers that do not exist, or with settings the servers refuse.",
    panel: "jetstream/api",
  },
  {
    alert: "NatsMetaApiBacklog",
    severity: "warning",
    for: "5m",
    expr: `max by (${SERVER}) (nats_varz_jetstream_meta_pending) > 1000 or max by (${SERVER}) (nats_varz_jetstream_meta_pending_requests) > 100`,
    summary: 'The meta group has {{ printf "%.0f" $value }} requests waiting on server {{ $labels.server_id }}',
    description: "Streams and consumers are created or deleted faster than the meta group can follow. Others wait behind them.",
    panel: "jetstream/meta",
    applies: clustered,
  },
];
