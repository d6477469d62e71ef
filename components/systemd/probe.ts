/** The probe of one host: it watches the servers of that host, for their monitoring pages are open to nobody else. Pure. */
import { inboxPrefix } from "../../accounts/roles.ts";
import type { BusSpec } from "../../core/bus-spec.ts";
import type { BusFacts } from "../../observability/facts.ts";
import type { ProbeConfig } from "../../observability/probe-config.ts";
import { monitoringFacts } from "../monitoring.ts";
import { CANARY_SUBJECT, CANARY_USER } from "../monitoring-catalogue.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { type HostNode, hostPaths } from "./host-plan.ts";

const POLL_MS = 5_000;

/** What the probes of a bus are told beside where the servers are. */
export interface HostProbe {
  /** The bus as declared. */
  readonly facts: BusFacts;
  /** Credentials of the canary's user, a secret; absent: without accounts, or without a canary. */
  readonly credentials?: string;
}

/** Whether a probe runs on each host: asked for by itself, or as part of monitoring. */
export function runsProbe({ systemd, monitoring }: BusSpec): boolean {
  return systemd.probe.enabled || monitoring.enabled;
}

/** What the probes of a bus need; `undefined` when none runs.
 * @param credentials map keyed by user name: credentials */
export function hostProbe(bus: ResolvedBus, credentials: Readonly<Record<string, string>>): HostProbe | undefined {
  if (!runsProbe(bus.spec)) return undefined;
  const own = credentials[CANARY_USER];
  return { facts: monitoringFacts(bus), ...(own === undefined ? {} : { credentials: own }) };
}

/** Address the metrics are served at. */
export function probeAddress({ systemd }: BusSpec, [first]: readonly HostNode[]): string {
  return systemd.monitoringNetworks.length === 0 || first === undefined ? "127.0.0.1" : first.host.listen;
}

/** Settings of the probe of the host with these servers.
 * @param caFile authorities on the host */
export function planHostProbe(spec: BusSpec, { facts, credentials }: HostProbe, nodes: readonly HostNode[], caFile: string): ProbeConfig {
  const { canary, slo } = spec.monitoring;
  const user = credentials === undefined ? {} : { credsFile: credentialsPath(spec), inboxPrefix: inboxPrefix(CANARY_USER) };
  const authority = spec.tls.clients ? { caFile } : {};
  // Without accounts anybody may publish; with accounts only the canary's own user, whom monitoring makes.
  const sings = spec.monitoring.enabled && canary.enabled && (credentials !== undefined || spec.auth.mode === "none");
  const timing = { intervalMs: canary.intervalMs, timeoutMs: canary.timeoutMs };
  return {
    facts,
    listen: { host: probeAddress(spec, nodes), port: spec.systemd.ports.probe },
    servers: nodes.map(({ name, clientUrl, monitorUrl }) => ({ name, clientUrl, monitorUrl })),
    pollMs: POLL_MS,
    exporter: !spec.systemd.exporter.enabled,
    latencySeconds: slo.latencyMs / 1000,
    ...(sings ? { canary: { subject: CANARY_SUBJECT, ...user, ...authority, ...timing } } : {}),
  };
}

/** Where the credentials of the canary's user lie on a host. */
export function credentialsPath({ cluster }: BusSpec): string {
  return `${hostPaths(cluster.name).config}/probe.creds`;
}
