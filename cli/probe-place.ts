import { dirname, resolve } from "node:path";
import { planExistingWatch } from "../components/existing/watch-plan.ts";
import { lookAtWatched } from "../components/existing/watched.ts";
import { monitoringFacts } from "../components/monitoring.ts";
import type { ResolvedBus } from "../components/resolve.ts";
import { closeConnections } from "../connection/pool.ts";
import type { ProbeAccess, ProbeConfig } from "../observability/probe-config.ts";
import { assertUp } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import { loadDeclared } from "./declared.ts";
import { readAccess } from "./existing-access.ts";
import { openBus, type PlaceOptions } from "./session.ts";

const POLL_MS = 2_000;

/** Runtime folder of the stack, absolute. */
export async function runtimeFolder(options: PlaceOptions): Promise<string> {
  const { root, stack, bus } = await openBus(options);
  const [first] = bus.servers;
  return first === undefined ? resolve(root, ".natsbus", stack) : dirname(resolve(root, first.directory));
}

/** What a probe is told that no file tells. */
export interface LookingProbe {
  /** Everything but secrets. */
  readonly config: ProbeConfig;
  /** How it gets into servers that natsbus did not make. */
  readonly access?: ProbeAccess;
}

/**
 * A probe of the stack's bus that publishes nothing: it only looks.
 * @param port port on loopback, 0 for a free one
 * @throws BusError ERR_NOT_UP; on an existing cluster also what finding its servers throws
 */
export async function lookingProbe(options: PlaceOptions, port: number, onNotice: (text: string) => void): Promise<LookingProbe> {
  const place = await openBus(options);
  assertUp(place);
  const declared = await loadDeclared(options, onNotice);
  const rest = { listen: { host: "127.0.0.1", port }, pollMs: POLL_MS, exporter: true, latencySeconds: 0.05 };
  if (place.bus.existing !== undefined) return lookFromOutside(place, declared, rest);
  const { root, bus } = place;
  const ca = bus.caFile === "" ? {} : { monitorCaFile: resolve(root, bus.caFile) };
  const servers = bus.servers.map(({ name, clientUrl, monitorUrl, directory }) => ({
    ...{ name, clientUrl, monitorUrl, noteFile: resolve(root, directory, "natsbus.json") },
    ...(monitorUrl.startsWith("https:") ? ca : {}),
  }));
  return { config: { facts: monitoringFacts(declared), servers, ...rest } };
}

async function lookFromOutside(place: BusPlace, bus: ResolvedBus, rest: Omit<ProbeConfig, "facts" | "servers">): Promise<LookingProbe> {
  const access = await readAccess(place);
  const { monitorUrls = [] } = bus.spec.existing ?? {};
  const watched = await lookAtWatched({ access, monitorUrls, expected: bus.spec.cluster.servers }).finally(closeConnections);
  const { probe, facts, access: way } = planExistingWatch({ bus, access, watched }, undefined);
  const servers = probe.servers.map((server) => ({
    ...server,
    ...(server.monitorCaFile === undefined ? {} : { monitorCaFile: resolve(place.root, server.monitorCaFile) }),
  }));
  return { config: { facts, servers, ...rest }, access: way };
}
