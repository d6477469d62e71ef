/** `/varz`, `/healthz` and `/accstatz` under the official exporter's names. */
import type { HealthPage, ServerPages, VarzPage } from "../pages.ts";
import type { Labels, Sample } from "../sample.ts";

// Where a figure stands in the page; the exporter's name is the path with underscores. Only what rules and boards read.
const GAUGES = [
  "cpu",
  "cores",
  "gomaxprocs",
  "mem",
  "connections",
  "total_connections",
  "max_connections",
  "subscriptions",
  "remotes",
  "in_msgs",
  "out_msgs",
  "in_bytes",
  "out_bytes",
  "in_client_msgs",
  "out_client_msgs",
  "in_client_bytes",
  "out_client_bytes",
  "slow_consumers",
  "slow_consumer_stats.clients",
  "slow_consumer_stats.routes",
  "stalled_clients",
  "disk_io_wait_stats.wait_time",
  "jetstream.config.max_memory",
  "jetstream.config.max_storage",
  "jetstream.stats.memory",
  "jetstream.stats.storage",
  "jetstream.stats.reserved_storage",
  "jetstream.stats.ha_assets",
  "jetstream.stats.api.total",
  "jetstream.stats.api.errors",
  "jetstream.meta.cluster_size",
  "jetstream.meta.pending",
  "jetstream.meta.pending_requests",
] as const;

/** The exporter's name of a path in `/varz`. */
function varzName(path: string): string {
  return `nats_varz_${path.replaceAll(".", "_")}`;
}

/** Figures and version of a server. */
export function varzSamples(varz: VarzPage): Sample[] {
  const labels = { server_id: varz.server_name };
  const gauges = GAUGES.flatMap((path) => {
    const value = path.split(".").reduce<unknown>((page, field) => (page as Readonly<Record<string, unknown>> | undefined)?.[field], varz);
    return typeof value === "number" ? [{ name: varzName(path), labels, value }] : [];
  });
  return [
    ...gauges,
    { name: "nats_varz_start", labels, value: Date.parse(varz.start) },
    { name: "nats_varz_version", labels: { ...labels, value: varz.version }, value: 1 },
  ];
}

/** Health of a server, also of one that does not answer. */
export function healthSamples(server: string, pages: ServerPages | undefined): Sample[] {
  return [...health("healthz", server, pages?.health), ...health("healthz_js_enabled_only", server, pages?.enabledHealth)];
}

function health(metric: string, server: string, page: HealthPage | undefined): Sample[] {
  const labels = { server_id: server };
  const isOk = page?.status === "ok";
  const word = { name: `nats_${metric}_status_value`, labels: { ...labels, value: page?.status ?? "unreachable" }, value: isOk ? 1 : 0 };
  return page === undefined ? [word] : [{ name: `nats_${metric}_status`, labels, value: isOk ? 0 : 1 }, word];
}

/** Traffic of each account on a server. */
export function accountStatSamples(server: string, { accounts = [] }: ServerPages): Sample[] {
  return accounts.flatMap((account) => {
    const name = account.name ?? account.acc;
    const labels: Labels = { account: account.acc, account_id: account.acc, account_name: name, server_id: server };
    const sample = (metric: string, value: number): Sample => ({ name: `nats_accstatz_${metric}`, labels, value });
    return [
      sample("current_connections", account.conns),
      sample("total_connections", account.total_conns),
      sample("leaf_nodes", account.leafnodes),
      sample("subscriptions", account.num_subscriptions),
      sample("sent_messages", account.sent.msgs),
      sample("sent_bytes", account.sent.bytes),
      sample("received_messages", account.received.msgs),
      sample("received_bytes", account.received.bytes),
      sample("slow_consumers", account.slow_consumers),
    ];
  });
}
