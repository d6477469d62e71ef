import { dirname, resolve } from "node:path";
import { monitoringFacts } from "../components/monitoring.ts";
import type { ProbeConfig } from "../observability/probe-config.ts";
import { assertUp } from "./bus-access.ts";
import { loadDeclared } from "./declared.ts";
import { openBus, type PlaceOptions } from "./session.ts";

const POLL_MS = 2_000;

/** Runtime folder of the stack, absolute. */
export async function runtimeFolder(options: PlaceOptions): Promise<string> {
  const { root, stack, bus } = await openBus(options);
  const [first] = bus.servers;
  return first === undefined ? resolve(root, ".natsbus", stack) : dirname(resolve(root, first.directory));
}

/**
 * A probe of the stack's bus that publishes nothing: it only looks.
 * @param port port on loopback, 0 for a free one
 * @throws BusError ERR_NOT_UP
 */
export async function lookingProbe(options: PlaceOptions, port: number, onNotice: (text: string) => void): Promise<ProbeConfig> {
  const place = await openBus(options);
  assertUp(place);
  const { root, bus } = place;
  const ca = bus.caFile === "" ? {} : { monitorCaFile: resolve(root, bus.caFile) };
  return {
    facts: monitoringFacts(await loadDeclared(options, onNotice)),
    listen: { host: "127.0.0.1", port },
    servers: bus.servers.map(({ name, clientUrl, monitorUrl, directory }) => ({
      ...{ name, clientUrl, monitorUrl, noteFile: resolve(root, directory, "natsbus.json") },
      ...(monitorUrl.startsWith("https:") ? ca : {}),
    })),
    pollMs: POLL_MS,
    exporter: true,
    latencySeconds: 0.05,
  };
}
