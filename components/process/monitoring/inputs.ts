/** From a bus to what watches it on this machine. Pure. */
import { inboxPrefix } from "../../../accounts/roles.ts";
import { planNodes } from "../../../core/topology.ts";
import type { BusFacts } from "../../../observability/facts.ts";
import type { CanaryConfig, ProbeServer } from "../../../observability/probe-config.ts";
import { monitoringChoices, monitoringFacts } from "../../monitoring.ts";
import { CANARY_SUBJECT, CANARY_USER } from "../../monitoring-catalogue.ts";
import type { ResolvedBus } from "../../resolved-bus.ts";
import { MONITORING_FOLDER } from "./note.ts";
import type { MonitoringInputs } from "./spec.ts";

// A look costs the servers little; a fresh page serves every scrape.
const SHORTEST_POLL_MS = 1_000;
const LONGEST_POLL_MS = 5_000;

/** What the `Monitoring` resource of a bus on this machine is given. */
export function planMonitoring(bus: ResolvedBus, credsFile: string | undefined): MonitoringInputs {
  const { spec } = bus;
  const { directory, monitorTls } = spec.process;
  const caFile = `${directory}/ca.pem`;
  return planWatching(bus, {
    facts: monitoringFacts(bus),
    servers: planNodes(spec).map((node) => ({
      name: node.name,
      clientUrl: node.clientUrl,
      monitorUrl: node.monitorUrl,
      ...(monitorTls ? { monitorCaFile: caFile } : {}),
      noteFile: `${node.directory}/natsbus.json`,
    })),
    canary: { ...canaryLogin(credsFile), ...(spec.tls.clients ? { caFile } : {}) },
  });
}

/** What the canary connects with: its own user's credentials, where it has one. */
export function canaryLogin(credsFile: string | undefined): Pick<CanaryConfig, "credsFile" | "inboxPrefix"> {
  return credsFile === undefined ? {} : { credsFile, inboxPrefix: inboxPrefix(CANARY_USER) };
}

/** Whom processes on this machine watch, wherever the servers are. */
export interface Watched {
  /** The bus as declared. */
  readonly facts: BusFacts;
  /** The servers, first to last. */
  readonly servers: readonly ProbeServer[];
  /** What the canary connects with. */
  readonly canary: Omit<CanaryConfig, "subject" | "intervalMs" | "timeoutMs">;
}

/** The processes that watch a bus from this machine. */
export function planWatching(bus: ResolvedBus, { facts, servers, canary: login }: Watched): MonitoringInputs {
  const { process, monitoring } = bus.spec;
  const { scrapeIntervalMs, canary, slo, ports } = monitoring;
  return {
    directory: `${process.directory}/${MONITORING_FOLDER}`,
    facts,
    choices: monitoringChoices(bus),
    probe: {
      servers,
      pollMs: Math.min(LONGEST_POLL_MS, Math.max(SHORTEST_POLL_MS, scrapeIntervalMs / 2)),
      exporter: true,
      latencySeconds: slo.latencyMs / 1000,
      ...(canary.enabled
        ? { canary: { subject: CANARY_SUBJECT, ...login, intervalMs: canary.intervalMs, timeoutMs: canary.timeoutMs } }
        : {}),
    },
    ports,
  };
}
