/** Pending and firing alerts, as Prometheus tells them. */
import { askMonitor } from "../components/process/monitor.ts";

/** An alert that is not quiet. */
export interface ActiveAlert {
  /** Name. */
  readonly alert: string;
  readonly severity: string;
  readonly state: "pending" | "firing";
  /** One line with the value in it. */
  readonly summary: string;
  /** When its condition became true, RFC 3339. */
  readonly since: string;
  /** Where it is written what to do. */
  readonly runbook?: string;
}

interface AlertsAnswer {
  readonly data?: {
    readonly alerts?: readonly {
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
      readonly state: "pending" | "firing";
      readonly activeAt: string;
    }[];
  };
}

/**
 * Alerts of one bus but the heartbeat, the worst first.
 * @param url Prometheus without a trailing slash
 * @returns `undefined` when Prometheus does not answer
 */
export async function readAlerts(url: string, cluster: string): Promise<readonly ActiveAlert[] | undefined> {
  const answer = await askMonitor<AlertsAnswer>({ url }, "/api/v1/alerts");
  return answer?.data?.alerts
    ?.filter(({ labels }) => labels["nats_cluster"] === cluster && labels["severity"] !== "none")
    .map(({ labels, annotations, state, activeAt }) => ({
      alert: labels["alertname"] ?? "",
      severity: labels["severity"] ?? "",
      state,
      summary: annotations["summary"] ?? "",
      since: activeAt,
      ...(annotations["runbook_url"] === undefined ? {} : { runbook: annotations["runbook_url"] }),
    }))
    .sort((a, b) => rank(a) - rank(b) || (a.alert < b.alert ? -1 : 1));
}

function rank({ state, severity }: ActiveAlert): number {
  return (state === "firing" ? 0 : 10) + ["critical", "warning", "info"].indexOf(severity);
}
