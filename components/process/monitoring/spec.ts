/** What the `Monitoring` resource of the process target takes and gives: plain data, as it stands in the state. */
import type { BusFacts } from "../../../observability/facts.ts";
import type { ProbeAccess, ProbeConfig } from "../../../observability/probe-config.ts";
import type { MonitoringChoices } from "../../../observability/writers/files.ts";

/** A process that watches the bus. */
export type WatcherName = "probe" | "prometheus" | "alertmanager";

/** Everything that watches one bus on this machine. */
export interface MonitoringInputs {
  /** Folder of all of it, relative to the project. */
  readonly directory: string;
  /** The bus as declared. */
  readonly facts: BusFacts;
  /** Choices about rules, boards and routes; addresses are filled in here. */
  readonly choices: MonitoringChoices;
  /** What the probe is told; paths relative to the project. */
  readonly probe: Omit<ProbeConfig, "facts" | "listen" | "accessFile" | "prometheusUrl">;
  /** How the probe gets into servers that natsbus did not make. A secret.
   * @default - the probe needs nothing of the kind */
  readonly access?: ProbeAccess;
  /** Where each process listens on loopback. */
  readonly ports: Readonly<Record<WatcherName, number>>;
}

/** Everything in the state. */
export interface MonitoringOutputs extends MonitoringInputs {
  /** Addresses by process. */
  readonly urls: Readonly<Record<WatcherName, string>>;
  /** Processes that run; Prometheus and Alertmanager only where they are installed. */
  readonly running: readonly WatcherName[];
}

/** Address all of them listen on. */
export const WATCHER_HOST = "127.0.0.1";

/** Where a process is asked. */
export function watcherUrls(ports: MonitoringInputs["ports"]): Readonly<Record<WatcherName, string>> {
  const url = (port: number): string => `http://${WATCHER_HOST}:${port}`;
  return { probe: url(ports.probe), prometheus: url(ports.prometheus), alertmanager: url(ports.alertmanager) };
}
