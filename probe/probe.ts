/** A probe: looks at the servers, publishes through them, and serves what came of it. */
import type { AddressInfo } from "node:net";
import { closeConnections } from "../connection/pool.ts";
import type { ProbeAccess, ProbeConfig } from "../observability/probe-config.ts";
import { readAlerts } from "./alerts.ts";
import { Canary, type PublishResult } from "./canary.ts";
import { loadProbeAccess } from "./config.ts";
import { exporterSamples } from "./exporter/samples.ts";
import { createProbeMetrics } from "./metrics.ts";
import { Observer } from "./observer.ts";
import { probeSamples } from "./probe-samples.ts";
import { renderSamples } from "./sample.ts";
import { type Answer, readPageFile, serve } from "./server.ts";
import { type BusView, viewBus } from "./state.ts";

/** A running probe; it ends with its user. */
export interface Probe extends AsyncDisposable {
  /** Where it listens, without a trailing slash. */
  readonly url: string;
}

const EXPORTER_PATH = /^\/servers\/([^/]+)\/metrics$/;
const TEXT = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Starts a probe.
 * @param given how it gets into servers that natsbus did not make, where no file says so
 * @throws ERR_PORT_IN_USE, ERR_PROBE_CONFIG
 */
export async function startProbe(config: ProbeConfig, given?: ProbeAccess): Promise<Probe> {
  const access = given ?? (await loadProbeAccess(config.accessFile));
  const observer = new Observer(config.servers, config.pollMs, access?.system);
  const counts: Record<PublishResult, number> = { ok: 0, timeout: 0, error: 0 };
  const metrics = createProbeMetrics({
    canaryServers: config.canary === undefined ? [] : config.servers.filter(({ clientUrl }) => clientUrl !== undefined),
    latencySeconds: config.latencySeconds,
    samples: () => probeSamples(observer.seen),
  });
  const canary =
    config.canary === undefined
      ? undefined
      : new Canary({ ...config.canary, ...access?.client }, config.servers, (server, result, seconds) => {
          counts[result] += 1;
          metrics.onPublish(server, result, seconds);
        });
  const stop = async (): Promise<void> => {
    await Promise.all([observer.stop(), canary?.stop()]);
    await closeConnections();
  };
  const view = async (): Promise<BusView> => {
    const alerts = config.prometheusUrl === undefined ? undefined : await readAlerts(config.prometheusUrl, config.facts.cluster);
    const extra = { ...(canary === undefined ? {} : { canary: counts }), ...(alerts === undefined ? {} : { alerts }) };
    return viewBus(observer.seen, { facts: config.facts, at: new Date(), ...extra });
  };
  const exporter = (name: string | undefined): Answer | undefined => {
    const seen = config.exporter ? observer.seen.find(({ server }) => server.name === name) : undefined;
    return seen === undefined ? undefined : { type: TEXT, text: renderSamples(exporterSamples(seen)) };
  };
  try {
    const server = await serve(config.listen, async (path) => {
      if (path === "/-/ready") return { type: TEXT, text: "ready\n" };
      if (path === "/metrics") return { type: metrics.contentType, text: await metrics.render() };
      if (path === "/api/state") return { type: "application/json", text: JSON.stringify(await view()) };
      const [, name] = EXPORTER_PATH.exec(path) ?? [];
      return name === undefined ? readPageFile(path) : exporter(decodeURIComponent(name));
    });
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://${config.listen.host}:${port}`,
      [Symbol.asyncDispose]: async () => {
        server.close();
        server.closeAllConnections();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
