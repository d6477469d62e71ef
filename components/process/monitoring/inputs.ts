/** From a bus to what watches it on this machine. Pure. */
import { inboxPrefix } from "../../../accounts/roles.ts";
import { planNodes } from "../../../core/topology.ts";
import type { CanaryConfig } from "../../../observability/probe-config.ts";
import { monitoringChoices, monitoringFacts } from "../../monitoring.ts";
import { CANARY_SUBJECT, CANARY_USER } from "../../monitoring-catalogue.ts";
import type { ResolvedBus } from "../../resolved-bus.ts";
import { MONITORING_FOLDER } from "./note.ts";
import type { MonitoringInputs } from "./spec.ts";

// A look costs the servers little; a fresh page serves every scrape.
const SHORTEST_POLL_MS = 1_000;
const LONGEST_POLL_MS = 5_000;

/** What the `Monitoring` resource of a bus is given. */
export function planMonitoring(bus: ResolvedBus, credsFile: string | undefined): MonitoringInputs {
  const { spec } = bus;
  const { directory, monitorTls } = spec.process;
  const { scrapeIntervalMs, canary, slo, ports } = spec.monitoring;
  const caFile = `${directory}/ca.pem`;
  const singing: CanaryConfig = {
    subject: CANARY_SUBJECT,
    ...(credsFile === undefined ? {} : { credsFile, inboxPrefix: inboxPrefix(CANARY_USER) }),
    ...(spec.tls.clients ? { caFile } : {}),
    intervalMs: canary.intervalMs,
    timeoutMs: canary.timeoutMs,
  };
  return {
    directory: `${directory}/${MONITORING_FOLDER}`,
    facts: monitoringFacts(bus),
    choices: monitoringChoices(bus),
    probe: {
      servers: planNodes(spec).map((node) => ({
        name: node.name,
        clientUrl: node.clientUrl,
        monitorUrl: node.monitorUrl,
        ...(monitorTls ? { monitorCaFile: caFile } : {}),
        noteFile: `${node.directory}/natsbus.json`,
      })),
      pollMs: Math.min(LONGEST_POLL_MS, Math.max(SHORTEST_POLL_MS, scrapeIntervalMs / 2)),
      exporter: true,
      latencySeconds: slo.latencyMs / 1000,
      ...(canary.enabled ? { canary: singing } : {}),
    },
    ports,
  };
}
