import type { MonitoringStatus } from "../../components/process/monitoring/observe.ts";
import type { ActiveAlert } from "../../probe/alerts.ts";
import type { Palette } from "./palette.ts";

/** What watches the bus and what it says, for the document of `status --json`; nothing when nobody watches. */
export function monitoringOf(watched: MonitoringStatus | undefined, alerts: readonly ActiveAlert[] | undefined): Record<string, unknown> {
  if (watched === undefined) return {};
  const { urls, running } = watched;
  return { monitoring: { urls, running }, ...(alerts === undefined ? {} : { alerts: alerts.filter(({ state }) => state === "firing") }) };
}

/** Firing alerts and where to look; empty when nobody watches. */
export function renderMonitoring(
  watched: MonitoringStatus | undefined,
  alerts: readonly ActiveAlert[] | undefined,
  palette: Palette,
): string {
  if (watched === undefined) return "";
  const firing = alerts?.filter(({ state }) => state === "firing") ?? [];
  const lines = firing.map(({ alert, severity, summary }) => `${palette.error(severity)} ${alert}: ${summary}`);
  const none = alerts === undefined ? "not known, Prometheus does not answer" : "none is firing";
  const links = Object.entries(watched.urls).map(([name, url]) => {
    const isUp = watched.running.some((running) => running === name);
    return `  ${name.padEnd(13)} ${isUp ? url : "does not run"}`;
  });
  return [`\nAlerts: ${lines.length === 0 ? none : ""}`.trimEnd(), ...lines.map((line) => `  ${line}`), "Watched by:", ...links, ""].join(
    "\n",
  );
}
