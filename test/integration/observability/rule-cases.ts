/** For every alert: what makes it fire, when, with which company, and what must not make it fire. */
import {
  add,
  all,
  BEGIN,
  blip,
  type Fault,
  growing,
  halting,
  jump,
  killed,
  LEAD,
  relabelled,
  STEP,
  set,
  starting,
  steady,
  vanish,
  withoutJsz,
} from "./baseline.ts";

/** How an alert is provoked. */
export interface RuleCase {
  /** `alert/severity`. */
  readonly alert: string;
  /** What provokes it. */
  readonly fault: Fault;
  /** Seconds after the fault began until the expression is true. */
  readonly delay?: number;
  /** Whether the delay is an upper bound, because the expression looks back over a window. */
  readonly window?: boolean;
  /** What else fires at that moment, rightly. */
  readonly also?: readonly string[];
  /** What looks similar and must leave it silent. */
  readonly near: Fault;
}

const STORAGE = 268_435_456;
// Conditions that hold from the first two samples on: before faults begin.
const STARTED = STEP - BEGIN;

/** Alerts on monitoring itself. */
export const MONITORING_CASES: readonly RuleCase[] = [
  {
    alert: "NatsTargetsAbsent/critical",
    fault: vanish("up", { job: "nats" }),
    near: vanish("up", { job: "nats", instance: "bus-2:7777" }),
  },
  {
    alert: "NatsExporterDown/warning",
    fault: set("up", { instance: "bus-2:7777" }, jump(1, 0)),
    near: set("up", { instance: "bus-2:7777" }, blip(1, 0, 4)),
  },
  {
    alert: "NatsHealthzMissing/warning",
    fault: vanish(/^nats_healthz_/, { server_id: "bus-3" }),
    also: ["NatsClusterDegraded/warning"],
    near: killed("bus-3"),
  },
  {
    alert: "NatsJszMissing/warning",
    fault: withoutJsz("bus-3"),
    also: ["NatsStreamReplicasMissing/warning"],
    near: killed("bus-3"),
  },
  {
    alert: "NatsCanaryAbsent/warning",
    fault: vanish(/^nats_client_publish/),
    near: all(
      set("nats_client_publish_total", { result: "ok" }, halting(0, 30)),
      set("nats_client_publish_total", { result: "error" }, starting(0, 30)),
    ),
  },
];

/** Alerts on servers among each other. */
export const CLUSTER_CASES: readonly RuleCase[] = [
  { alert: "NatsServerUnreachable/warning", fault: killed("bus-3"), also: ["NatsMetaPeerNotCurrent/warning"], near: withoutJsz("bus-3") },
  { alert: "NatsQuorumLost/critical", fault: all(killed("bus-2"), killed("bus-3")), near: killed("bus-3") },
  {
    alert: "NatsNoMetaLeader/critical",
    fault: relabelled("nats_server_total_streams", {}, { meta_leader: "", is_meta_leader: "false" }),
    near: relabelled("nats_server_total_streams", { server_id: "bus-1" }, { meta_leader: "" }),
  },
  {
    alert: "NatsMetaLeaderDisagreement/critical",
    fault: relabelled("nats_server_total_streams", { server_id: "bus-1" }, { meta_leader: "bus-1", is_meta_leader: "true" }),
    near: relabelled("nats_server_total_streams", {}, { meta_leader: "bus-1" }),
  },
  {
    alert: "NatsMetaLeaderFlapping/warning",
    fault: leadingAgain(7),
    delay: 6 * 60,
    near: leadingAgain(6),
  },
  {
    alert: "NatsClusterDegraded/warning",
    fault: vanish("nats_healthz_js_enabled_only_status_value", { server_id: "bus-3" }),
    near: set("nats_healthz_status", { server_id: "bus-3" }, jump(0, 1)),
  },
  {
    alert: "NatsRoutesMissing/warning",
    fault: all(set("nats_varz_remotes", { server_id: "bus-1" }, jump(2, 1)), set("nats_varz_remotes", { server_id: "bus-3" }, jump(2, 1))),
    near: killed("bus-3"),
  },
  {
    alert: "NatsMetaPeersUnexpected/warning",
    fault: set("nats_varz_jetstream_meta_cluster_size", {}, jump(3, 4)),
    near: set("nats_varz_jetstream_meta_cluster_size", {}, blip(3, 4, 29)),
  },
  {
    alert: "NatsMetaPeerNotCurrent/warning",
    fault: set("natsbus_meta_peer_current", { server_id: "bus-2" }, jump(1, 0)),
    near: set("natsbus_meta_peer_current", { server_id: "bus-2" }, blip(1, 0, 4)),
  },
];

/** Alerts on single servers. */
export const SERVER_CASES: readonly RuleCase[] = [
  {
    alert: "NatsJetStreamDown/critical",
    fault: set("nats_healthz_js_enabled_only_status", { server_id: "bus-2" }, jump(0, 1)),
    near: set("nats_healthz_status", { server_id: "bus-2" }, jump(0, 1)),
  },
  {
    alert: "NatsAssetsNotCurrent/warning",
    fault: set("nats_healthz_status", { server_id: "bus-2" }, jump(0, 1)),
    near: set("nats_healthz_status", { server_id: "bus-2" }, blip(0, 1, 20)),
  },
  {
    alert: "NatsServerRestarting/warning",
    fault: set("nats_varz_start", { server_id: "bus-1" }, `1000+0x${LEAD - 1} 2000 2000 3000 3000 4000+0x$REST`),
    delay: 120,
    near: set("nats_varz_start", { server_id: "bus-1" }, `1000+0x${LEAD - 1} 2000 2000 3000+0x$REST`),
  },
  {
    alert: "NatsVersionSkew/info",
    fault: relabelled("nats_varz_version", { server_id: "bus-1" }, { value: "2.14.2" }),
    near: relabelled("nats_varz_version", {}, { value: "2.14.2" }),
  },
  {
    alert: "NatsConfigNotApplied/warning",
    fault: set("natsbus_server_config_current", { server_id: "bus-2" }, jump(1, 0)),
    near: set("natsbus_server_config_current", { server_id: "bus-2" }, blip(1, 0, 29)),
  },
  { alert: "NatsCertExpiring/warning", fault: certificateOf(14), near: certificateOf(15) },
  { alert: "NatsCertExpiring/critical", fault: certificateOf(3), also: ["NatsCertExpiring/warning"], near: certificateOf(4) },
  {
    alert: "NatsCpuSaturated/warning",
    fault: set("nats_varz_cpu", { server_id: "bus-3" }, jump(0, 170)),
    near: all(set("nats_varz_cpu", { server_id: "bus-3" }, steady(170)), killed("bus-3")),
  },
  {
    alert: "NatsMemoryHigh/warning",
    fault: set("nats_varz_mem", { server_id: "bus-1" }, jump(1, 470_000_000)),
    near: set("nats_varz_mem", { server_id: "bus-1" }, jump(1, 450_000_000)),
  },
  {
    alert: "NatsJetStreamStorage/warning",
    fault: set("nats_varz_jetstream_stats_storage", { server_id: "bus-1" }, jump(0, 0.8 * STORAGE)),
    near: set("nats_varz_jetstream_stats_storage", { server_id: "bus-1" }, jump(0, 0.74 * STORAGE)),
  },
  {
    alert: "NatsJetStreamStorage/critical",
    fault: set("nats_varz_jetstream_stats_storage", { server_id: "bus-1" }, jump(0, 0.95 * STORAGE)),
    near: set("nats_varz_jetstream_stats_storage", { server_id: "bus-1" }, jump(0, 0.8 * STORAGE)),
  },
  {
    alert: "NatsJetStreamStorageFillsIn24h/warning",
    fault: set("nats_varz_jetstream_stats_storage", { server_id: "bus-1" }, growing(0.55 * STORAGE, 0.0003 * STORAGE)),
    delay: STARTED,
    near: set("nats_varz_jetstream_stats_storage", { server_id: "bus-1" }, growing(0.55 * STORAGE, 0.0001 * STORAGE)),
  },
  {
    alert: "NatsJetStreamReservedHigh/warning",
    fault: set("nats_varz_jetstream_stats_reserved_storage", { server_id: "bus-1" }, jump(0, 0.95 * STORAGE)),
    near: set("nats_varz_jetstream_stats_reserved_storage", { server_id: "bus-1" }, jump(0, 0.85 * STORAGE)),
  },
  {
    alert: "NatsAccountStorageHigh/warning",
    fault: all(set("nats_account_max_storage", {}, steady(1000)), set("nats_account_storage_used", {}, jump(100, 900))),
    near: all(set("nats_account_max_storage", {}, steady(1000)), set("nats_account_storage_used", {}, jump(100, 800))),
  },
  {
    alert: "NatsVolumeLow/warning",
    fault: set("kubelet_volume_stats_available_bytes", {}, jump(80, 10)),
    near: set("kubelet_volume_stats_available_bytes", {}, jump(80, 20)),
  },
  {
    alert: "NatsDiskWait/warning",
    fault: set("nats_varz_disk_io_wait_stats_wait_time", { server_id: "bus-1" }, starting(0, 60e9)),
    delay: 300,
    window: true,
    near: set("nats_varz_disk_io_wait_stats_wait_time", { server_id: "bus-1" }, starting(0, 15e9)),
  },
];

/** Alerts on clients. */
export const CLIENT_CASES: readonly RuleCase[] = [
  {
    alert: "NatsSlowConsumers/warning",
    fault: set("nats_varz_slow_consumer_stats_clients", { server_id: "bus-1" }, jump(5, 6)),
    near: set("nats_varz_slow_consumer_stats_clients", { server_id: "bus-1" }, steady(100)),
  },
  {
    alert: "NatsRouteSlowConsumer/critical",
    fault: set("nats_varz_slow_consumer_stats_routes", { server_id: "bus-1" }, jump(5, 6)),
    near: set("nats_varz_slow_consumer_stats_routes", { server_id: "bus-1" }, steady(100)),
  },
  {
    alert: "NatsStalledClients/warning",
    fault: set("nats_varz_stalled_clients", { server_id: "bus-1" }, starting(0, 60)),
    delay: 300,
    window: true,
    near: set("nats_varz_stalled_clients", { server_id: "bus-1" }, starting(0, 15)),
  },
  {
    alert: "NatsConnectionsNearLimit/warning",
    fault: set("nats_varz_connections", { server_id: "bus-1" }, jump(100, 60_000)),
    near: set("nats_varz_connections", { server_id: "bus-1" }, jump(100, 50_000)),
  },
  {
    alert: "NatsReconnectStorm/warning",
    fault: set("nats_varz_total_connections", { server_id: "bus-1" }, starting(0, 600)),
    delay: 300,
    window: true,
    near: all(
      set("nats_varz_total_connections", { server_id: "bus-1" }, starting(0, 600)),
      set("nats_varz_connections", { server_id: "bus-1" }, steady(5000)),
    ),
  },
  {
    alert: "NatsApiErrorRatio/warning",
    fault: set("nats_varz_jetstream_stats_api_errors", {}, starting(0, 6)),
    delay: 600,
    window: true,
    near: set("nats_varz_jetstream_stats_api_errors", {}, starting(0, 1)),
  },
  {
    alert: "NatsMetaApiBacklog/warning",
    fault: set("nats_varz_jetstream_meta_pending", { server_id: "bus-1" }, jump(0, 2000)),
    near: set("nats_varz_jetstream_meta_pending", { server_id: "bus-1" }, jump(0, 500)),
  },
];

function certificateOf(days: number): Fault {
  // Tests begin at second 0, so this is true from the moment faults begin.
  return set("natsbus_certificate_not_after_seconds", { server_id: "bus-1" }, steady(days * 86_400 + BEGIN - 1));
}

/** bus-1 also leads, on and off, changing each minute from the beginning of the fault. */
function leadingAgain(changes: number): Fault {
  const flips = Array.from({ length: changes }, (_, index) => (index % 2 === 0 ? "1 1" : "stale _")).join(" ");
  const end = changes % 2 === 0 ? "" : " 1+0x$REST";
  return add("nats_server_total_streams", { server_id: "bus-1", is_meta_leader: "true", meta_leader: "bus-3" }, `_x${LEAD} ${flips}${end}`);
}
